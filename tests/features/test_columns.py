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
    HUGE,
    MOST_TAGS,
    CategoryColumn,
    ColumnChoice,
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


def words(*values):
    return pl.Series("x", values, dtype=pl.String)


def test_log_tames_a_long_tail_and_keeps_the_sign():
    column = NumberColumn.fit(numbers(0, 9, 99, -9), ColumnChoice(transform="log"))
    found = column.encode(numbers(0, 9, 99, -9, None, 1e30))
    logs = [0, math.log(10), math.log(100), -math.log(10)]
    mean = sum(logs) / 4
    scale = math.sqrt(sum((x - mean) ** 2 for x in logs) / 4)
    assert found[:4].tolist() == pytest.approx([(x - mean) / scale for x in logs])
    assert found[4] == 0
    assert found[5] == 8


def test_quantiles_make_any_shape_normal():
    values = numbers(*(2.0 ** (n / 50) for n in range(2001)))
    column = NumberColumn.fit(values, ColumnChoice(transform="quantile"))
    found = column.encode(values)
    assert found.mean().abs() < 0.01
    assert abs(found.std() - 1) < 0.02
    assert (found[1:] >= found[:-1]).all()
    beyond = column.encode(numbers(-1e9, 1e30, None, NAN))
    assert beyond[0] == -beyond[1] == found.min()
    assert beyond[2:].tolist() == [0, 0]


def test_quantiles_of_ties_and_of_nothing():
    column = NumberColumn.fit(numbers(0, 0, 0, 0, 5), ColumnChoice(transform="quantile"))
    assert column.encode(numbers(0))[0] < 0 < column.encode(numbers(5))[0]
    assert NumberColumn.fit(numbers(None), ColumnChoice(transform="quantile")).encode(numbers(3)).tolist() == [0]


@pytest.mark.parametrize("transform", ["standard", "log", "quantile"])
def test_every_transform_survives_json_and_takes_one_or_many(transform):
    column = NumberColumn.fit(numbers(0.1, 3.7, 11, 11, -5), ColumnChoice(transform=transform))
    asked = [None, NAN, 0.1, 2.3, 1e30, -1]
    again = through_json(column, Kind.NUMBER)
    assert again.encode(numbers(*asked)).tolist() == column.encode(numbers(*asked)).tolist()
    assert [torch.tensor(column.one(x)).item() for x in asked] == column.encode(numbers(*asked)).tolist()


def test_rare_words_are_one_with_those_never_seen():
    column = CategoryColumn.fit(words("a", "a", "b", None), ColumnChoice(min_count=2))
    assert column.size == 3
    assert column.encode(words("a", "b", "new", None)).tolist() == [2, 1, 1, 0]
    listed = TagsColumn.fit(tags(["a", "b"], ["a"]), ColumnChoice(min_count=2))
    assert listed.encode(tags(["b", "a"])).tolist() == [[1, 2]]


@pytest.mark.parametrize("kind", [Kind.CATEGORY, Kind.ID])
def test_words_in_buckets(kind):
    column = COLUMNS[kind].fit(words("a", "b"), ColumnChoice(buckets=50))
    assert column.size == 52
    found = column.encode(words("a", "b", "a", "never seen", None)).tolist()
    assert found[0] == found[2]
    assert found[4] == 0
    assert all(2 <= index < 52 for index in found[:4])
    assert through_json(column, Kind.CATEGORY).encode(words("a", "never seen")).tolist() == [found[0], found[3]]


def test_tags_in_buckets():
    column = TagsColumn.fit(tags(["a"]), ColumnChoice(buckets=50))
    again = through_json(column, Kind.TAGS)
    assert again.encode(tags(["a", "z"], None)).tolist() == column.encode(tags(["a", "z"], None)).tolist()
    assert column.encode(tags(["a", "z"], None))[1].tolist() == [0, 0]


def test_an_enormous_vocabulary_is_hashed_by_itself():
    many = pl.Series([f"seller {number}" for number in range(HUGE + 1)])
    assert CategoryColumn.fit(many).size == HUGE + 2
    assert CategoryColumn.fit(many.head(HUGE)).encode(words("new")).tolist() == [1]
    assert CategoryColumn.fit(many).encode(words("new"))[0] >= 2
