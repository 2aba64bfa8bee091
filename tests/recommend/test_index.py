# SPDX-License-Identifier: Apache-2.0
"""top_k against a sort, on every kind of float."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.recommend import index
from penchant.recommend.index import top_k

ODD = st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 3e38, -3e38])
SCORES = st.integers(0, 12).flatmap(
    lambda n: st.lists(
        st.lists(st.one_of(ODD, st.floats(width=32)), min_size=n, max_size=n), min_size=1, max_size=4
    )
)


def plain(row, k):
    """Sorted by score, the lower column first among equals; NaN and -inf left out."""
    scores = np.nan_to_num(np.array(row, np.float32), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    order = np.lexsort((np.arange(len(row)), -scores))
    kept = [int(column) for column in order[:k] if scores[column] > -np.inf]
    return kept + [-1] * (min(k, len(row)) - len(kept))


@given(SCORES, st.integers(0, 14))
@settings(max_examples=300, deadline=None)
def test_is_a_stable_sort(rows, k):
    scores = torch.tensor(rows, dtype=torch.float32).view(len(rows), -1)
    columns, best = top_k(scores, k)
    assert columns.tolist() == [plain(row, k) for row in rows]
    assert columns.dtype == torch.int64
    found = columns >= 0
    assert torch.equal(best[found], scores.gather(1, columns.clamp(min=0))[found])
    assert (best[~found] == -torch.inf).all()


def test_all_equal_scores_come_in_order():
    columns, _ = top_k(torch.zeros(2, 1000), 7)
    assert columns.tolist() == [list(range(7))] * 2


def test_rows_are_taken_some_at_a_time(monkeypatch):
    scores = torch.randint(0, 5, (13, 40), generator=torch.Generator().manual_seed(0)).float()
    whole = top_k(scores, 9)
    for cells in (1, 90, 400):
        monkeypatch.setattr(index, "_CELLS", cells)
        assert all(torch.equal(a, b) for a, b in zip(top_k(scores, 9), whole, strict=True))


def test_minus_zero_is_zero():
    assert top_k(torch.tensor([[-0.0, 0.0, -0.0, -1.0]]), 4)[0].tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("k", [5, 10**9])
def test_more_than_there_are(k):
    columns, best = top_k(torch.tensor([[1.0, 3.0, math.nan]]), k)
    assert columns.tolist() == [[1, 0, -1]]
    assert best.tolist() == [[3, 1, -math.inf]]


def test_nobody_asked():
    columns, best = top_k(torch.zeros(0, 4), 2)
    assert columns.shape == best.shape == (0, 2)


def test_scores_are_left_as_they_were():
    scores = torch.tensor([[math.nan, -0.0, 2.0]])
    before = scores.clone()
    top_k(scores, 2)
    assert torch.equal(scores.view(torch.int32), before.view(torch.int32))


@given(SCORES, st.integers(0, 14), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_equal_scores_come_in_the_order_that_is_given(rows, k, chance):
    scores = torch.tensor(rows, dtype=torch.float32).view(len(rows), -1)
    order = list(range(scores.shape[1]))
    chance.shuffle(order)
    columns, best = top_k(scores, k, torch.tensor(order, dtype=torch.int64))
    moved, same = top_k(scores[:, order], k)
    assert columns.tolist() == [[order[place] if place >= 0 else -1 for place in row] for row in moved.tolist()]
    assert torch.equal(best.view(torch.int32), same.view(torch.int32))


@pytest.mark.parametrize("k", [0, 1, 3, 40])
def test_what_falls_at_first_sight_was_not_to_be_found(k, monkeypatch):
    monkeypatch.setattr(index, "_MANY", 100)
    chance = torch.Generator().manual_seed(0)
    scores = torch.randn(6, 700, generator=chance)
    # Many equal ones, of which some beyond the last that is wanted; holes; and rows with next to nothing.
    scores[1] = scores[1].round()
    scores[2] = 0.0
    scores[3, ::3] = math.nan
    scores[4, 5:] = -math.inf
    scores[5] = math.nan
    scores[5, 690] = 2.0
    assert top_k(scores, k)[0].tolist() == [plain(row, k) for row in scores.tolist()]
    order = torch.randperm(700, generator=chance)
    found, _ = top_k(scores, k, order)
    moved, _ = top_k(scores[:, order], k)
    assert len(found) == 6
    assert torch.equal(found, torch.where(moved < 0, -1, order[moved.clamp(min=0)]))
