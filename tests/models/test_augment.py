# SPDX-License-Identifier: Apache-2.0
"""Augmentations, looked at event by event: what is kept, what moves, how often, and that nothing is made up."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.batch import History
from penchant.models import augment
from penchant.models.augment import HIDDEN

LENGTHS = st.lists(st.integers(0, 7), min_size=1, max_size=5)
SHARES = st.floats(0, 0.99)
ITEMS = 40
ALIKE = (torch.arange(ITEMS)[:, None] + torch.arange(1, 4)) % ITEMS
"""The three next items."""


def history(lengths):
    """Every event has a row, an action, a time and all else of its own; none is 0."""
    step = torch.arange(sum(lengths)) + 1
    return History(
        offsets=torch.tensor([0, *lengths]).cumsum(0),
        rows=step,
        actions=step + 100,
        times=step * 1000,
        values=step + 0.5,
        context={"device": step + 200, "tags": torch.stack([step, -step], 1)},
        user_signals=torch.stack([step + 0.25, -step], 1),
        item_signals=step[:, None] + 0.75,
    )


def padded(lengths):
    return history(lengths).padded(9)


WHAT = ("rows", "actions", "values", "device", "tags", "item_signals")
WHEN = ("times", "user_signals")


def events(past):
    """Per user, the events in order, each as {column: value}; and asserts that padding is padding."""
    columns = {name: getattr(past, name) for name in ("rows", "actions", "times", "values")}
    columns |= dict(past.context) | {"user_signals": past.user_signals, "item_signals": past.item_signals}
    assert not any(column[~past.valid].any() for column in columns.values())
    assert all(len(column) == len(past.lengths) for column in columns.values())
    lists = {name: column.tolist() for name, column in columns.items()}
    return [
        [{name: lists[name][user][step] for name in lists} for step in range(length)]
        for user, length in enumerate(past.lengths.tolist())
    ]


def of(event, names):
    return {name: event[name] for name in names}


def rounded(length, share, most):
    """The counts that may be drawn."""
    exact = length * share
    near = [exact - 1e-4, exact + 1e-4]
    return {min(max(count, 0), most) for value in near for count in (math.floor(value), math.ceil(value))}


@given(LENGTHS, SHARES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_crop_keeps_events_that_lie_together(lengths, share, seed):
    torch.manual_seed(seed)
    past = padded(lengths)
    found = augment.crop(past, share)
    for before, after in zip(events(past), events(found), strict=True):
        assert len(before) - len(after) in rounded(len(before), share, max(len(before) - 1, 0))
        if after:
            start = before.index(after[0])
            assert after == before[start : start + len(after)]


@given(LENGTHS, SHARES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_reorder_moves_what_was_done_inside_one_stretch_and_leaves_the_times(lengths, share, seed):
    torch.manual_seed(seed)
    past = padded(lengths)
    found = augment.reorder(past, share)
    for before, after in zip(events(past), events(found), strict=True):
        assert [of(event, WHEN) for event in after] == [of(event, WHEN) for event in before]
        old, new = ([of(event, WHAT) for event in some] for some in (before, after))
        assert sorted(map(str, new)) == sorted(map(str, old))
        moved = [step for step in range(len(old)) if new[step] != old[step]]
        if moved:
            assert moved[-1] - moved[0] + 1 <= max(rounded(len(old), share, len(old)))


@given(LENGTHS, SHARES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_mask_leaves_the_time_of_a_step_and_nothing_else(lengths, share, seed):
    torch.manual_seed(seed)
    past = padded(lengths)
    found = augment.mask(past, share)
    for before, after in zip(events(past), events(found), strict=True):
        hidden = [step for step, event in enumerate(after) if event["rows"] == HIDDEN]
        assert len(hidden) in rounded(len(before), share, max(len(before) - 1, 0))
        for step, (old, new) in enumerate(zip(before, after, strict=True)):
            if step in hidden:
                nothing = {"rows": HIDDEN, "actions": 0, "values": 0, "device": 0, "tags": [0, 0]}
                assert new == {**old, **nothing, "item_signals": [0]}
            else:
                assert new == old


@given(LENGTHS, SHARES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_substitute_changes_items_for_ones_that_are_alike_and_not_the_users_own(lengths, share, seed):
    torch.manual_seed(seed)
    past = padded(lengths)
    alike = torch.cat([ALIKE, 20 + ALIKE[:, :1] % 20], 1)
    found = augment.substitute(past, share, alike)
    for before, after in zip(events(past), events(found), strict=True):
        own = {event["rows"] for event in before}
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) <= max(rounded(len(before), share, len(before)))
        for old, new in changed:
            assert {**old, "rows": 0} == {**new, "rows": 0}
            assert new["rows"] in alike[old["rows"]].tolist()
            assert new["rows"] not in own


def times(change, lengths, draws=400):
    """How often each row list of the first user came."""
    torch.manual_seed(0)
    whole = padded(lengths * draws)
    base = torch.cat([torch.arange(1, length + 1) for length in lengths] * draws)
    whole = history(lengths * draws)
    whole = History(
        offsets=whole.offsets, rows=base, actions=whole.actions, times=whole.times, values=whole.values
    ).padded(9)
    found = change(whole)
    rows = [row[:length] for row, length in zip(found.rows.tolist(), found.lengths.tolist(), strict=True)]
    return Counter(map(tuple, rows))


def test_every_stretch_is_cropped_as_often_as_any():
    found = times(lambda past: augment.crop(past, 1 / 3), [3])
    assert sum(found.values()) == 400
    # A third of three is one event, up to what float32 makes of it.
    assert found[1, 2] + found[2, 3] > 395
    assert 150 < found[1, 2] < 250


def test_what_is_between_two_counts_is_rounded_by_chance():
    found = times(lambda past: augment.mask(past, 0.25), [2])
    assert 150 < found[1, 2] < 250
    assert 60 < found[HIDDEN, 2] < 140
    assert 60 < found[1, HIDDEN] < 140


def test_every_order_comes_as_often_as_any():
    found = times(lambda past: augment.reorder(past, 1.0), [3])
    assert len(found) == 6
    assert all(40 < count < 95 for count in found.values())


def test_every_place_is_reordered_as_often_as_any():
    found = times(lambda past: augment.reorder(past, 0.5), [4])
    swaps = [found[order] for order in ((2, 1, 3, 4), (1, 3, 2, 4), (1, 2, 4, 3))]
    assert found[1, 2, 3, 4] + sum(swaps) == 400
    assert all(40 < count < 95 for count in swaps)


def test_every_alike_item_comes_as_often_as_any_but_those_the_user_did():
    found = times(lambda past: augment.substitute(past, 1.0, ALIKE), [1])
    assert {(2,), (3,), (4,)} == found.keys()
    assert all(100 < count < 170 for count in found.values())
    found = times(lambda past: augment.substitute(past, 1.0, ALIKE), [2])
    assert {first for first, _ in found} == {1, 3, 4}
    assert {last for _, last in found} == {3, 4, 5}


def test_what_another_user_did_may_take_a_place():
    torch.manual_seed(0)
    found = augment.substitute(padded([1, 1]), 1.0, torch.arange(ITEMS)[:, None] + 1)
    assert found.rows.tolist() == [[2], [3]]


def test_an_item_that_nothing_is_like_stays():
    past = padded([4, 2])
    found = augment.substitute(past, 1.0, torch.arange(ITEMS)[:, None].repeat(1, 2))
    assert torch.equal(found.rows, past.rows)


def test_a_hidden_step_is_not_substituted():
    torch.manual_seed(0)
    hidden = augment.mask(padded([6, 6]), 0.5)
    found = augment.substitute(hidden, 1.0, torch.arange(ITEMS)[:, None] + 20)
    assert torch.equal(found.rows == HIDDEN, hidden.rows == HIDDEN)
    assert (found.rows[found.rows != HIDDEN] > 20).all()


CHANGES = {
    "crop": augment.crop,
    "mask": augment.mask,
    "reorder": augment.reorder,
    "substitute": lambda past, share: augment.substitute(past, share, ALIKE),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_share_of_each_history_of_its_own(name):
    torch.manual_seed(0)
    past = padded([6, 6, 6])
    found = CHANGES[name](past, torch.tensor([0.0, 0.9, 0.0]))
    old, new = events(past), events(found)
    assert new[0] == old[0]
    assert new[1] != old[1]
    assert new[2] == old[2]


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "substitute"])
def test_a_history_of_one_event_survives_and_an_empty_one_stays_empty(name):
    past = padded([1, 0])
    for seed in range(20):
        torch.manual_seed(seed)
        assert events(CHANGES[name](past, 0.99)) == events(past)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_drawn_depends_on_the_seed_alone(name):
    past = padded([7, 7, 7])

    def drawn(seed):
        torch.manual_seed(seed)
        return events(CHANGES[name](past, 0.6))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_given_is_not_changed(name):
    past, again = padded([7, 3]), padded([7, 3])
    CHANGES[name](past, 0.9)
    assert events(past) == events(again)


@pytest.mark.parametrize("name", CHANGES)
def test_nobody(name):
    nobody = history([2]).select(torch.zeros(0, dtype=torch.int64)).padded(3)
    assert CHANGES[name](nobody, 0.5).rows.shape == (0, 1)


@pytest.mark.parametrize("name", CHANGES)
def test_histories_that_lack_signals(name):
    whole = history([4, 2])
    bare = History(
        offsets=whole.offsets, rows=whole.rows, actions=whole.actions, times=whole.times, values=whole.values
    )
    found = CHANGES[name](bare.padded(5), 0.5)
    assert (found.user_signals, found.item_signals, dict(found.context)) == (None, None, {})


# Stretches of long histories


def flat(past):
    columns = (past.rows.tolist(), past.times.tolist(), past.values.tolist(), past.context["device"].tolist())
    whole = list(zip(*columns, strict=True))
    return [whole[start:end] for start, end in pairwise(past.offsets.tolist())]


@given(LENGTHS, st.integers(1, 8), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_stretch_is_what_lies_together(lengths, length, chance, seed):
    torch.manual_seed(seed)
    past = history(lengths)
    found = augment.stretch(past, length, chance)
    for before, after in zip(flat(past), flat(found), strict=True):
        assert len(after) == min(length, len(before))
        if after:
            start = before.index(after[0])
            assert after == before[start : start + len(after)]


def test_without_chance_a_stretch_is_the_end():
    past = history([5, 2, 0, 9])
    assert flat(augment.stretch(past, 3, 0.0)) == flat(past.select(torch.arange(4), last=3))


def test_stretches_begin_anywhere():
    torch.manual_seed(0)
    found = augment.stretch(history([4] * 300), 2, 1.0)
    starts = Counter(((found.rows[::2] - 1) % 4).tolist())
    assert all(70 < starts[start] < 130 for start in (0, 1, 2))
    torch.manual_seed(0)
    half = augment.stretch(history([4] * 300), 2, 0.5)
    starts = Counter(((half.rows[::2] - 1) % 4).tolist())
    assert starts[2] > 160
