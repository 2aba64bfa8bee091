# SPDX-License-Identifier: Apache-2.0
"""A whole run with aggregates: train, measure, bundle, serve."""

import polars as pl
import pytest

import films
from inprocess import Client
from penchant import recipe
from penchant.bundle.bundle import open_bundle
from penchant.bundle.offline import recommend_items
from penchant.config import RunConfig
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
[features]
aggregates = true
columns.year = { transform = "quantile" }
[model]
kind = "MODEL"
[train]
epochs = 1
"""


@pytest.mark.parametrize("model", ["popularity", "sasrec"])
def test_a_run_with_aggregates(tmp_path, model):
    data = films.dataset()
    data.events.drop("type", "value").write_csv(tmp_path / "events.csv")
    data.items.with_columns(pl.col("genres").list.join("|")).write_csv(tmp_path / "items.csv")
    (tmp_path / "run.toml").write_text(RUN.replace("MODEL", model))
    outcome = recipe.train(RunConfig.load(tmp_path / "run.toml"), tmp_path / "artefacts")
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
