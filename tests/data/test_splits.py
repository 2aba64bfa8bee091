# SPDX-License-Identifier: Apache-2.0
"""Who stands in which part."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.dataset import PART, Dataset
from penchant.data.splits import SplitConfig, split
from penchant.errors import ConfigError, DataError
from penchant.registry import read_config
from penchant.schema import EVENT_COLUMNS, IdType, Schema


def dataset(users, times=None, parts=None):
    count = len(users)
    events = pl.DataFrame(
        {
            "user_id": users,
            "item_id": range(count),
            "time": times or range(count),
            "type": ["event"] * count,
            "value": [None] * count,
            **({PART: parts} if parts else {}),
        },
        schema_overrides={"item_id": pl.Int64, "time": pl.Int64, "value": pl.Float64},
    )
    schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER)
    items = events.select("item_id").unique()
    return Dataset(name="x", schema=schema, events=events, items=items, users=events.select("user_id").unique())


def items(frame):
    return frame["item_id"].to_list()


def test_time_cuts_by_fractions_of_rows_and_keeps_ties_in_order():
    parts = split(dataset([1] * 25, times=[5] * 25), SplitConfig())
    assert items(parts.train) == list(range(20))
    assert items(parts.validation) == [20, 21]
    assert items(parts.test) == [22, 23, 24]
    assert items(parts.refit) == list(range(22))
    assert parts.train.columns == list(EVENT_COLUMNS)


@given(
    rows=st.integers(3, 400),
    validation=st.sampled_from([0.0, 0.1, 0.15]),
    test=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_time_is_a_cut(rows, validation, test):
    parts = split(dataset([1] * rows), SplitConfig(kind="time", validation=validation, test=test))
    assert items(parts.train) + items(parts.validation) + items(parts.test) == list(range(rows))
    assert parts.test.height == rows - rows * round(100 - 100 * test) // 100
    assert parts.train.height == rows * round(100 - 100 * (validation + test)) // 100


def test_leave_last_out():
    parts = split(dataset([1, 2, 1, 2, 1, 1, 3]), SplitConfig(kind="leave_last_out"))
    assert items(parts.test) == [5]
    assert items(parts.validation) == [4]
    assert items(parts.train) == [0, 1, 2, 3, 6]


def test_leave_last_out_spares_users_with_few_events():
    parts = split(dataset([1] * 4 + [2] * 5), SplitConfig(kind="leave_last_out", min_events=5))
    assert items(parts.test) == [8]
    assert items(parts.validation) == [7]


def test_refit_is_in_order_of_time():
    parts = split(dataset([1, 1, 1, 2, 2, 2]), SplitConfig(kind="leave_last_out"))
    assert items(parts.refit) == [0, 1, 3, 4]


def test_given_parts_are_the_default_where_there_are_some():
    data = dataset([1, 1, 1], parts=["test", "train", "validation"])
    parts = split(data, SplitConfig())
    assert (items(parts.train), items(parts.validation), items(parts.test)) == ([1], [2], [0])
    assert PART not in parts.train.columns
    assert items(split(data, SplitConfig(kind="time", validation=0, test=0)).train) == [0, 1, 2]


def test_given_needs_parts():
    with pytest.raises(ConfigError, match=r'kind = "given" needs train, validation and test'):
        split(dataset([1, 1]), SplitConfig(kind="given"))


def test_too_few_events():
    with pytest.raises(DataError, match="x: 1 events are too few to split"):
        split(dataset([1]), SplitConfig())


def test_something_must_be_left_for_train():
    with pytest.raises(ConfigError, match="must leave a part"):
        read_config(SplitConfig, {"validation": 0.5, "test": 0.5}, "run.toml [data.split]")
    with pytest.raises(ConfigError, match="min_events"):
        read_config(SplitConfig, {"min_events": 2}, "run.toml [data.split]")
