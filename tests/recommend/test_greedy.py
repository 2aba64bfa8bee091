# SPDX-License-Identifier: Apache-2.0
"""Lists put together greedily, against plain loops and against what can be seen by eye."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from penchant.recommend.greedy import Cap, Method, choose

GONE = -math.inf


def near_in(vectors):
    """Nearness within [B, P, D] unit vectors."""
    lists = torch.arange(len(vectors))
    return lambda at: (vectors @ vectors[lists, at][:, :, None]).squeeze(2)


def unit(*angles):
    """Directions in the plane, in degrees, as one list."""
    turned = torch.deg2rad(torch.tensor(angles))
    return torch.stack([turned.cos(), turned.sin()], 1)[None]


def test_relevance_alone_is_the_order_and_ties_go_to_the_first():
    found = choose(torch.tensor([[1.0, 3, 3, 2], [5, 5, 5, GONE]]), 4)
    assert found.tolist() == [[1, 2, 3, 0], [0, 1, 2, -1]]


def test_more_places_than_candidates_and_none_at_all():
    assert choose(torch.zeros(2, 1), 5).tolist() == [[0], [0]]
    assert choose(torch.zeros(2, 0), 5).shape == (2, 0)
    assert choose(torch.zeros(2, 3), 0).shape == (2, 0)


@pytest.mark.parametrize("method", list(Method))
def test_a_twin_waits_for_what_is_different(method):
    # The second best is the best's twin, the third lies across.
    scores = torch.tensor([[1.0, 0.98, 0.6, 0.0]])
    near = near_in(unit(0, 1, 90, 45))
    assert choose(scores, 3, near=near, method=method, weight=0.0).tolist() == [[0, 1, 2]]
    assert choose(scores, 2, near=near, method=method, weight=0.5).tolist() == [[0, 2]]


def test_difference_alone_looks_at_no_score():
    near = near_in(unit(0, 10, 90, 80))
    assert choose(torch.tensor([[0.0, 1, 2, 3]]), 2, near=near, weight=1.0).tolist() == [[0, 2]]


@given(
    seed=st.integers(0, 10_000),
    weight=st.sampled_from([0.1, 0.5, 0.9]),
    lists=st.integers(1, 3),
    size=st.integers(1, 9),
)
def test_marginal_relevance_is_what_a_plain_loop_finds(seed, weight, lists, size):
    draw = torch.Generator().manual_seed(seed)
    scores = torch.rand(lists, size, generator=draw)
    vectors = functional.normalize(torch.randn(lists, size, 4, generator=draw), dim=2)
    found = choose(scores, size, near=near_in(vectors), weight=weight)
    for row, (worth, all_near) in enumerate(zip(scores, vectors @ vectors.transpose(1, 2), strict=True)):
        span = float(worth.max() - worth.min()) or 1.0
        left, order = list(range(size)), []
        while left:
            gains = [
                (1 - weight) * float(worth[i] - worth.min()) / span
                - weight * max([0.0, *(float(all_near[i, j]) for j in order)])
                for i in left
            ]
            order.append(left.pop(gains.index(max(gains))))
        assert found[row].tolist() == order


@given(seed=st.integers(0, 10_000), weight=st.sampled_from([0.2, 0.6]), size=st.integers(1, 6))
def test_a_determinantal_process_takes_what_adds_most_volume(seed, weight, size):
    draw = torch.Generator().manual_seed(seed)
    scores = torch.rand(1, size, generator=draw)
    vectors = functional.normalize(torch.randn(1, size, 8, generator=draw), dim=2)
    found = choose(scores, size, near=near_in(vectors), method=Method.DPP, weight=weight)[0].tolist()
    kernel = (vectors[0] @ vectors[0].T).double()
    worth = scores[0].double() - scores.min()
    worth = worth / max(float(worth.max()), 1e-12)

    def volume(chosen):
        return float(torch.logdet(kernel[chosen][:, chosen])) if chosen else 0.0

    for place in range(size):
        before = found[:place]
        gains = {
            i: (1 - weight) * float(worth[i]) + weight * (volume([*before, i]) - volume(before))
            for i in range(size)
            if i not in before
        }
        assert gains[found[place]] == pytest.approx(max(gains.values()), abs=1e-3)


def test_twins_of_what_is_chosen_add_nothing_and_break_nothing():
    near = near_in(unit(0, 0, 0, 90))
    found = choose(torch.ones(1, 4), 4, near=near, method=Method.DPP, weight=0.5)
    assert found.tolist() == [[0, 3, 1, 2]]


def test_a_cap_passes_over_what_is_full_and_leaves_places_empty():
    scores = torch.tensor([[6.0, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, GONE]])
    codes = torch.tensor([[[7], [7], [7], [8], [0], [0]], [[7], [7], [7], [7], [8], [8]]])
    assert choose(scores, 6, caps=[Cap(codes, 1)]).tolist() == [[0, 3, 4, 5, -1, -1], [4, 3, -1, -1, -1, -1]]
    assert choose(scores, 6, caps=[Cap(codes, 2)]).tolist()[0] == [0, 1, 3, 4, 5, -1]


def test_of_several_words_each_counts():
    codes = torch.tensor([[[1, 2], [1, 0], [2, 0], [3, 0]]])
    assert choose(torch.tensor([[4.0, 3, 2, 1]]), 4, caps=[Cap(codes, 1)]).tolist() == [[0, 3, -1, -1]]


def test_caps_add_up():
    one, two = torch.tensor([[[1], [1], [2], [2]]]), torch.tensor([[[5], [6], [5], [6]]])
    found = choose(torch.tensor([[4.0, 3, 2, 1]]), 4, caps=[Cap(one, 1), Cap(two, 1)])
    assert found.tolist() == [[0, 3, -1, -1]]
