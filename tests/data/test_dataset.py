# SPDX-License-Identifier: Apache-2.0
"""A data set checks itself, and opens only what it wrote."""

import polars as pl
import pytest

from penchant.data.dataset import Dataset, empty_events
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
