# SPDX-License-Identifier: Apache-2.0
"""The run file that lies beside the tables names what is there, and is ready to use."""

import tomllib

import msgspec
import polars as pl

from penchant.config import RunConfig
from penchant.data.config import DataConfig, EventsConfig
from penchant.recipe import ingest
from penchant.schema import EventType, Meaning
from penchant.simulate import words
from penchant.simulate.card import run_file


def test_columns_are_those_of_the_tables(shop):
    data = tomllib.loads((shop.folder / "run.toml").read_text())["data"]
    assert set(data["items"]["columns"]) == set(shop.items.columns) - {"item_id"}
    assert set(data["users"]["columns"]) == set(shop.users.columns) - {"user_id"}
    events = data["events"]
    named = {value for key, value in events.items() if isinstance(value, str) and key != "path"}
    assert named | set(events["context"]) == set(shop.events.columns) - {"user_id", "item_id"}
    meanings = {name: msgspec.convert(table, EventType).meaning for name, table in events["types"].items()}
    assert meanings == {name: Meaning(name) for name in words.TYPES}
    assert {"text", "rating", "time"} <= set(shop.reviews.columns)
    assert "weight" in shop.social.columns


def test_pictures_and_sounds_are_named_where_there_are_some():
    assert "[data.items.columns]" in run_file(pictures=False, sounds=False)
    assert "picture" not in run_file(pictures=False, sounds=True)
    assert "sound = " not in run_file(pictures=True, sounds=False)


def known(table, struct):
    """What `struct` reads of a table: keys that are agreed upon, but that nothing reads yet, are left out."""
    return {key: value for key, value in table.items() if key in struct.__struct_fields__}


def test_it_is_ready(shop, tmp_path):
    path = shop.folder / "run.toml"
    tables = tomllib.loads(path.read_text())
    tables["data"] = known(tables["data"], DataConfig)
    tables["data"]["events"] = known(tables["data"]["events"], EventsConfig)
    run = RunConfig(path=path, text="", tables=tables)
    run.check()
    data = ingest(run, tmp_path)
    counts = data.report["events"]
    assert counts["rows"] == shop.events.filter(pl.col("type") != "impression").height
    assert counts["refused"].keys() == {"returns"}, "returns take back their purchases; all else is clean"
    assert data.dataset.items.height == shop.items.height
