# SPDX-License-Identifier: Apache-2.0
"""Friends: what they did before, not at the same moment and not later; a friendship counts from its time on."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features import social
from penchant.features.social import Social
from penchant.schema import FRIEND, ITEM, MICROSECONDS, TIME, USER, WEIGHT

DAY = 86_400 * MICROSECONDS
ACT = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 9))
WEIGHTS = st.one_of(st.none(), st.floats(0.5, 2))
SINCE = st.one_of(st.none(), st.integers(0, 9))
EDGE = st.tuples(st.integers(0, 4), st.integers(0, 5), WEIGHTS, SINCE)


def acts(rows):
    return pl.DataFrame(
        [(user, item, time * DAY) for user, item, time in rows],
        schema={USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64},
        orient="row",
    )


def edges(rows):
    return pl.DataFrame(
        [(*row[:3], None if row[3] is None else row[3] * DAY) for row in rows],
        schema={USER: pl.Int64, FRIEND: pl.Int64, WEIGHT: pl.Float64, TIME: pl.Int64},
        orient="row",
    )


@given(
    st.lists(EDGE, max_size=12), st.lists(ACT, max_size=15), st.lists(ACT, max_size=6), st.sampled_from([1, 10**6])
)
@settings(deadline=None)
def test_it_is_the_definition(graph, done, asked, pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(social, "PAIRS", pairs)
        found = Social(edges(graph), acts(done), half_life=2.0).asked(acts(asked))
    for place, (user, item, time) in enumerate(asked):
        friends = [
            (friend, 1.0 if weight is None else weight)
            for one, friend, weight, since in graph
            if one == user != friend and (since is None or since < time)
        ]
        assert found.friends[place] == len(friends)
        did = sum(w for friend, w in friends if any(a[:2] == (friend, item) and a[2] < time for a in done))
        assert found.did[place] == pytest.approx(did)
        active = sum(
            w * 2 ** (-(time - a[2]) / 2.0)
            for friend, w in friends
            for a in done
            if a[0] == friend and a[2] < time
        )
        assert found.active[place] == pytest.approx(active)


def test_a_planted_peek_is_not_seen():
    graph, done = edges([(1, 2, None, None)]), [(2, 7, 5)]
    asked = acts([(1, 7, 5), (1, 7, 6), (1, 8, 6), (3, 7, 6)])
    found = Social(graph, acts(done)).asked(asked)
    assert found.did.tolist() == [0, 1, 0, 0]
    assert found.active[0] == 0 < found.active[1] == found.active[2]
    later = Social(graph, acts([*done, (2, 7, 6), (2, 8, 6), (2, 9, 40)])).asked(asked)
    assert np.array_equal(later.did, found.did)
    assert np.array_equal(later.active, found.active)


def test_a_friendship_counts_from_its_time_on():
    found = Social(edges([(1, 2, 3.0, 5)]), acts([(2, 7, 1)])).asked(acts([(1, 7, 5), (1, 7, 6)]))
    assert found.did.tolist() == [0, 3]
    assert found.friends.tolist() == [0, 1]


def test_nobody_and_nothing():
    found = Social(edges([]), acts([])).asked(acts([(1, 7, 5)]))
    assert found.did.tolist() == found.active.tolist() == [0]
    assert Social(edges([(1, 2, None, None)]), acts([])).asked(acts([(1, 7, 5)])).active.tolist() == [0]
    assert len(Social(edges([(1, 2, None, None)]), acts([(2, 7, 1)])).asked(acts([])).did) == 0
