# SPDX-License-Identifier: Apache-2.0
"""Filters: each condition against a table small enough to be read, and against plain Python."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.recommend.errors import WishError
from penchant.recommend.filters import MOST_CONDITIONS, Filter, passing
from penchant.schema import Column, Kind

COLUMNS = {
    "genre": Column(kind=Kind.CATEGORY),
    "tags": Column(kind=Kind.TAGS),
    "price": Column(kind=Kind.NUMBER),
    "born": Column(kind=Kind.TIME),
    "seller": Column(kind=Kind.ID),
    "plot": Column(kind=Kind.TEXT),
    "lost": Column(kind=Kind.NUMBER),
}
FRAME = pl.DataFrame(
    {
        "item_id": [1, 2, 3, 4],
        "genre": ["space", "sword", None, "space"],
        "tags": [["old", "odd"], [], None, ["odd", None]],
        "price": [1.0, 2.5, None, 4.0],
        "born": [0, 5_000_000, None, 10_000_000],
        "seller": ["a", "b", "c", None],
        "plot": ["", "x", None, "y"],
    },
    schema_overrides={"tags": pl.List(pl.String)},
)


def wanted(**conditions):
    return msgspec.convert(conditions, Filter)


def found(**conditions):
    passed = passing(FRAME, COLUMNS, wanted(**conditions), "where")
    return FRAME["item_id"].filter(pl.Series(passed.tolist())).to_list()


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ({}, [1, 2, 3, 4]),
        ({"genre": {"any": ["space"]}}, [1, 4]),
        ({"genre": {"any": ["space", "sword"]}}, [1, 2, 4]),
        ({"genre": {"none": ["space"]}}, [2, 3]),
        ({"genre": {"missing": True}}, [3]),
        ({"genre": {"missing": False, "none": ["sword"]}}, [1, 4]),
        ({"tags": {"any": ["old"]}}, [1]),
        ({"tags": {"any": ["old", "odd"]}}, [1, 4]),
        ({"tags": {"all": ["old", "odd", "odd"]}}, [1]),
        ({"tags": {"none": ["old"]}}, [2, 3, 4]),
        ({"tags": {"missing": True}}, [2, 3]),
        ({"tags": {"missing": False}}, [1, 4]),
        ({"price": {"min": 2.5}}, [2, 4]),
        ({"price": {"max": 2.5}}, [1, 2]),
        ({"price": {"min": 2, "max": 3}}, [2]),
        ({"price": {"min": 3, "max": 2}}, []),
        ({"born": {"min": 5}}, [2, 4]),
        ({"born": {"max": -1e300}}, []),
        ({"seller": {"any": ["a", "c"]}}, [1, 3]),
        ({"plot": {"missing": True}}, [3]),
        ({"genre": {"any": ["space"]}, "price": {"min": 2}}, [4]),
    ],
)
def test_what_passes(conditions, ids):
    assert found(**conditions) == ids


def test_no_items_no_answer():
    assert passing(FRAME.head(0), COLUMNS, wanted(price={"min": 1}), "where").tolist() == []
    assert passing(FRAME.head(0), COLUMNS, {}, "where").tolist() == []


@pytest.mark.parametrize(
    ("conditions", "field", "message"),
    [
        ({"genres": {"any": ["a"]}}, "where.genres", "the items have no such column (did you mean 'genre'?)"),
        ({"lost": {"min": 1}}, "where.lost", "the items have no such column"),
        ({"price": {"any": ["1"]}}, "where.price.any", "only a column of words out of a list"),
        ({"plot": {"none": ["x"]}}, "where.plot.none", "this one is text"),
        ({"genre": {"all": ["x"]}}, "where.genre.all", "only a column of tags can be asked so"),
        ({"genre": {"min": 1}}, "where.genre.min", "only a number or a time can be asked so"),
    ],
)
def test_what_cannot_be_asked_is_named(conditions, field, message):
    with pytest.raises(WishError) as error:
        found(**conditions)
    assert error.value.field == field
    assert message in str(error.value)


@pytest.mark.parametrize(
    "conditions",
    [
        {"genre": {}},
        {"genre": {"any": []}},
        {"genre": {"some": ["x"]}},
        {"genre": {"any": ["x" * 513]}},
        {f"c{n}": {"missing": True} for n in range(MOST_CONDITIONS + 1)},
    ],
)
def test_what_no_filter_can_be(conditions):
    with pytest.raises(msgspec.ValidationError):
        wanted(**conditions)


WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)
ROWS = st.lists(st.one_of(st.none(), st.lists(st.sampled_from("abcd"), max_size=4)), max_size=12)


@given(rows=ROWS, words=WORDS, key=st.sampled_from(["any", "all", "none"]))
def test_tags_are_as_sets_say(rows, words, key):
    frame = pl.DataFrame({"tags": rows}, schema={"tags": pl.List(pl.String)})
    passed = passing(frame, COLUMNS, wanted(tags={key: words}), "where").tolist()
    asked = set(words)
    expect = {
        "any": lambda held: bool(asked & held),
        "all": lambda held: asked <= held,
        "none": lambda held: not asked & held,
    }[key]
    assert passed == [expect(set(row or [])) for row in rows]
