# SPDX-License-Identifier: Apache-2.0
"""A data set checks itself, and opens only what it wrote."""

import polars as pl
import pytest

from penchant.data.dataset import Dataset, EventFiles, empty_events
from penchant.errors import DataError
from penchant.schema import IdType, Schema

SCHEMA = Schema(user_id=IdType.STRING, item_id=IdType.INTEGER)


def make(**tables):
    whole = {
        "events": empty_events(SCHEMA),
        "items": pl.DataFrame(schema={"item_id": pl.Int64}),
        "users": pl.DataFrame(schema={"user_id": pl.String}),
    }
    return Dataset(name="x", schema=SCHEMA, **{**whole, **tables})


def test_columns_must_be_canonical():
    assert make().events.height == 0
    with pytest.raises(DataError, match="'time' must be Int64, has String"):
        make(events=empty_events(SCHEMA).cast({"time": pl.String}))
    with pytest.raises(DataError, match="'value' must be Float64, has None"):
        make(events=empty_events(SCHEMA).drop("value"))
    with pytest.raises(DataError, match="ids of the same type"):
        make(users=pl.DataFrame(schema={"user_id": pl.Int64}))


def test_extra_tables_are_saved_beside(tmp_path):
    make().save(tmp_path / "d", {"quarantine": pl.DataFrame({"row": [1]})})
    assert pl.read_parquet(tmp_path / "d" / "quarantine.parquet")["row"].to_list() == [1]


@pytest.mark.parametrize("damage", ["schema.json", "events.parquet"])
def test_what_is_not_a_data_set_is_refused(tmp_path, damage):
    make().save(tmp_path / "d")
    (tmp_path / "d" / damage).write_bytes(b"{")
    with pytest.raises(DataError, match="is not a data set that Penchant wrote"):
        Dataset.open(tmp_path / "d")


def test_reviews_and_friends_are_canonical():
    reviews = {
        "user_id": pl.String,
        "item_id": pl.Int64,
        "time": pl.Int64,
        "text": pl.String,
        "rating": pl.Float64,
    }
    social = {"user_id": pl.String, "friend_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
    made = make(reviews=pl.DataFrame(schema=reviews), social=pl.DataFrame(schema=social))
    assert (made.reviews.height, made.social.height) == (0, 0)
    with pytest.raises(DataError, match="reviews: column 'user_id' must be String, has Int64"):
        make(reviews=pl.DataFrame(schema=reviews | {"user_id": pl.Int64}))
    with pytest.raises(DataError, match="social: column 'friend_id' must be String, has None"):
        make(social=pl.DataFrame(schema=social).drop("friend_id"))


@pytest.mark.parametrize("linked", [True, False])
def test_events_in_files_are_saved_with_or_without_links(tmp_path, monkeypatch, linked):
    if not linked:

        def refuse(*args):
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr("os.link", refuse)
    rows = [(user, 1, time, "event", None) for time, user in enumerate("aab")]
    events = pl.DataFrame(rows, schema=empty_events(SCHEMA).schema, orient="row")
    paths = (tmp_path / "1.parquet", tmp_path / "2.parquet")
    events[:2].write_parquet(paths[0])
    events[2:].write_parquet(paths[1])
    large = make(events=EventFiles(paths=paths))
    assert (large.event_count, large.event_columns[:2]) == (3, ("user_id", "item_id"))
    large.save(tmp_path / "d")
    for path in paths:
        path.unlink()
    assert Dataset.open(tmp_path / "d").events.equals(events)
    assert [part.height for part in Dataset.open(tmp_path / "d").event_parts()] == [2, 1]
