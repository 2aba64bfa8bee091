# SPDX-License-Identifier: Apache-2.0
"""Running totals within groups against loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features.aggregates.grouped import NEVER, Groups

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(-50, 50)), max_size=30)


def split(rows):
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)


def running(rows, heads, step):
    """What stands before each event, and at the end of each owner, by a loop."""
    now, before = dict(heads), []
    for owner, value in rows:
        before.append(now[owner])
        now[owner] = step(now[owner], value)
    return before, [now[owner] for owner in sorted({owner for owner, _ in rows})]


@given(EVENTS, st.sampled_from([3, NEVER]))
@settings(deadline=None)
def test_sums_and_extremes(rows, head):
    owners, values = split(rows)
    groups = Groups(owners)
    heads = np.full(len(groups.members), head)
    rising = all(
        a <= b
        for owner in set(owners.tolist())
        for a, b in zip(values[owners == owner], values[owners == owner][1:], strict=False)
    )
    made = {
        "sum": (groups.running_sum(heads, values), lambda a, b: a + b),
        "max": (groups.running_max(heads, values), max),
        "min": (groups.running_min(-heads, values, rising=rising), None),
    }
    for whole, step in made.values():
        start = dict.fromkeys(range(6), head if step else -head)
        before, last = running(rows, start, step or min)
        assert groups.before(whole).tolist() == before
        assert groups.last(whole).tolist() == last


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=20))
@settings(deadline=None)
def test_decay_is_the_recurrence_to_the_last_bit(rows):
    owners = np.array([row[0] for row in rows], np.int64)
    groups = Groups(owners)
    decays = groups.with_heads(np.ones(len(groups.members)), np.array([row[1] for row in rows], np.float64))
    whole = groups.running_decay(np.full(len(groups.members), 0.7), decays, np.ones(len(rows)))
    before, last = running(rows, dict.fromkeys(range(4), 0.7), lambda was, decay: decay * was + 1.0)
    assert groups.before(whole).tolist() == before
    assert groups.last(whole).tolist() == last


def test_ids_beyond_what_fits_are_refused():
    with pytest.raises(ValueError, match="below"):
        Groups(np.array([2**62, 1, 2]))
