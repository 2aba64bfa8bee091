# SPDX-License-Identifier: Apache-2.0
"""Negatives come as often as they say, from torch's own generator."""

from __future__ import annotations

import pytest
import torch

from penchant.models.negatives import Drawn, Negatives, weighted

EVENTS = torch.tensor([5, 40, 0, 10, 1, 24])
KINDS = ["uniform", "popularity", "in_batch", "mixed"]


def batch(times=1):
    """Targets that come as often as the items have events."""
    return torch.repeat_interleave(torch.arange(6), times * EVENTS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False])
def test_each_row_comes_as_often_as_is_said(kind, shared):
    torch.manual_seed(1)
    drawn = Negatives(kind, 40_000 if shared else 50, EVENTS, shared=shared).draw(batch(1000 if shared else 10))
    assert drawn.rows.shape == ((40_000,) if shared else (800, 50))
    assert drawn.log_count.shape == drawn.rows.shape
    draws = 1 if shared else 800
    for row in drawn.rows.unique():
        here = drawn.rows == row
        found = here.sum().item() / draws
        assert drawn.log_count[here].exp().mean().item() == pytest.approx(found, rel=0.1, abs=0.02)


@pytest.mark.parametrize(("kind", "power", "shares"), [
    ("uniform", 1.0, [1 / 6] * 6),
    ("popularity", 1.0, (EVENTS / 80).tolist()),
    ("popularity", 0.5, (EVENTS.sqrt() / EVENTS.sqrt().sum()).tolist()),
    ("popularity", 0.0, [1 / 6] * 6),
    ("in_batch", 1.0, (EVENTS / 80).tolist()),
    ("mixed", 1.0, (EVENTS / 160 + 1 / 12).tolist()),
])  # fmt: skip
def test_what_is_drawn(kind, power, shares):
    torch.manual_seed(2)
    drawn = Negatives(kind, 40_000, EVENTS, power=power).draw(batch(1000))
    found = drawn.rows.bincount(minlength=6) / 40_000
    assert found.tolist() == pytest.approx(shares, abs=0.01)


def test_a_small_batch_gives_what_it_has():
    drawn = Negatives("in_batch", 100, EVENTS).draw(torch.tensor([3, 3, 1]))
    assert sorted(drawn.rows.tolist()) == [1, 3, 3]
    assert drawn.log_count.exp().tolist() == pytest.approx((3 * EVENTS[drawn.rows] / 80).tolist())
    drawn = Negatives("mixed", 11, EVENTS).draw(torch.tensor([3, 3, 1]))
    assert sorted(drawn.rows[:3].tolist()) == [1, 3, 3]
    assert len(drawn.rows) == 3 + 6
    assert drawn.log_count.exp().tolist() == pytest.approx((3 * EVENTS[drawn.rows] / 80 + 1).tolist())


def test_one_mixed_negative_is_uniform():
    drawn = Negatives("mixed", 1, EVENTS, shared=False).draw(torch.tensor([3, 3, 1]))
    assert drawn.rows.shape == (3, 1)
    assert drawn.log_count.exp().flatten().tolist() == pytest.approx([1 / 6] * 3)


def test_where_nothing_has_events_every_item_is_alike():
    drawn = Negatives("popularity", 50, torch.zeros(3, dtype=torch.int64)).draw(torch.tensor([2, 0]))
    assert drawn.log_count.exp().tolist() == pytest.approx([50 / 3] * 50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False])
def test_the_generators_state_decides_alone(kind, shared):
    chance = Negatives(kind, 20, EVENTS, shared=shared)
    torch.manual_seed(3)
    first = chance.draw(batch())
    other = chance.draw(batch())
    torch.manual_seed(3)
    again = Negatives(kind, 20, EVENTS, shared=shared).draw(batch())
    assert torch.equal(first.rows, again.rows)
    assert torch.equal(first.log_count, again.log_count)
    assert not torch.equal(first.rows, other.rows)


def test_a_row_without_weight_is_never_drawn():
    edges = torch.tensor([0.0, 0.0, 1.0, 1.0, 4.0, 4.0], dtype=torch.float64)
    assert set(weighted(edges, (10_000,)).tolist()) == {2, 4}


def test_the_last_number_below_one_is_within_the_edges(monkeypatch):
    edges = torch.tensor([1.0, 3.0, 3.0 + 2**-51], dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([1 - 2**-53], dtype=torch.float64))
    assert weighted(edges, (1,)).tolist() == [2]


@pytest.mark.parametrize("rows", [[1, 2, 2, 5], [[1, 2, 2, 5], [2, 5, 1, 0]]])
def test_hits_are_the_targets_that_count(rows):
    drawn = Drawn(rows=torch.tensor(rows), log_count=torch.zeros(()))
    targets, counts = torch.tensor([[2, 5], [0, 1]]), torch.tensor([[True, False], [True, True]])
    lines = rows if isinstance(rows[0], list) else [rows, rows]
    wanted = [[row in allowed for row in line] for line, allowed in zip(lines, ({2}, {0, 1}), strict=True)]
    assert drawn.hits(targets, counts).tolist() == wanted
