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


@pytest.mark.parametrize("k", [1, 4, 30, 400])
def test_what_falls_before_the_choice_was_not_to_be_chosen(k):
    chance = torch.Generator().manual_seed(1)
    similar = torch.rand(60, 301, generator=chance) * (torch.rand(60, 301, generator=chance) < 0.4)
    # Many equal cells, rows of any length, and empty ones first, last and in between.
    similar[10:20] = similar[10:20].ceil()
    similar[20:40, 30:] = 0
    similar[[0, 7, 59]] = 0
    for given in (similar.numpy(), sparse.csr_array(similar.numpy())):
        order = (-similar).argsort(dim=1, stable=True)[:, :k]
        wanted = torch.zeros_like(similar).scatter(1, order, similar.gather(1, order))
        assert torch.equal(torch.from_numpy(nearest(given, k).toarray()), wanted)


def test_where_nothing_is_similar_nothing_is_near():
    assert nearest(sparse.csr_array((3, 5), dtype="float32"), 2).nnz == 0


def test_how_they_are_learned_is_left_open():
    assert ItemWeights.__abstractmethods__ == {"solve"}
