# SPDX-License-Identifier: Apache-2.0
"""The definition of a history, against a reference in plain Python."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features.history import build

EVENTS = st.lists(
    st.tuples(
        st.integers(-1, 3),
        st.integers(-1, 4),
        st.integers(0, 5),
        st.integers(-3, 3),
        st.one_of(st.just(math.nan), st.floats(-9, 9, width=32)),
    ),
    max_size=30,
)
COLUMNS = ("rows", "actions", "times", "values")


def of(events, n_users=4):
    owners, rows, actions, times, values = zip(*events, strict=True) if events else [()] * 5
    whole = [torch.tensor(column, dtype=torch.int64) for column in (owners, rows, actions, times)]
    return build(*whole, torch.tensor(values, dtype=torch.float32), n_users)


def lists(history):
    """Per user, the events as tuples."""
    flat = list(zip(*(getattr(history, name).tolist() for name in COLUMNS), strict=True))
    bounds = history.offsets.tolist()
    return [flat[start:end] for start, end in pairwise(bounds)]


def plain(events, n_users=4):
    """The four lines of the definition."""
    log = sorted(enumerate(events), key=lambda pair: (pair[1][3], pair[0]))
    past = [[] for _ in range(n_users)]
    for _, (owner, row, action, time, value) in log:
        if owner >= 0 and row >= 0:
            past[owner].append((row, action, time, 0.0 if math.isnan(value) else value))
    return past


@given(EVENTS)
@settings(max_examples=80, deadline=None)
def test_build_is_the_definition(events):
    assert lists(of(events)) == plain(events)


@given(EVENTS, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_the_history_of_one_does_not_depend_on_others(events, user):
    alone = [(0, *event[1:]) for event in events if event[0] == user]
    assert lists(of(alone, 1)) == lists(of(events))[user : user + 1]


@given(EVENTS, st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_just_before_an_event_is_the_start_of_what_was_there_later(events, cut):
    log = sorted(events, key=lambda event: event[3])
    for before, after in zip(lists(of(log[:cut])), lists(of(log)), strict=True):
        assert after[: len(before)] == before


def test_ties_stay_in_order_of_arrival():
    history = of([(0, 3, 0, 7, 0.0), (0, 1, 0, 7, 0.0), (0, 2, 0, 6, 0.0), (0, 0, 0, 7, 0.0)], 1)
    assert history.rows.tolist() == [2, 3, 1, 0]


def test_a_late_arrival_takes_its_place_in_time():
    assert of([(0, 1, 0, 5, 0.0), (0, 2, 0, 9, 0.0), (0, 3, 0, 7, 0.0)], 1).rows.tolist() == [1, 3, 2]


def test_nobody_and_nothing():
    assert len(of([], 0)) == 0
    assert of([], 3).offsets.tolist() == [0, 0, 0, 0]
    assert of([(-1, 1, 0, 0, 0.0), (0, -1, 0, 0, 0.0)], 1).lengths.tolist() == [0]
