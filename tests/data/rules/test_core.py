# SPDX-License-Identifier: Apache-2.0
"""The k-core against its definition."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logs import log, sift
from penchant.data.rules.core import Core
from penchant.data.rules.rule import Known


def rule(user, item):
    return Core(Core.Config(user=user, item=item), Known())


def test_a_chain_is_eaten_from_its_ends():
    chain = [(f"u{i}", f"i{i + d}") for i in range(6) for d in (0, 1)][1:]
    square = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    users, items = map(list, zip(*(chain + square), strict=True))
    kept, fallen = sift([rule(2, 2)], log(user_id=users, item_id=items))
    assert kept["user_id"].to_list() == ["a", "a", "b", "b"]
    assert set(fallen.values()) == {
        "the user or the item has too few events (min_user_events = 2, min_item_events = 2)"
    }


def test_one_side_is_enough():
    events = log(user_id=list("aab"), item_id=list("xyz"))
    assert sorted(sift([rule(2, 0)], events)[1]) == [2]
    assert sorted(sift([rule(0, 2)], events)[1]) == [0, 1, 2]
    assert sift([rule(0, 0)], events)[1] == {}


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_it_is_the_largest_part_without_anybody_rare(pairs, least_user, least_item):
    users, items = map(list, zip(*pairs, strict=True))
    events = log(user_id=list(map(str, users)), item_id=list(map(str, items)))
    kept, _ = sift([rule(least_user, least_item)], events)
    left = events
    while True:
        smaller = left.filter((pl.len().over("user_id") >= least_user) & (pl.len().over("item_id") >= least_item))
        if smaller.height == left.height:
            break
        left = smaller
    assert kept.equals(left)
