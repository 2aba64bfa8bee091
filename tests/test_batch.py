# SPDX-License-Identifier: Apache-2.0
"""Items, histories and users: selecting, cutting and padding, against a reference in plain Python."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.batch import FIRST, PADDING, UNKNOWN, History, Items, Sizes, TrainBatch, Users

PASTS = st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=5)


def history(pasts):
    """Every column tells its event apart."""
    flat = [row for past in pasts for row in past]
    offsets = torch.tensor([0, *(len(past) for past in pasts)]).cumsum(0)
    step = torch.arange(len(flat))
    return History(
        offsets=offsets,
        rows=torch.tensor(flat, dtype=torch.int64),
        actions=step + 2,
        times=step * 1000,
        values=step.float() / 2,
    )


def lists(past):
    columns = [getattr(past, name).tolist() for name in ("rows", "actions", "times", "values")]
    flat = list(zip(*columns, strict=True))
    bounds = past.offsets.tolist()
    return [flat[start:end] for start, end in pairwise(bounds)]


def last_of(events, last):
    return events if last is None else events[len(events) - min(last, len(events)) :]


def test_indices_that_mean_something():
    assert (PADDING, UNKNOWN, FIRST) == (0, 1, 2)


@given(PASTS, st.data())
@settings(max_examples=80, deadline=None)
def test_select_is_what_a_loop_would_do(pasts, data):
    chosen = data.draw(st.lists(st.integers(0, len(pasts) - 1), max_size=6))
    last = data.draw(st.one_of(st.none(), st.integers(0, 7)))
    whole = history(pasts)
    found = whole.select(torch.tensor(chosen, dtype=torch.int64), last)
    assert lists(found) == [last_of(lists(whole)[user], last) for user in chosen]
    assert found.lengths.tolist() == [len(past) for past in lists(found)]
    assert found.owners.tolist() == [n for n, past in enumerate(lists(found)) for _ in past]
    assert len(found) == len(chosen)


@given(PASTS, st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_padded_is_what_a_loop_would_do(pasts, length):
    whole = history(pasts)
    found = whole.padded(length)
    kept = [last_of(past, length) for past in lists(whole)]
    width = max(1, *map(len, kept))
    for position, name in enumerate(("rows", "actions", "times", "values")):
        wanted = [[event[position] for event in past] + [0] * (width - len(past)) for past in kept]
        assert getattr(found, name).tolist() == wanted
        assert getattr(found, name).dtype == getattr(whole, name).dtype
    assert found.lengths.tolist() == [len(past) for past in kept]
    assert found.valid.tolist() == [[step < len(past) for step in range(width)] for past in kept]


@given(PASTS, st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_the_first_columns_are_those_of_the_first_events(pasts, length):
    found = history(pasts).padded(8).first(length)
    shortened = history([past[:length] for past in pasts])
    assert found.rows.shape[1] == min(length, max(1, *map(len, pasts)))
    assert found.lengths.tolist() == shortened.lengths.tolist()
    assert found.rows[found.valid].tolist() == shortened.rows.tolist()


def test_nobody_padded():
    nobody = history([[1]]).select(torch.zeros(0, dtype=torch.int64))
    assert nobody.padded(5).rows.shape == (0, 1)
    assert nobody.owners.shape == (0,)


def test_items_taken_keep_everything_in_order():
    items = Items(
        ids=torch.tensor([5, 6, 7]),
        features={"n": torch.tensor([0.5, 0.6, 0.7]), "t": torch.tensor([[1, 0], [2, 3], [4, 0]])},
        content={"text": (torch.eye(3), torch.tensor([True, False, True]))},
    )
    found = items.take(torch.tensor([2, 0, 2]))
    assert len(items) == len(found) == 3
    assert found.ids.tolist() == [7, 5, 7]
    assert found.features["t"].tolist() == [[4, 0], [1, 0], [4, 0]]
    assert found.content["text"][0].tolist() == torch.eye(3)[[2, 0, 2]].tolist()
    assert found.content["text"][1].tolist() == [True, True, True]


def test_users_selected_keep_their_own_history_and_features():
    users = Users(
        ids=torch.tensor([2, 1, 3]),
        history=history([[1, 2], [], [3]]),
        catalogue=Items(ids=torch.arange(9)),
        features={"age": torch.tensor([0.1, 0.2, 0.3])},
    )
    found = users.select(torch.tensor([2, 0]), last=1)
    assert len(found) == 2
    assert found.ids.tolist() == [3, 2]
    assert found.history.rows.tolist() == [3, 2]
    assert found.features["age"].tolist() == users.features["age"][[2, 0]].tolist()
    assert found.catalogue is users.catalogue
    assert TrainBatch(users=found).users is found


def test_sizes_need_no_features():
    sizes = Sizes(items=3, users=4, actions=5)
    assert (dict(sizes.item_features), dict(sizes.user_features), dict(sizes.content)) == ({}, {}, {})
    assert sizes.has_time


def test_context_and_signals_go_with_their_events():
    flat = history([[1, 2, 3], [], [4, 5]])
    step = torch.arange(5.0)
    whole = replace(
        flat,
        context={"device": torch.arange(5) + 2, "tags": torch.arange(10).reshape(5, 2)},
        user_signals=torch.stack([step, -step], 1),
        item_signals=step[:, None],
    )
    picked = whole.select(torch.tensor([2, 0]), last=2)
    assert picked.context["device"].tolist() == [5, 6, 3, 4]
    assert picked.user_signals.tolist() == [[3, -3], [4, -4], [1, -1], [2, -2]]
    padded = picked.padded(1)
    assert padded.context["device"].tolist() == [[6], [4]]
    assert padded.context["tags"].tolist() == [[[8, 9]], [[4, 5]]]
    assert padded.item_signals.tolist() == [[[4.0]], [[2.0]]]
    wide = whole.padded(5)
    assert wide.user_signals.shape == (3, 3, 2)
    assert not wide.user_signals[1].any()
    assert not wide.user_signals[2, 2].any()
    narrow = wide.first(2)
    assert torch.equal(narrow.context["tags"], wide.context["tags"][:, :2])
    assert torch.equal(narrow.user_signals, wide.user_signals[:, :2])
    assert torch.equal(narrow.item_signals, wide.item_signals[:, :2])
    users = Users(ids=torch.arange(3), history=whole, catalogue=Items(ids=torch.arange(6)), signals=torch.eye(3))
    assert users.select(torch.tensor([1])).signals.tolist() == [[0, 1, 0]]
    items = Items(ids=torch.arange(3), signals=torch.eye(3)).take(torch.tensor([2]))
    assert items.signals.tolist() == [[0, 0, 1]]


def test_items_changed_and_added():
    old = Items(
        ids=torch.tensor([2, 3]),
        features={"n": torch.tensor([1.0, 2.0]), "tags": torch.tensor([[2, 3], [4, 0]])},
        content={"p": (torch.ones(2, 2), torch.tensor([True, False]))},
        signals=torch.zeros(2, 1),
    )
    new = Items(
        ids=torch.tensor([1, 3]),
        features={"n": torch.tensor([5.0, 6.0]), "tags": torch.tensor([[7, 8, 9], [5, 0, 0]])},
        content={"p": (torch.zeros(2, 2), torch.tensor([True, True]))},
    )
    both = old.changed(torch.tensor([2, 1]), new)
    assert both.ids.tolist() == [2, 3, 1]
    assert both.features["n"].tolist() == [1, 6, 5]
    assert both.features["tags"].tolist() == [[2, 3, 0], [5, 0, 0], [7, 8, 9]]
    assert both.content["p"][0].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert both.content["p"][1].tolist() == [True, True, True]
    assert both.signals is None
    narrow = both.changed(torch.tensor([0]), old.take(torch.tensor([1])))
    assert narrow.features["tags"].tolist() == [[4, 0, 0], [5, 0, 0], [7, 8, 9]]
    assert old.changed(
        torch.zeros(0, dtype=torch.int64), new.take(torch.zeros(0, dtype=torch.int64))
    ).ids.tolist() == [2, 3]
