# SPDX-License-Identifier: Apache-2.0
"""The service as a process: a taken port, an orderly end, and kill -9 at random moments."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import films
from penchant.errors import BundleError, ConfigError
from penchant.recommend.explore import ExploreConfig
from penchant.schema import IdType
from penchant.serve.crew import CrewError
from penchant.serve.edge import ACCESS
from penchant.serve.eventlog import EventLog
from penchant.serve.run import ServeConfig, access_log, address, beside, listen, run

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from pathlib import Path
from penchant.serve.run import ServeConfig, run
run(Path(sys.argv[1]), ServeConfig(port=0), extend=lambda app, _service: app.get("/extra")(lambda: "more"),
    ready=lambda url, _service: print(url, flush=True))
print("ended", flush=True)
"""


def test_a_port_in_use_is_found_before_any_work(tmp_path):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^Port {port}.* is in use by another program: .*--port"):
            run(tmp_path / "no bundle here", ServeConfig(port=port))


def test_a_host_that_is_not_ours(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot listen at 192\.0\.2\.1, port 0 .*--host"):
        listen("192.0.2.1", 0)
    with pytest.raises(ConfigError, match=r"There is no host 'no such host'.*--host"):
        listen("no such host", 0)


def test_a_port_that_needs_rights(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ConfigError, match=r"Port 80 needs more rights.*above 1023 with --port"):
        listen("127.0.0.1", 80)


def test_without_a_bundle_nothing_is_left_open(tmp_path):
    with pytest.raises(BundleError, match="no bundle"):
        run(tmp_path, ServeConfig(port=0))


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")],
)
def test_the_address_can_be_typed_into_a_browser(host, shown):
    try:
        listener = listen(host, 0)
    except ConfigError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        assert address(listener) == f"{shown}{listener.getsockname()[1]}/"


def test_the_log_lies_beside_the_bundles(tmp_path, bundle_folder):
    assert (
        beside(bundle_folder) == beside(bundle_folder.parent) == f"sqlite:///{bundle_folder.parent / 'events.db'}"
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_in_order(tmp_path, end):
    folder = films.write(tmp_path / "bundles", films.dataset(), kind="popularity")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        url = process.stdout.readline().strip()
        event = json.dumps({"user_id": 5, "item_id": 9}).encode()
        with urllib.request.urlopen(f"{url}v1/events", event, timeout=20) as answer:
            assert json.load(answer)["accepted"] == 1
        with urllib.request.urlopen(f"{url}extra", timeout=20) as answer:
            assert json.load(answer) == "more"
        process.send_signal(end)
        assert process.stdout.read() == "ended\n"
        assert process.wait(20) == 0
    log = EventLog(beside(folder))
    assert log.last == 1
    log.close()


def test_kill_9_loses_no_acknowledged_event(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    spec = importlib.util.spec_from_file_location("kill9", ROOT / "benchmarks" / "kill9.py")
    kill9 = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill9", kill9)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec.loader.exec_module(kill9)
    folder = films.write(tmp_path / "bundles", films.dataset(ids=IdType.STRING), kind="popularity")
    acknowledged, lost = kill9.kill_many(folder, f"sqlite:///{tmp_path / 'events.db'}", times=3)
    assert acknowledged > 0
    assert lost == 0
    assert "3 of 3" in capsys.readouterr().out


def test_the_access_log_goes_to_standard_error_only_when_it_is_wanted(capsys):
    for wanted in (False, True):
        with access_log(wanted=wanted):
            ACCESS.info("one line %s", wanted)
    ACCESS.info("after")
    assert capsys.readouterr().err == "one line True\n"


def test_keys_that_are_not_there_are_found_before_the_bundle_is_opened(tmp_path):
    with pytest.raises(ConfigError, match="the keys cannot be read"):
        run(tmp_path / "no bundle here", ServeConfig(port=0, keys=str(tmp_path / "keys.toml")))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ServeConfig(port=0, explore=ExploreConfig()), "explore needs impressions = true"),
        (ServeConfig(port=0, origins=("*",)), r"origins: '\*' is no site"),
        (ServeConfig(port=0, origins=("shop.example/a",)), "is no site: write it as"),
    ],
)
def test_what_does_not_go_together_is_found_before_any_work(tmp_path, config, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path / "no bundle here", config)


def test_a_worker_that_cannot_start_ends_all(tmp_path):
    with pytest.raises(BundleError, match="holds no bundle"):
        run(tmp_path, ServeConfig(port=0, workers=2))
    folder = films.write(tmp_path / "bundles", films.dataset(), kind="popularity")
    (folder / "model.safetensors").write_bytes(b"no")
    with pytest.raises(CrewError, match="ended before it was ready"):
        run(folder, ServeConfig(port=0, workers=2))
