# SPDX-License-Identifier: Apache-2.0
"""The highest cells of each row, however many are equal."""

from __future__ import annotations

import pytest
import torch
from scipy import sparse

from penchant.models.item_weights import ItemWeights, nearest


@pytest.mark.parametrize("k", [1, 2, 3, 7, 20])
def test_the_highest_cells_the_lower_column_first_among_equals(k):
    chance = torch.Generator().manual_seed(0)
    similar = torch.randint(0, 4, (50, 9), generator=chance).float()
    similar[0] = 0
    similar[1] = 2
    thin = similar * (torch.arange(50)[:, None] % 17 == 0)
    for cells in (similar, thin):
        backwards = sparse.csr_array(cells.numpy()[:, ::-1])
        turned = sparse.csr_array((backwards.data, 8 - backwards.indices, backwards.indptr), shape=cells.shape)
        for given in (sparse.csr_array(cells.numpy()), turned, cells.numpy()):
            found = nearest(given, k).toarray()
            for row, kept in zip(cells.tolist(), found.tolist(), strict=True):
                best = sorted(range(9), key=lambda column: (-row[column], column))[:k]
                assert kept == [value if column in best else 0.0 for column, value in enumerate(row)]


def test_how_they_are_learned_is_left_open():
    assert ItemWeights.__abstractmethods__ == {"solve"}
