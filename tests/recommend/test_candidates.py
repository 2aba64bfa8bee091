# SPDX-License-Identifier: Apache-2.0
"""Candidates: who is found, merged once, and what each source says of each."""

from __future__ import annotations

import math

import pytest
import torch

from penchant.batch import History, Items, Users
from penchant.recommend.candidates import cases_of, find, merge

NOT = -math.inf
ORDER = torch.arange(5)


def users(count=2):
    zero = torch.zeros(count + 1, dtype=torch.int64)
    past = History(offsets=zero, rows=zero[:0], actions=zero[:0], times=zero[:0], values=torch.zeros(0))
    return Users(ids=torch.arange(count), history=past, catalogue=Items(ids=torch.arange(5)))


def test_the_best_are_found_and_their_standing_is_by_user():
    found = find(torch.tensor([[1.0, 3.0, NOT, 2.0, 0.0], [NOT, NOT, 7.0, NOT, NOT]]), 2, ORDER)
    assert found.rows.tolist() == [[1, 3], [2, -1]]
    assert found.places.tolist() == [[2, 0, 2, 1, 2], [2, 2, 0, 2, 2]]
    deviation = math.sqrt(1.25)
    wanted = [-0.5 / deviation, 1.5 / deviation, 0.0, 0.5 / deviation, -1.5 / deviation]
    assert found.standing[0].tolist() == pytest.approx(wanted)
    assert found.standing[1].tolist() == [0.0] * 5


def test_equal_scores_come_in_the_given_order():
    assert find(torch.zeros(1, 5), 2, torch.tensor([4, 2, 0, 1, 3])).rows.tolist() == [[4, 2]]


def test_merging_names_each_pair_once():
    one = find(torch.tensor([[5.0, 4.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 9.0]]), 2, ORDER)
    other = find(torch.tensor([[9.0, NOT, 8.0, NOT, NOT], [NOT] * 5]), 3, ORDER)
    cases = merge(users(), [one, other])
    assert cases.owners.tolist() == [0, 0, 0, 1, 1]
    assert cases.rows.tolist() == [0, 1, 2, 0, 4]
    found = cases.standing[:, :, 2].tolist()
    assert found == [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]


def test_figures_of_pairs_that_nobody_found():
    one = find(torch.tensor([[5.0, 4.0, 1.0, 0.0, 0.0]]), 3, ORDER)
    cases = cases_of(users(1), torch.tensor([0, 0, 0]), torch.tensor([0, 2, 4]), [one])
    standing, depth, found = cases.standing[:, 0].unbind(1)
    assert standing[0] > standing[1] > standing[2]
    assert depth.tolist() == pytest.approx([0.0, math.log(3) / math.log(4), 1.0])
    assert found.tolist() == [1.0, 1.0, 0.0]


def test_nothing_may_be_given():
    cases = merge(users(), [find(torch.full((2, 5), NOT), 3, ORDER)])
    assert len(cases) == 0
    assert cases.standing.shape == (0, 1, 3)


def test_a_far_score_is_held():
    found = find(torch.cat([torch.zeros(1, 999), torch.full((1, 1), 1e9)], 1), 1, torch.arange(1000))
    assert found.standing.max() == 8.0
    assert found.standing.isfinite().all()
