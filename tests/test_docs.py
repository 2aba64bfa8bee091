# SPDX-License-Identifier: Apache-2.0
"""The documentation says what is: commands, targets, keys, links are looked up; requests are made."""

import json
import re
import shlex
import tomllib
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import typer.main

import films
from inprocess import Client
from penchant import registry
from penchant.bundle.bundle import open_bundle
from penchant.cli.app import app
from penchant.config import TABLES, RunConfig
from penchant.data import config as data
from penchant.data.checks import ChecksConfig
from penchant.data.rules.table import RULES
from penchant.data.sources import movielens_100k, run_file
from penchant.data.sources.runfile import to_toml
from penchant.data.splits import SplitConfig
from penchant.evaluate.metrics import METRICS
from penchant.features.columns import ColumnChoice
from penchant.models.recommender import Range
from penchant.rank.config import SourceConfig
from penchant.rank.tasks import TaskConfig
from penchant.recommend.explore import ExploreConfig
from penchant.schema import Column, EventType
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
RUNS = sorted((ROOT / "runs").glob("*.toml"))


def read(path):
    return path.read_text(encoding="utf-8")


def lines(page):
    """The lines of the fenced shell blocks, and what stands between single backquotes."""
    text = read(page)
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose))


def commands(program):
    """(page, words) of every call of `program`."""
    for page in PAGES:
        for line in lines(page):
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words[:1] == [program]:
                    yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands("penchant")))
def test_a_command_parses(words):
    command = typer.main.get_command(app)
    name = "penchant"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{name} has no command {words[0]}"
        name, command, words = f"{name} {words[0]}", command.commands[words[0]], words[1:]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    for word in words:
        assert not word.startswith("-") or word.split("=")[0] in known, f"{name} has no option {word}"
    if words:  # else it is only named
        command.make_context(name, list(words)).close()


@pytest.mark.parametrize("words", list(commands("make")))
def test_a_target_exists(words):
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert {word for word in words if "=" not in word} <= targets


def test_every_target_is_explained():
    makefile = read(ROOT / "Makefile")
    explained = set(re.findall(r'@echo "make ([a-z]+)', makefile))
    assert explained == set(re.findall(r"^\.PHONY: ([a-z]+)", makefile, re.MULTILINE)) - {"help"}


def test_the_tests_are_run_as_the_readme_says():
    assert re.search(r"```sh\nmake test\n```", read(ROOT / "README.md"))
    assert read(ROOT / ".ci" / "run").splitlines()[-1] == "make test"


def structs():
    """What each section of docs/data.md describes."""
    named = {name: registry.load(TABLES, name, "table") for name in TABLES}
    named |= {
        "data.events": data.EventsConfig,
        "data.items": data.ItemsConfig,
        "data.users": data.UsersConfig,
        "data.events.types": EventType,
        "data.reviews": data.ReviewsConfig,
        "data.social": data.SocialConfig,
        "data.items.columns": Column,
        "data.checks": ChecksConfig,
        "data.split": SplitConfig,
        "features.columns": ColumnChoice,
        "rank.tasks": TaskConfig,
        "rank.sources": SourceConfig,
        "serve.explore": ExploreConfig,
        "tune.space": Range,
    }
    rules = {f"data.checks.rules {name}": registry.load(RULES, name, "rule").Config for name in RULES}
    named |= {name: config for name, config in rules.items() if msgspec.structs.fields(config)}
    for kind in registry.ENCODERS:
        encoder = registry.load(registry.ENCODERS, kind, "encoder")
        named[f"content.{encoder.reads} {kind}"] = encoder.Config
    return named | {
        f"model {kind}": registry.load(registry.MODELS, kind, "model").Config for kind in registry.MODELS
    }


def documented():
    """{section: {key: default}} of docs/data.md; one may have all keys of another, less what it says itself."""
    found = {}
    for section in re.split(r"^###? ", read(ROOT / "docs" / "data.md"), flags=re.MULTILINE)[1:]:
        if head := re.match(r"\[(.+?)\]( \w+)?\n", section):
            rows = re.findall(r"^\| `(\w+)` \| ?(.*?) ?\|", section, re.MULTILINE)
            other = re.search(r"^The keys of `\[(.+?)\]( \w+)?`", section, re.MULTILINE)
            shared = found[other[1] + (other[2] or "")] if other else {}
            found[head[1] + (head[2] or "")] = shared | dict(rows)
    return found


def test_every_table_of_the_run_file_is_documented():
    assert documented().keys() == structs().keys()


def default(field):
    """As JSON has it."""
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return msgspec.json.decode(msgspec.json.encode(value))


@pytest.mark.parametrize("section", structs())
def test_every_key_is_documented_with_its_default(section):
    keys = documented()[section]
    fields = {field.encode_name: field for field in msgspec.structs.fields(structs()[section])}
    assert keys.keys() == fields.keys()
    for name, written in keys.items():
        if value := re.fullmatch(r"`(.+)`", written):
            assert default(fields[name]) == tomllib.loads(f"x = {value[1]}")["x"]
        elif written:  # in words, as nothing that could be written in the file means the same
            assert default(fields[name]) is None or isinstance(default(fields[name]), dict)
        else:
            assert fields[name].required


def test_every_model_and_metric_has_its_words():
    assert set(re.findall(r"^## (\w+)", read(ROOT / "docs" / "models.md"), re.MULTILINE)) == set(registry.MODELS)
    words = read(ROOT / "docs" / "evaluation.md").lower().replace(" ", "_")
    assert all(name in words for name in METRICS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", read(page)):
        if not urlsplit(target).scheme:
            assert (page.parent / target.split("#")[0]).exists(), target


def test_the_readme_shows_the_python_of_its_page():
    code = re.search(r"^```python\n.*?^```", read(ROOT / "docs" / "python.md"), re.MULTILINE | re.DOTALL)[0]
    assert code in read(ROOT / "README.md")


def test_the_readme_has_a_place_for_results():
    rows = re.search(r"<!-- results -->\n(.*?)<!-- /results -->", read(ROOT / "README.md"), re.DOTALL)[1]
    shown = RunConfig.load(ROOT / "runs" / "movielens-100k.toml")
    assert set(re.findall(r"^\| `(\w+)`", rows, re.MULTILINE)) == set(shown.models)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_an_example_is_read(path):
    run = RunConfig.load(path)
    assert run.model.kind in registry.MODELS


def test_the_example_is_what_the_demo_writes(tmp_path):
    (tmp_path / "items.csv").write_text("item_id,title,genres,year\n", encoding="utf-8")
    rest = (resources.files("penchant.cli") / "resources" / "demo.toml").read_text(encoding="utf-8")
    ready = movielens_100k.run(tmp_path)
    ready["data"]["name"] = "movielens-100k"
    (tmp_path / "run.toml").write_text(to_toml(ready), encoding="utf-8")
    written = tomllib.loads(run_file(tmp_path) + rest)
    shown = tomllib.loads(read(ROOT / "runs" / "movielens-100k.toml"))
    for name in ("events", "items", "users"):
        file = Path(written["data"][name].pop("path")).name
        assert shown["data"][name].pop("path") == f"../data/movielens-100k/{file}"
    assert shown == written


def requests():
    for page in PAGES:
        for line in lines(page):
            if line.startswith("curl "):
                yield pytest.param(shlex.split(line)[1:], id=f"{page.name}: {line}")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documented")
    log = EventLog(f"sqlite:///{folder / 'events.db'}")
    with Client(create_app(Service(open_bundle(films.write(folder / "bundles", films.dataset())), log))) as client:
        yield client
    log.close()


@pytest.mark.parametrize("words", list(requests()))
def test_a_request_is_answered(words, client):
    method = None
    if words[0] == "-X":
        method, words = words[1], words[2:]
    address = urlsplit(f"http://{words[0]}")
    assert address.netloc.startswith("localhost:8000")
    path = address.path + (f"?{address.query}" if address.query else "")
    if "-d" in words:
        head, value = words[words.index("-H") + 1].split(": ")
        body = words[words.index("-d") + 1]
        answer = client.request(method or "POST", path, content=body, headers={head: value})
    else:
        answer = client.request(method or "GET", path)
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/json":
        assert "error" not in json.loads(answer.text)


def test_every_cleaning_rule_is_explained():
    rows = re.findall(r"^\| `(\w+)` \| (on|off) \|", read(ROOT / "docs" / "cleaning.md"), re.MULTILINE)
    defaults = {name: registry.load(RULES, name, "rule").on_by_default for name in RULES}
    assert [(name, said == "on") for name, said in rows] == list(defaults.items())
