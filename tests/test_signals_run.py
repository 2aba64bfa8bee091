# SPDX-License-Identifier: Apache-2.0
"""A whole run with aggregates, and one with reviews and friends: train, measure, bundle, serve."""

import polars as pl
import pytest

import films
from inprocess import Client
from penchant import recipe, runs
from penchant.bundle.bundle import open_bundle
from penchant.bundle.offline import recommend_items
from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service

RUN = """
[data]
name = "films"
[data.events]
path = "events.csv"
time = "time"
time_unit = "us"
[data.items]
path = "items.csv"
columns = { genres = { kind = "tags", separator = "|" }, year = { kind = "number" } }
MORE
[features]
SIGNALS
columns.year = { transform = "quantile" }
[model]
kind = "MODEL"
[train]
epochs = 1
"""


def written_run(folder, data, model, signals, more=""):
    """A run file and its tables, in `folder`."""
    data.events.drop("type", "value").write_csv(folder / "events.csv")
    data.items.with_columns(pl.col("genres").list.join("|")).write_csv(folder / "items.csv")
    text = RUN.replace("MODEL", model).replace("MORE", more).replace("SIGNALS", signals)
    (folder / "run.toml").write_text(text)
    return RunConfig.load(folder / "run.toml")


@pytest.mark.parametrize("model", ["popularity", "sasrec"])
def test_a_run_with_aggregates(tmp_path, model):
    data = films.dataset()
    outcome = recipe.train(written_run(tmp_path, data, model, "aggregates = true"), tmp_path / "artefacts")
    assert outcome.report.results
    bundle = open_bundle(outcome.bundle)
    assert "aggregates.safetensors" in bundle.manifest.files
    assert recommend_items(bundle, [5, 6], 3).height == 6
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    with Client(create_app(Service(bundle, log))) as client:
        own = data.events.filter(user_id=5)
        assert client.get("/v1/users/5").json()["signals"]["events"] == own.height
        assert len(client.get("/v1/users/5/recommendations").json()["items"]) == 10
    log.close()


TABLES = """
[data.reviews]
path = "reviews.csv"
rating = "rating"
time = "time"
time_unit = "us"
[data.social]
path = "friends.csv"
"""


def test_a_run_with_reviews_and_friends(tmp_path):
    data = films.dataset()
    written = data.events.gather_every(2).select(
        "user_id", "item_id", pl.col("time") + 1, text=pl.lit("so"), rating=4
    )
    written.write_csv(tmp_path / "reviews.csv")
    known = data.events["user_id"].unique().sort()
    friends = pl.DataFrame({"user_id": known, "friend_id": known.reverse()})
    friends.write_csv(tmp_path / "friends.csv")
    run = written_run(tmp_path, data, "popularity", "reviews = true\nsocial = true", TABLES)
    outcome = recipe.train(run, tmp_path / "artefacts")
    assert outcome.report.results
    assert recipe.evaluate_run(runs.RunFolder(outcome.folder)).results
    bundle = open_bundle(outcome.bundle)
    assert {"reviews.parquet", "social.parquet", "aggregates.safetensors"} <= bundle.manifest.files.keys()
    assert recommend_items(bundle, [5, 6], 3).height == 6
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    with Client(create_app(Service(bundle, log))) as client:
        signals = client.get("/v1/users/5").json()["signals"]
        assert signals["reviews"] == written.filter(user_id=5).height
        assert signals["review_rating"] == 4
        assert signals["friends"] == friends.filter(pl.col("user_id") == 5, pl.col("friend_id") != 5).height
    log.close()


@pytest.mark.parametrize("name", ["reviews", "social"])
def test_what_the_data_lack_is_refused_with_the_way_out(tmp_path, name):
    run = written_run(tmp_path, films.dataset(), "popularity", f"{name} = true")
    with pytest.raises(ConfigError, match=rf"{name}: the data set 'films' has none.*or set {name} = false"):
        recipe.train(run, tmp_path / "artefacts")
