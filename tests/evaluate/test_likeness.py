# SPDX-License-Identifier: Apache-2.0
"""Diversity: by hand, and against the mean over all pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from penchant.batch import Items
from penchant.evaluate import likeness
from penchant.evaluate.metrics import ABSENT


def catalogue(**changes):
    parts = {
        "ids": torch.arange(2, 6),
        "features": {
            "genre": torch.tensor([2, 2, 3, 1]),
            "tags": torch.tensor([[2, 3], [2, 0], [4, 0], [0, 0]]),
            "year": torch.tensor([0.1, 0.2, 0.3, 0.4]),
        },
    }
    return Items(**parts | changes)


def test_by_hand():
    items = likeness.likeness(catalogue())
    ranked = np.array([[0, 1, 2], [1, 0, ABSENT], [2, ABSENT, ABSENT], [3, 0, 1]])
    # Same genre (1), and one of two tags shared (1/sqrt 2), each half of the vector; the third shares nothing.
    pair = 1 - (1 + 1 / np.sqrt(2)) / 2
    assert likeness.diversity(ranked, items, 3) == pytest.approx([(pair + 1 + 1) / 3, pair, 0.0, pair])
    assert likeness.diversity(ranked, items, 1).tolist() == [0.0] * 4


def test_content_and_features_against_all_pairs(monkeypatch):
    random = np.random.default_rng(1)
    vectors = torch.from_numpy(random.normal(size=(40, 5)).astype(np.float32))
    present = torch.from_numpy(random.random(40) < 0.7)
    vectors[~present] = 0
    genre = torch.from_numpy(random.integers(0, 5, 40))
    items = Items(ids=torch.arange(40), features={"genre": genre}, content={"text": (vectors, present)})
    ranked = np.stack([random.permutation(40)[:8] for _ in range(30)])
    whole = []
    for top in ranked:
        rows = [r for r in top if present[r] or genre[r] > 1]
        gaps = []
        for a, b in combinations(rows, 2):
            parts = [int(present[r]) + int(genre[r] > 1) for r in (a, b)]
            dot = float(genre[a] == genre[b] and genre[a] > 1)
            if present[a] and present[b]:
                dot += float(torch.nn.functional.cosine_similarity(vectors[a], vectors[b], dim=0))
            gaps.append(1 - dot / np.sqrt(parts[0] * parts[1]))
        whole.append(np.mean(gaps))
    alike = likeness.likeness(items)
    assert likeness.diversity(ranked, alike, 8) == pytest.approx(whole, abs=1e-6)
    monkeypatch.setattr(likeness, "CHUNK", 7)
    assert likeness.diversity(ranked, alike, 8) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    "features", [{}, {"year": torch.zeros(4)}, {"genre": torch.ones(4, dtype=torch.int64)}], ids=str
)
def test_a_catalogue_that_says_nothing_of_its_items_has_no_blocks(features):
    assert likeness.likeness(catalogue(features=features)) is None


def test_no_lists_no_numbers():
    assert likeness.diversity(np.zeros((0, 3), np.int64), likeness.likeness(catalogue()), 2).shape == (0,)
