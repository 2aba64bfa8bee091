# SPDX-License-Identifier: Apache-2.0
"""The optional columns of events, their context, and what their types mean."""

import tomllib
from datetime import UTC, datetime

import polars as pl
import pytest

from penchant.data.dataset import Dataset
from penchant.data.ingest import DataConfig, ingest
from penchant.errors import ConfigError, DataError
from penchant.registry import read_config
from penchant.schema import EVENT_COLUMNS, Kind, Meaning

NOW = datetime(2024, 1, 1, tzinfo=UTC)
HEAD = 'name = "x"\n[events]\npath = "e.csv"\ntime = "at"\ntime_unit = "s"\n'
EXTRAS = 'dwell = "s"\namount = "paid"\nquantity = "n"\nsession = "visit"\nposition = "rank"\npropensity = "p"\n'


def run(folder, table, text=HEAD, name="e.csv"):
    frame = pl.DataFrame(table)
    frame.write_csv(folder / name) if name.endswith("csv") else frame.write_parquet(folder / name)
    return ingest(read_config(DataConfig, tomllib.loads(text), "run.toml [data]"), folder, now=NOW)


def events(count=3, **columns):
    usual = {"user_id": range(count), "item_id": range(count), "at": [1_600_000_000] * count}
    return {**usual, **columns}


def test_optional_columns(tmp_path):
    table = events(
        s=["1.5", "", "30"], paid=["9.99", "-2", ""], n=[1, -1, 2], visit=["a", " ", "7"], rank=[1, 2, ""],
        p=[0.5, 1, 0.25],
    )  # fmt: skip
    made = run(
        tmp_path,
        {k: [str(c) for c in v] for k, v in table.items()},
        HEAD + EXTRAS + "[checks.rules]\nreturns = false\n",
    )
    data = made.dataset
    assert data.events.columns == [
        *EVENT_COLUMNS,
        "dwell",
        "amount",
        "quantity",
        "session",
        "position",
        "propensity",
    ]
    assert data.schema.extras == ("dwell", "amount", "quantity", "session", "position", "propensity")
    assert data.events.select(data.schema.extras).rows() == [
        (1.5, 9.99, 1.0, "a", 1, 0.5),
        (None, -2.0, -1.0, None, 2, 1.0),
        (30.0, None, 2.0, "7", None, 0.25),
    ]
    assert data.events.schema["position"] == pl.Int64
    data.save(tmp_path / "saved")
    assert Dataset.open(tmp_path / "saved").events.equals(data.events)


def test_numbers_that_are_none_fall_by_name(tmp_path):
    table = {k: [str(c) for c in v] for k, v in events(s=["long", "2", "3"], rank=["1", "1.5", "2"]).items()}
    made = run(tmp_path, table, HEAD + 'dwell = "s"\nposition = "rank"\n[checks]\nmax_bad_fraction = 1.0\n')
    assert made.quarantine["reason"].to_list() == [
        "column 's': this is not a number ('long')",
        "column 'rank': this is not a number ('1.5')",
    ]
    assert made.report["events"]["refused"].keys() == {"dwell_unread", "position_unread"}


def test_context_is_read_by_kind(tmp_path):
    table = events(
        device=["phone", "", "tv"], price=[1.5, None, 2], labels=[["a"], [], None],
        launch=[datetime(2020, 1, 1, tzinfo=UTC)] * 3,
    )  # fmt: skip
    text = HEAD.replace("csv", "parquet") + (
        '[events.context]\ndevice = {kind="category"}\nprice = {kind="number"}\nlabels = {kind="tags"}\n'
        'launch = {kind="time"}\n'
    )
    data = run(tmp_path, table, text, "e.parquet").dataset
    assert data.events.columns == [*EVENT_COLUMNS, "device", "price", "labels", "launch"]
    assert data.events["device"].to_list() == ["phone", None, "tv"]
    assert data.events["launch"].to_list() == [1_577_836_800_000_000] * 3
    assert data.schema.context["labels"].kind is Kind.TAGS
    assert data.schema.extras == ()


def test_context_that_cannot_be_read_is_counted(tmp_path):
    text = HEAD + '[events.context]\nprice = {kind="number"}\n'
    made = run(tmp_path, events(price=["1", "cheap", "free"]), text)
    assert made.dataset.events["price"].to_list() == [1.0, None, None]
    assert made.report["events"]["numbers_unread"] == {"price": {"count": 2, "example": "cheap"}}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("type", "'type' is the name of a column that the table has already"),
        ("dwell", "'dwell' is the name of"),
        ("part", "'part' is the name of"),
        ("_at", "'_at' begins with an underscore"),
    ],
)
def test_context_has_names_of_its_own(tmp_path, name, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, events(), HEAD + f'[events.context]\n{name} = {{kind="number"}}\n')


def test_a_pattern_is_for_pictures_of_items(tmp_path):
    with pytest.raises(ConfigError, match="pattern is for pictures and sounds of items"):
        run(tmp_path, events(), HEAD + '[events.context]\nx = {kind="image", pattern="{id}.jpg"}\n')


def test_types_have_meanings(tmp_path):
    text = (
        HEAD
        + 'type = "did"\n[events.types]\nlook = {meaning="view", strength=0.2}\n'
        + 'bad = {meaning="dislike", sign=-1}\n'
    )
    data = run(tmp_path, events(did=["look", "bad", "?"]), text).dataset
    assert data.schema.meanings["look"].meaning is Meaning.VIEW
    assert data.schema.meanings["bad"].sign == -1
    assert data.schema.event_types == ("?", "bad", "look")
    data.save(tmp_path / "saved")
    assert Dataset.open(tmp_path / "saved").schema == data.schema
    with pytest.raises(ConfigError, match="meaning"):
        run(tmp_path, events(), HEAD + '[events.types]\nlook = {meaning="glance"}\n')


def test_sessions_are_cut_where_nothing_names_them(tmp_path):
    table = {"user_id": [1, 1, 2, 1], "item_id": [1, 2, 1, 3], "at": [100, 200, 250, 2300]}
    data = run(tmp_path, table, HEAD + "[checks]\nsession_gap = 1800\n").dataset
    assert data.events["session"].to_list() == ["1", "1", "1", "2"]
    assert data.schema.extras == ("session",)
    with pytest.raises(ConfigError, match=r"session_gap: \[data.events\] session names the sessions already"):
        run(tmp_path, {**table, "v": "a"}, HEAD + 'session = "v"\n[checks]\nsession_gap = 1800\n')


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (pl.Series([2**63, 1], dtype=pl.UInt64), ["9223372036854775808", "1"]),
        (pl.Series([2**63 - 1, -(2**63)], dtype=pl.Int64), [2**63 - 1, -(2**63)]),
        (pl.Series([1, 2], dtype=pl.UInt64), [1, 2]),
        (pl.Series([3, 4], dtype=pl.UInt8), [3, 4]),
        (pl.Series([3.0, 4.5]), ["3", "4.5"]),
    ],
)
def test_ids_of_every_width(tmp_path, ids, kept):
    text = HEAD.replace("csv", "parquet")
    data = run(tmp_path, {"user_id": ids, "item_id": [1, 2], "at": [5, 6]}, text, "e.parquet").dataset
    assert data.events["user_id"].to_list() == kept


def test_ids_of_nested_columns_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"Column 'user_id' holds List\(Int64\), where plain values are meant"):
        run(tmp_path, events(user_id=[[1], [2], [3]]), HEAD.replace("csv", "parquet"), "e.parquet")


def test_integers_and_text_that_says_integers_are_one(tmp_path):
    pl.DataFrame({"item_id": ["2", "3"]}).write_csv(tmp_path / "i.csv")
    text = HEAD.replace("csv", "parquet") + '[items]\npath = "i.csv"\n'
    data = run(tmp_path, events(item_id=pl.Series([2, 3, 4], dtype=pl.Int32)), text, "e.parquet").dataset
    assert data.items["item_id"].to_list() == [2, 3, 4]
    (tmp_path / "i.csv").write_text("item_id\n02\n3\n")
    data = run(tmp_path, events(item_id=[2, 3, 4]), text, "e.parquet").dataset
    assert data.items["item_id"].to_list() == ["02", "3", "2", "4"]
