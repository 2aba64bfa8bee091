# SPDX-License-Identifier: Apache-2.0
"""What is given for operation names what there is: metrics, commands, options."""

import configparser
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main
import yaml

from penchant.cli.app import app
from penchant.serve.telemetry import Telemetry
from penchant.serve.wire import Readiness

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]


def metrics():
    ready = Readiness(ready=True, bundle="b", model="m", items=1, users=1, events_logged=1)
    shown = SimpleNamespace(written=1, dropped=0, waiting=0)
    telemetry = Telemetry(lambda: ready, shown)
    telemetry.request("GET", "/v1/users/{user_id}/recommendations", 200, 0.01)
    telemetry.events(1, 1)
    return telemetry.render().decode()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(alert):
    text = metrics()
    names = set(re.findall(r"\bpenchant_\w+", alert["expr"]))
    assert names or 'up{job="penchant"}' in alert["expr"]
    for name in names:
        assert re.search(rf"^{name}[ {{]", text, re.MULTILINE), name
    assert alert["expr"].count("(") == alert["expr"].count(")")
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"]


def parses(words):
    command = typer.main.get_command(app).commands[words[0]]
    command.make_context(words[0], list(words[1:])).close()


def test_the_unit_starts_a_command_that_there_is():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "penchant.service")
    parses(shlex.split(unit["Service"]["ExecStart"])[1:])
    assert unit["Install"]["WantedBy"] == "multi-user.target"


def test_the_container_starts_a_command_that_there_is():
    text = (DEPLOY / "Dockerfile").read_text()
    (command,) = re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)
    parses(yaml.safe_load(command))
    for line in re.findall(r"penchant (serve .*)$", text, re.MULTILINE):
        parses(shlex.split(line))
    root = DEPLOY.parent
    for copied in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE):
        assert all((root / name).exists() for name in copied.split()[:-1])
        allowed = (root / ".dockerignore").read_text().split()
        assert all(f"!{name}" in allowed for name in copied.split()[:-1])
