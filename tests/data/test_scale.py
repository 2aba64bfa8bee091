# SPDX-License-Identifier: Apache-2.0
"""However few events fit into memory at once, the same comes out."""

import tomllib
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from penchant.data import source
from penchant.data.dataset import Dataset
from penchant.data.ingest import DataConfig, ingest
from penchant.data.splits import SplitConfig, split
from penchant.registry import read_config

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 1200
RUN = """
name = "log"
[events]
path = "e-*.parquet"
user_id = "who"
item_id = "what"
time = "at"
time_unit = "s"
type = "did"
quantity = "pieces"
[events.types]
buy = { meaning = "purchase" }
[checks]
session_gap = 600
min_item_events = 4
[checks.rules]
near_duplicates = { within = 3.0 }
bots = { events_per_minute = 6, minutes = 5 }
[items]
path = "items.parquet"
item_id = "what"
"""


def write(folder, order, *, text=False):
    """Two files of a dirty log: nobody, bad times, repeats, returns, a bot, rare items."""
    chance = np.random.default_rng(7)
    at = 1_500_000_000 + chance.integers(0, 4000, ROWS)
    table = pl.DataFrame(
        {
            "who": chance.integers(0, 30, ROWS),
            "what": (chance.random(ROWS) ** 3 * 60).astype(int),
            "at": {"log": np.sort(at), "shuffled": at, "one moment": np.full(ROWS, at[0])}[order],
            "did": chance.choice(["view", "buy"], ROWS),
            "pieces": chance.choice([-1, 1, 2], ROWS, p=[0.05, 0.8, 0.15]),
        }
    )
    row = pl.int_range(pl.len())
    bot = pl.when((row > 400) & (row < 480)).then(99).otherwise("who")
    dirty = table.with_columns(
        pl.when(row % 97 == 5).then(None).otherwise(bot).alias("who"),
        pl.when(row % 89 == 3).then(-1).otherwise("at").alias("at"),
    )
    whole = pl.concat([dirty, dirty[100:140]])
    if text:
        whole = whole.with_columns(pl.col("who").cast(pl.String))
    whole[:500].write_parquet(folder / "e-0.parquet", row_group_size=100)
    whole[500:].write_parquet(folder / "e-1.parquet", row_group_size=100)
    pl.DataFrame({"what": range(70)}).write_parquet(folder / "items.parquet")


def run(folder, text=RUN, **options):
    return ingest(read_config(DataConfig, tomllib.loads(text), "run.toml [data]"), folder, now=NOW, **options)


@pytest.mark.parametrize("order", ["log", "shuffled", "one moment"])
@pytest.mark.parametrize("text", [False, True])
def test_parts_make_no_difference(tmp_path, monkeypatch, order, text):
    write(tmp_path, order, text=text)
    whole = run(tmp_path)
    monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    parts = run(tmp_path, beside=tmp_path / "made", most=100)
    assert parts.dataset.events.equals(whole.dataset.events)
    assert parts.dataset.items.equals(whole.dataset.items)
    assert parts.quarantine.equals(whole.quarantine)
    assert parts.report == whole.report
    assert parts.fingerprint == whole.fingerprint
    assert len(list(whole.dataset.event_parts())) == 1
    assert len(list(parts.dataset.event_parts())) > (1 if order != "one moment" else 0)
    assert whole.report["events"]["kept"] + whole.quarantine.height == ROWS + 40
    assert whole.report["events"]["kept"] > 100
    refused = whole.report["events"]["refused"]
    expected = {"user_id_empty", "time_before_1970", "duplicate", "returns", "near_duplicates", "too_few_events"}
    assert expected - ({"too_few_events"} if order == "one moment" else set()) <= refused.keys()
    assert ("bots" in refused) == (order == "log"), "at one moment it is a basket"


def test_events_are_sorted_by_time_and_ties_by_row(tmp_path, monkeypatch):
    write(tmp_path, "shuffled")
    plain = RUN.partition("[checks]")[0] + '[checks]\nduplicates = "keep"\n[checks.rules]\nreturns = false\n'
    monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    made = run(tmp_path, plain, beside=tmp_path / "made", most=64).dataset.events
    files = pl.concat([pl.read_parquet(tmp_path / f"e-{i}.parquet") for i in (0, 1)])
    good = files.filter(pl.col("who").is_not_null() & (pl.col("at") >= 0)).sort("at", maintain_order=True)
    assert made["item_id"].to_list() == good["what"].to_list()
    assert made["time"].to_list() == (good["at"] * 1_000_000).to_list()


def test_large_events_are_saved_as_parts_and_opened_lazily(tmp_path):
    write(tmp_path, "shuffled")
    small, large = run(tmp_path), run(tmp_path, beside=tmp_path / "made", most=200)
    large.dataset.save(tmp_path / "saved", {"quarantine": large.refused})
    parts = sorted(path.name for path in (tmp_path / "saved" / "events").iterdir())
    assert parts[:2] == ["part-00000.parquet", "part-00001.parquet"]
    assert not (tmp_path / "saved" / "events.parquet").exists()
    again = Dataset.open(tmp_path / "saved")
    assert again.event_count == small.dataset.event_count
    assert again.event_columns == small.dataset.event_columns
    assert again.scan_events().collect().equals(small.dataset.events)
    assert pl.concat(again.event_parts()).equals(again.events)
    assert pl.read_parquet(tmp_path / "saved" / "quarantine.parquet").equals(small.quarantine)
    del large
    assert again.scan_events().select(pl.len()).collect().item() == small.dataset.event_count


def test_what_was_put_aside_goes_with_the_data_set(tmp_path):
    write(tmp_path, "shuffled")
    large = run(tmp_path, beside=tmp_path / "made", most=200)
    assert any((tmp_path / "made").iterdir())
    assert large.dataset.events.height
    del large
    assert not any((tmp_path / "made").iterdir())


def test_small_events_never_touch_the_disk(tmp_path):
    write(tmp_path, "shuffled")
    assert run(tmp_path, beside=tmp_path / "made").dataset.events.height
    assert not (tmp_path / "made").exists()


def test_wide_events_are_many_sooner(tmp_path, monkeypatch):
    monkeypatch.setattr("penchant.data.ingest._IN_MEMORY_BYTES", 1_000_000)
    table = {"user_id": range(500), "item_id": range(500), "note": ["x" * 10_000] * 500}
    pl.DataFrame(table).write_parquet(tmp_path / "e.parquet")
    text = 'name = "x"\n[events]\npath = "e.parquet"\n[events.context]\nnote = { kind = "text" }\n'
    made = run(tmp_path, text)
    assert 4 < len(list(made.dataset.event_parts())) < 10
    assert made.dataset.events["item_id"].to_list() == list(range(500))


@pytest.mark.parametrize("kind", ["time", "leave_last_out"])
def test_splits_of_parts_are_splits_of_the_whole(tmp_path, kind):
    write(tmp_path, "shuffled")
    one = split(run(tmp_path).dataset, SplitConfig(kind=kind))
    other = split(run(tmp_path, beside=tmp_path / "made", most=100).dataset, SplitConfig(kind=kind))
    for part in ("train", "validation", "test", "refit"):
        assert getattr(one, part).equals(getattr(other, part))
        assert getattr(one, part).height > 10
    assert other.scan("train", "test").collect().height == one.train.height + one.test.height
    assert other.scan("validation", "test").collect().height == one.validation.height + one.test.height
    assert other.scan("train", "validation", "test").collect().equals(run(tmp_path).dataset.events)
