# SPDX-License-Identifier: Apache-2.0
"""What lists are like: each metric by hand, and against a slow formula written another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penchant.evaluate import beyond
from penchant.evaluate.metrics import ABSENT

POPULARITY = np.array([8, 4, 2, 1, 1, 0])


def lists(*rows):
    return np.array(rows, np.int64)


def test_information_in_bits():
    assert beyond.information(POPULARITY).tolist() == [1, 2, 3, 4, 4, 4]
    assert beyond.information(np.zeros(2, np.int64)).tolist() == [0, 0]


def test_novelty_by_hand():
    ranked = lists([0, 3, 5], [1, ABSENT, ABSENT], [ABSENT] * 3)
    bits = beyond.information(POPULARITY)
    assert beyond.novelty(ranked, bits, 2).tolist() == [2.5, 2.0, 0.0]


def test_popularity_lift_by_hand():
    # The first had items 1 and 3, the second nothing, the third an item that is nobody's.
    usual = beyond.usual_popularity(POPULARITY, np.array([0, 2, 2, 3]), np.array([1, 3, 5]))
    everyone = (64 + 16 + 4 + 1 + 1) / 16
    assert usual.tolist() == [2.5, everyone, everyone]
    ranked = lists([0, 2], [0, ABSENT], [ABSENT, ABSENT])
    assert beyond.popularity_lift(ranked, POPULARITY, usual, 2).tolist() == [2.0, 8 / everyone, 0.0]
    assert beyond.usual_popularity(np.zeros(2, np.int64), np.array([0, 0]), np.zeros(0, np.int64)).tolist() == [1]


def slow_place(row, popularity, candidates, seen):
    order = sorted((c for c in candidates if c not in seen), key=lambda c: (-popularity[c], c))
    return order.index(row)


@pytest.mark.parametrize("seed", range(4))
def test_places_in_the_popular_list_against_a_slow_one(seed):
    random = np.random.default_rng(seed)
    popularity = random.integers(0, 9, 30)
    candidates = np.sort(random.choice(30, 22, replace=False))
    seen = [random.choice(30, random.integers(0, 9)) for _ in range(25)]
    ranked = np.stack([random.permutation(np.setdiff1d(candidates, own))[:6] for own in seen])
    offsets, rows = np.cumsum([0, *map(len, seen)]), np.concatenate(seen)
    found = beyond.popular_place(ranked, popularity, candidates, (offsets, rows))
    slow = [
        [slow_place(r, popularity, candidates, own) for r in top] for top, own in zip(ranked, seen, strict=True)
    ]
    assert found.tolist() == slow
    again = beyond.popular_place(ranked, popularity, candidates, None)
    assert again.tolist() == [[slow_place(r, popularity, candidates, ()) for r in top] for top in ranked]


def test_serendipity_counts_hits_that_popularity_would_not_have_shown():
    hit = np.array([[True, True, False], [False, True, True]])
    place = np.array([[0, 2, 5], [1, 9, 1]])
    assert beyond.serendipity(hit, place, 2).tolist() == [0.5, 0.5]
    assert beyond.serendipity(hit, place, 3).tolist() == [0.0, pytest.approx(1 / 3)]


def test_popularity_itself_is_never_serendipitous():
    candidates, seen = np.arange(6), (np.array([0, 1]), np.array([1]))
    place = beyond.popular_place(lists([0, 2, 3, 4, 5]), POPULARITY, candidates, seen)
    assert place.tolist() == [[0, 1, 2, 3, 4]]
    for k in range(1, 6):
        assert beyond.serendipity(np.ones((1, 5), np.bool_), place, k).tolist() == [0.0]


def slow_gini(counts):
    """Half the relative mean absolute difference."""
    differences = sum(abs(a - b) for a in counts for b in counts)
    return differences / (2 * len(counts) ** 2 * (sum(counts) / len(counts)))


def test_gini_against_its_definition():
    ranked = lists([2, 3], [2, 4], [2, ABSENT])
    candidates = np.array([2, 3, 4, 7])
    assert beyond.gini(ranked, 2, candidates) == pytest.approx(slow_gini([3, 1, 1, 0]))
    assert beyond.gini(lists([2], [3], [4], [7]), 1, candidates) == pytest.approx(0.0)
    assert beyond.gini(lists([2], [2]), 1, candidates) == pytest.approx(1 - 1 / 4)
    assert beyond.gini(lists([ABSENT]), 1, candidates) == 0.0


def test_information_of_two_halves_is_a_bit_each():
    assert beyond.information(np.array([3, 3])).tolist() == [1, 1]
    assert math.isclose(float(beyond.information(np.array([1, 2]))[0]), math.log2(3))
