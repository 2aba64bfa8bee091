# SPDX-License-Identifier: Apache-2.0
"""Friends as signals: the definition, offline and live to the last bit, whatever is held at once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features import circle
from penchant.features.aggregates.chunk import Chunk
from penchant.features.circle import Circle, Past, Present
from penchant.schema import FRIEND, MICROSECONDS, TIME, USER, WEIGHT

DAY = 86_400 * MICROSECONDS
HALF_LIVES = (2.0, 9.0)
IDS = list("abcde")
EDGE = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from([*IDS, "never did a thing"]),
    st.one_of(st.none(), st.floats(0.5, 2)),
    st.one_of(st.none(), st.integers(0, 9)),
)
LOG = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=20).map(
    lambda log: sorted(log, key=lambda act: act[1])
)


def edges(rows):
    return pl.DataFrame(
        [(*row[:3], None if row[3] is None else row[3] * DAY) for row in rows],
        schema={USER: pl.String, FRIEND: pl.String, WEIGHT: pl.Float64, TIME: pl.Int64},
        orient="row",
    )


def chunk(log):
    size = len(log)
    return Chunk(
        users=np.array([user for user, _ in log], np.int64),
        items=np.zeros(size, np.int64),
        times=np.array([time * DAY for _, time in log], np.int64),
        types=np.zeros(size, np.int64),
        user_hashes=np.zeros(size, np.uint64),
        item_hashes=np.zeros(size, np.uint64),
    )


def table(log):
    ids, times = [IDS[user] for user, _ in log], [time * DAY for _, time in log]
    return pl.DataFrame({USER: ids, TIME: times}, schema={USER: pl.String, TIME: pl.Int64})


def expected(graph, before, user, now):
    """[3]: what the events of `before` told of the friends of `user`."""
    friends = [
        (friend, 1.0 if weight is None else weight)
        for one, friend, weight, since in graph
        if one == user != friend and (since is None or since < now)
    ]
    recent = [
        sum(w * 2 ** (-(now - time) / half) for f, w in friends for who, time in before if IDS[who] == f)
        for half in HALF_LIVES
    ]
    return [len(friends), *recent]


@given(st.lists(EDGE, max_size=15), LOG, st.sampled_from([1, 10**6]), st.integers(1, 7))
@settings(deadline=None)
def test_it_is_the_definition_offline_and_live(graph, log, pairs, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circle, "PAIRS", pairs)
        known = Circle(edges(graph), HALF_LIVES)
        whole, live = chunk(log), Present(known)
        past = Past(known, table(log))
        parts = [past.before(start, whole.times[start : start + step]) for start in range(0, len(log), step)]
        found = np.concatenate([np.zeros((0, 3)), *parts])
        met = set()
        for place, (who, time) in enumerate(log):
            assert np.array_equal(live.at([IDS[who]], time * DAY)[0], found[place])
            np.testing.assert_allclose(found[place], expected(graph, log[:place], IDS[who], time), rtol=1e-12)
            if not met:
                live.meet(IDS)
                met.update(IDS)
            live.take(whole.slice(place, place + 1))
        everyone = live.at([*IDS, "nobody"], 10 * DAY)
        for user, row in zip([*IDS, "nobody"], everyone, strict=True):
            np.testing.assert_allclose(row, expected(graph, log, user, 10), rtol=1e-12)


def test_a_friends_later_act_is_not_seen_and_a_late_one_counts_at_its_age():
    known = Circle(edges([("a", "b", 3.0, None)]), HALF_LIVES)
    quiet, loud = (Past(known, table(log)) for log in ([(1, 2), (0, 4)], [(1, 2), (0, 4), (1, 4), (1, 5)]))
    times = np.array([2, 4]) * DAY
    assert np.array_equal(quiet.before(0, times), loud.before(0, times))
    assert quiet.before(0, times)[:, 1].tolist() == [0, 1.5]
    live = Present(known)
    live.meet(IDS)
    live.take(chunk([(1, 4)]))
    live.take(chunk([(1, 2)]))
    assert live.at(["a"], 4 * DAY)[0, 1] == pytest.approx(4.5)


def test_users_may_come_one_by_one():
    known = Circle(edges([("a", one, None, None) for one in IDS[1:]]), HALF_LIVES)
    live = Present(known)
    for place, one in enumerate(IDS):
        live.meet([one])
        live.take(chunk([(place, 1)]))
    assert live.at(["a"], DAY).tolist() == [[4, 4, 4]]


def test_a_state_from_a_file_goes_on_where_it_was():
    known = Circle(edges([("a", "b", None, None)]), HALF_LIVES)
    first, again = Present(known), Present(known)
    for one in (first, again):
        one.meet(IDS)
    first.take(chunk([(1, 1), (1, 2)]))
    again.load(first.tensors())
    for one in (first, again):
        one.take(chunk([(1, 3)]))
    assert np.array_equal(first.at(["a"], 5 * DAY), again.at(["a"], 5 * DAY))
    with pytest.raises(ValueError, match="not of these friends"):
        Present(Circle(edges([]), HALF_LIVES)).load(first.tensors())
