# SPDX-License-Identifier: Apache-2.0
"""One class per kind of column: what is learned, what is missing, what comes later, and the way through JSON."""

from __future__ import annotations

import math

import msgspec
import polars as pl
import pytest
import torch

from penchant.features.columns import (
    COLUMNS,
    MOST_TAGS,
    CategoryColumn,
    ColumnState,
    NumberColumn,
    TagsColumn,
)
from penchant.schema import Kind

NAN, INF = math.nan, math.inf


def numbers(*values):
    return pl.Series("x", values, dtype=pl.Float64)


def tags(*values):
    return pl.Series("x", values, dtype=pl.List(pl.String))


def through_json(column, kind):
    state = msgspec.json.decode(msgspec.json.encode(column.state()), type=ColumnState)
    assert state.kind == kind
    return COLUMNS[kind].load(state)


def test_numbers_are_standardised_by_what_was_learned():
    column = NumberColumn.fit(numbers(1, 3))
    found = column.encode(numbers(1, 2, 3, 4))
    assert found.tolist() == [-1, 0, 1, 2]
    assert found.dtype == torch.float32


def test_missing_numbers_are_the_mean_and_extremes_are_clipped():
    column = NumberColumn.fit(numbers(1, 3, None, NAN))
    assert column.encode(numbers(None, NAN, 1e12, -1e12, INF, -INF)).tolist() == [0, 0, 8, -8, 8, -8]


def test_infinities_do_not_spoil_what_is_learned():
    column = NumberColumn.fit(numbers(1, 3, INF, -INF))
    assert (column.mean, column.scale) == (2, 1)
    assert through_json(column, Kind.NUMBER).mean == 2


def test_one_number_and_a_column_of_them_are_encoded_alike():
    column = NumberColumn.fit(numbers(0.1, 3.7, 11))
    asked = [None, NAN, INF, -INF, 0.1, 2.3, 1e30]
    found = torch.tensor([column.one(value) for value in asked], dtype=torch.float32)
    assert torch.equal(found, column.encode(numbers(*asked)))


@pytest.mark.parametrize(
    ("values", "mean"), [([], 0), ([None, NAN], 0), ([INF], 0), ([7, 7], 7), ([1e308, 1e308, 1e308], 0)]
)
def test_numbers_that_say_nothing(values, mean):
    column = NumberColumn.fit(numbers(*values))
    assert (column.mean, column.scale) == (mean, 1)
    assert torch.isfinite(column.encode(numbers(*values, 5))).all()


def test_whole_numbers_are_numbers():
    column = NumberColumn.fit(pl.Series([1, 3]))
    assert column.encode(pl.Series([3, None])).tolist() == [1, 0]


def test_categories_known_missing_and_unseen():
    column = CategoryColumn.fit(pl.Series(["b", "a", None]))
    assert column.size == 4
    assert column.encode(pl.Series(["a", "b", None, "later"])).tolist() == [2, 3, 0, 1]


def test_categories_written_as_numbers():
    column = CategoryColumn.fit(pl.Series([10, 9]))
    assert column.encode(pl.Series([9, 10, 8])).tolist() == [3, 2, 1]


def test_tags_are_a_rectangle_as_wide_as_needed():
    column = TagsColumn.fit(tags(["b", "a"], None, [], ["c"]))
    assert column.size == 5
    found = column.encode(tags(["a"], None, [], ["c", "later", "b"], [None, "a"]))
    assert found.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0], [4, 1, 3], [0, 2, 0]]
    assert found.dtype == torch.int64


def test_tags_beyond_the_most_are_dropped():
    words = [f"{n:03d}" for n in range(MOST_TAGS + 5)]
    column = TagsColumn.fit(tags(words))
    found = column.encode(tags(words, ["000"]))
    assert found.shape == (2, MOST_TAGS)
    assert found[0].tolist() == list(range(2, MOST_TAGS + 2))


@pytest.mark.parametrize(
    "values", [tags(None, []), tags(), tags([]), pl.Series("x", [None, None], dtype=pl.String)]
)
def test_no_tags_at_all(values):
    column = TagsColumn.fit(values)
    assert column.size == 2
    found = column.encode(values)
    assert found.shape == (len(values), 1)
    assert not found.any()


@pytest.mark.parametrize(
    ("kind", "values", "later"),
    [
        (Kind.NUMBER, numbers(1, 2.5, None), numbers(0.1, NAN, 9)),
        (Kind.CATEGORY, pl.Series(["ü", "a"]), pl.Series(["a", "ü", "z", None])),
        (Kind.TAGS, tags(["x", "日本"], None), tags(["日本"], ["z", "x"], None)),
    ],
)
def test_through_json_every_kind_encodes_the_same(kind, values, later):
    column = COLUMNS[kind].fit(values)
    again = through_json(column, kind)
    assert again.size == column.size
    assert again.encode(later).tolist() == column.encode(later).tolist()
    assert again.encode(later).dtype == column.encode(later).dtype
