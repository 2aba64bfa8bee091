# SPDX-License-Identifier: Apache-2.0
"""A run file from the user's own files, and the demo on a stand-in for the public data."""

from pathlib import Path

import pytest

import shop
from penchant import __version__
from penchant.cli.starting import resource
from penchant.config import RunConfig
from penchant.data import sources
from penchant.data.config import DataConfig
from shop import penchant, refused


def test_init_says_what_it_guessed_and_writes_it(tmp_path):
    shop.stock(tmp_path, text=True)
    said = penchant("init", "--events", "events.csv", "--items", "items.csv", "--out", "new.toml").output
    said = " ".join(said.split())
    for guess in ("user = user", "item = item", "time = when", "title = name", "genre: category"):
        assert guess in said
    data = RunConfig.load("new.toml").read(DataConfig, "data")
    assert (data.events.user_id, data.events.item_id, data.events.time) == ("user", "item", "when")
    again = ("init", "--events", "events.csv", "--out", "new.toml")
    assert "is already there: choose another name with --out" in refused(*again)
    penchant(*again, "--force", "--user-column", "item", "--item-column", "user")
    data = RunConfig.load("new.toml").read(DataConfig, "data")
    assert (data.events.user_id, data.events.item_id, data.items) == ("item", "user", None)


def test_init_refuses_by_name(tmp_path):
    shop.stock(tmp_path)
    assert "event.csv (did you mean 'events.csv'?)" in refused("init", "--events", "event.csv", "--out", "x.toml")
    assert "has no column 'usr' (did you mean 'user'?)" in refused(
        "init", "--events", "events.csv", "--user-column", "usr", "--out", "x.toml"
    )
    Path("empty.csv").touch()
    assert "empty.csv is empty" in refused("init", "--events", "empty.csv", "--out", "x.toml")
    assert not Path("x.toml").exists()


def test_the_commented_choices_are_good_ones():
    """Every line of the template that is commented out may be switched on."""
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in resource("rest.toml").splitlines()
    ]
    head = '[data]\nname = "x"\n[data.events]\npath = "e.csv"\n'
    run = RunConfig.parse(head + "\n".join(lines), Path("run.toml"))
    assert "max_bad_fraction" in run.tables["data"]["checks"]
    assert list(run.models) == ["sasrec", "popularity", "item_knn", "ease"]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The shop in the place of the public data."""
    folder = tmp_path / "public"
    shop.stock(folder)
    head = shop.CSV.replace('"events', f'"{folder}/events').replace('"items', f'"{folder}/items')
    monkeypatch.setattr(sources, "get", lambda *_: folder)
    monkeypatch.setattr(sources, "run_file", lambda *_: head)
    monkeypatch.setattr("penchant.cli.starting.resource", lambda _: shop.QUICK)


@pytest.mark.usefixtures("stand_in")
def test_demo(monkeypatch):
    said = penchant("demo", "--no-serve").output
    assert "Getting MovieLens 100K" in said
    assert "Free for research" in said
    assert "sasrec - popularity" in said or "popularity - sasrec" in said
    assert RunConfig.load("artefacts/movielens-100k.toml").model.kind == "sasrec"
    served = []
    monkeypatch.setattr("penchant.serve.run.run", lambda bundle, config, **_: served.append((bundle, config.port)))
    penchant("demo", "--port", "0")
    assert served == [(Path("artefacts/bundles"), 0)]


def test_help_and_version():
    assert penchant("--version").output.strip() == f"penchant {__version__}"
    said = penchant("--help").output
    for command in ("init", "train", "evaluate", "recommend", "serve", "demo", "doctor", "data", "bundle"):
        assert command in said
    assert "penchant train run.toml --resume" in penchant("train", "-h").output


def test_init_takes_reviews_and_friends(tmp_path):
    shop.stock(tmp_path)
    Path("r.csv").write_text("user,item,text,rating\n1,2,Fine,5\n", encoding="utf-8")
    Path("s.csv").write_text("user,friend,weight\n1,2,0.5\n", encoding="utf-8")
    said = penchant("init", "--events", "events.csv", "--reviews", "r.csv", "--social", "s.csv", "--out", "x.toml")
    assert "text = text (its name says text)" in " ".join(said.output.split())
    data = RunConfig.load("x.toml").read(DataConfig, "data")
    assert (data.reviews.rating, data.reviews.text) == ("rating", "text")
    assert (data.social.friend_id, data.social.weight) == ("friend", "weight")
