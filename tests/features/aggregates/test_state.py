# SPDX-License-Identifier: Apache-2.0
"""Aggregates against their definition in plain Python: ties, borders of chunks, new ids, missing numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from features.aggregates import naive
from penchant.errors import DataError
from penchant.features.aggregates.chunk import chunk_of
from penchant.features.aggregates.grouped import NEVER
from penchant.features.aggregates.state import Aggregates
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE

NUMBER = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32))
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            USER: st.integers(0, 3),
            ITEM: st.integers(0, 3),
            TIME: st.integers(0, 6).map(lambda step: step * naive.DAY // 3),
            TYPE: st.sampled_from([*naive.TYPES, "never heard of"]),
            VALUE: NUMBER,
            "dwell": NUMBER,
            "amount": NUMBER,
            "quantity": NUMBER,
        }
    ),
    max_size=25,
)
CUTS = st.lists(st.integers(0, 25), max_size=4)
NUMBERS = (VALUE, "dwell", "amount", "quantity")
KINDS = {USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64, TYPE: pl.String} | dict.fromkeys(NUMBERS, pl.Float64)


def chunk(rows):
    events = pl.DataFrame(rows, schema=KINDS, orient="row")
    return chunk_of(events, events[USER].to_numpy(), events[ITEM].to_numpy(), naive.plan())


def pieces(rows, cuts):
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    return [rows[a:b] for a, b in pairwise(edges)]


def by_definition(rows, side, columns):
    """[E, A]: at each event what those before it say."""
    found = []
    for place, event in enumerate(rows):
        past = [one for one in rows[:place] if one[side] == event[side]]
        made = naive.columns(past, event[TIME])
        found.append([made.get(name, np.nan) for name in columns])
    return np.array(found).reshape(len(rows), len(columns))


def same(a, b):
    """Bit by bit, NaN included."""
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


@given(EVENTS, CUTS)
@settings(max_examples=150, deadline=None)
def test_in_log_order_it_is_the_definition_however_it_is_cut(rows, cuts):
    rows = sorted(rows, key=lambda event: event[TIME])
    plan = naive.plan()
    whole = Aggregates(plan).advance(chunk(rows))
    state = Aggregates(plan)
    parts = [state.advance(chunk(piece)) for piece in pieces(rows, cuts)]
    one_by_one = Aggregates(plan)
    steps = []
    for event in rows:
        users, items = np.array([event[USER]]), np.array([event[ITEM]])
        asked = (one_by_one.users_at(users, event[TIME]), one_by_one.items_at(items, event[TIME]))
        made = one_by_one.advance(chunk([event]))
        assert same(asked[0], made.users)
        assert same(asked[1], made.items)
        steps.append(made)
    for side, name in (("users", USER), ("items", ITEM)):
        found = getattr(whole, side)
        for others in (parts, steps):
            assert same(found, np.concatenate([getattr(part, side) for part in others] or [found]))
        known = [column for column in plan.columns if column != "distinct"]
        expected = by_definition(rows, name, known)
        there = [plan.columns.index(column) for column in known]
        np.testing.assert_allclose(found[:, there], expected, rtol=1e-9, atol=2e-5)


@given(EVENTS, CUTS)
@settings(max_examples=100, deadline=None)
def test_late_events_count_from_when_they_arrive(rows, cuts):
    plan = naive.plan()
    state, again = Aggregates(plan), Aggregates(plan)
    for piece in pieces(rows, cuts):
        state.take(chunk(piece))
    for event in rows:
        again.take(chunk([event]))
    asked, now = np.arange(4), 2 * naive.DAY
    for side, at in ((USER, "users_at"), (ITEM, "items_at")):
        found = getattr(state, at)(asked, now)
        assert same(found, getattr(again, at)(asked, now))
        for owner in asked.tolist():
            made = naive.columns([event for event in rows if event[side] == owner], now)
            known = [column for column in plan.columns if column != "distinct"]
            there = [plan.columns.index(column) for column in known]
            expected = [made[column] for column in known]
            np.testing.assert_allclose(found[owner, there], expected, rtol=1e-9, atol=2e-5)


@given(EVENTS)
@settings(max_examples=60, deadline=None)
def test_different_ones_are_counted_once(rows):
    rows = sorted(rows, key=lambda event: event[TIME])
    plan = naive.plan("distinct")
    found = Aggregates(plan).advance(chunk(rows))
    for side, other, numbers in ((USER, ITEM, found.users), (ITEM, USER, found.items)):
        for place, event in enumerate(rows):
            exact = len({one[other] for one in rows[:place] if one[side] == event[side]})
            assert numbers[place, 0] == pytest.approx(exact, rel=0.4, abs=1e-6)


def test_a_chunk_that_goes_back_is_refused():
    later, sooner = ({USER: 0, ITEM: 0, TIME: time, TYPE: "view"} for time in (5, 4))
    state = Aggregates(naive.plan("events"))
    with pytest.raises(DataError, match=r"event 1 of this chunk \(time 4\) is earlier"):
        state.advance(chunk([later, sooner]))
    state.advance(chunk([later]))
    with pytest.raises(DataError, match=r"event 0 of this chunk \(time 4\) is earlier"):
        state.advance(chunk([sooner]))
    assert state.users_at(np.array([0]), 9).tolist() == [[1.0]]


@given(EVENTS, EVENTS)
@settings(max_examples=40, deadline=None)
def test_a_state_goes_on_from_a_file(rows, more):
    plan = naive.plan()
    state = Aggregates(plan, users=2)
    state.take(chunk(rows))
    again = Aggregates(plan)
    again.load(load(save(state.tensors())))
    assert again.clock == state.clock
    for one in (state, again):
        one.take(chunk(more))
    asked = np.arange(-1, 5)
    assert same(state.users_at(asked, naive.DAY), again.users_at(asked, naive.DAY))
    assert same(state.items_at(asked, naive.DAY), again.items_at(asked, naive.DAY))


def test_a_state_of_another_plan_is_refused():
    state = Aggregates(naive.plan("events", "distinct"))
    with pytest.raises(ValueError, match="does not fit"):
        Aggregates(naive.plan("events")).load(state.tensors())
    spoilt = state.tensors() | {"users/bits": torch.zeros(0, 3, dtype=torch.int64)}
    with pytest.raises(ValueError, match="at 'bits'"):
        Aggregates(naive.plan("events", "distinct")).load(spoilt)


def test_memory_does_not_grow_with_events():
    row = {USER: 1, ITEM: 1, TIME: 1, TYPE: "view"}
    state = Aggregates(naive.plan(), users=2, items=2)
    before = state.nbytes
    state.take(chunk([row] * 1000))
    assert state.nbytes == before
    assert state.clock == 1
    assert Aggregates(naive.plan()).clock == NEVER


def test_growing_one_by_one_keeps_what_was_there():
    state = Aggregates(naive.plan("events", "recency"))
    for user in range(50):
        state.take(chunk([{USER: user, ITEM: 0, TIME: user, TYPE: "view"}]))
    assert state.users_at(np.arange(51), 0)[:, 0].tolist() == [1.0] * 50 + [0.0]
    assert state.items_at(np.array([0]), 0)[0, 0] == 50
    assert len(state.users) == 50


def test_enormous_numbers_and_long_silences_do_no_harm():
    rows = [
        {USER: 0, ITEM: 0, TIME: 0, TYPE: "buy", "amount": 1e300},
        {USER: 0, ITEM: 0, TIME: 10_000 * naive.DAY, TYPE: "buy", "amount": -1e300},
        {USER: 0, ITEM: 0, TIME: 20_000 * naive.DAY, TYPE: "buy", "amount": float("nan")},
    ]
    plan = naive.plan("amount", "trend")
    found = Aggregates(plan).advance(chunk(rows)).users
    assert found[:, 0].tolist() == [0.0, 1e9, 0.0]
    assert np.isnan(found[0, 3])
    assert found[2, 1] == 0.0


def test_nothing_asked_for_is_nothing():
    state = Aggregates(naive.plan("events"))
    assert state.advance(chunk([])).users.shape == (0, 1)
    assert state.users_at(np.array([3]), 1).tolist() == [[0.0]]
