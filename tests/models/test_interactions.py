# SPDX-License-Identifier: Apache-2.0
"""Who did what, as a matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from penchant.batch import History, Items, Users
from penchant.models.interactions import gram, interactions


def users(pasts, ids):
    """Users whose histories hold the given catalogue rows; `ids` is the vocabulary index of each row."""
    flat = torch.tensor([row for past in pasts for row in past], dtype=torch.int64)
    return Users(
        ids=torch.ones(len(pasts), dtype=torch.int64),
        history=History(
            offsets=torch.tensor([0, *map(len, pasts)]).cumsum(0),
            rows=flat,
            actions=torch.full_like(flat, 2),
            times=torch.arange(len(flat)),
            values=torch.zeros(len(flat)),
        ),
        catalogue=Items(ids=torch.tensor(ids)),
    )


def test_repeats_count_once_and_unknown_items_never():
    found = interactions(users([[0, 0, 2], [], [1, 3]], [4, 1, 2, 0]), 5)
    assert found.toarray().tolist() == [[0, 0, 1, 0, 1], [0] * 5, [0] * 5]
    assert found.dtype == np.float32


def test_nobody():
    assert interactions(users([], [2]), 3).shape == (0, 3)


@pytest.mark.parametrize("columns", [1, 3, 50])
def test_what_goes_with_what(columns):
    chance = np.random.default_rng(0)
    dense = (chance.random((40, columns)) < 0.3) * chance.integers(1, 4, (40, 1))
    found = gram(sparse.csr_array(dense.astype(np.float32)))
    assert found.dtype == np.float32
    assert found.tolist() == (dense.T @ dense).tolist()
