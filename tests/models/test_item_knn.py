# SPDX-License-Identifier: Apache-2.0
"""ItemKNN against a dense computation, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import worlds
from penchant.models import item_knn
from penchant.models.interactions import interactions
from penchant.models.item_knn import ItemKNN


def dense(users, n_items, neighbours, shrink):
    """[V, V]: row i holds the similarities that item i keeps, the lower index first among equals."""
    x = interactions(users, n_items).toarray().astype(np.float64)
    norms = np.sqrt(x.sum(0))
    similar = (x.T @ x) / (np.outer(norms, norms) + shrink + 1e-9)
    np.fill_diagonal(similar, 0)
    for row in similar:
        row[sorted(range(n_items), key=lambda j: (-row[j].astype(np.float32), j))[neighbours:]] = 0
    return similar


@pytest.mark.parametrize(("whole", "cells"), [(0, 1), (0, 150), (0, 2**25), (4096, 2**25)])
@pytest.mark.parametrize(("neighbours", "shrink"), [(200, 10.0), (200, 0.0), (4, 2.0), (1, 0.0)])
def test_similarities_are_the_dense_ones(monkeypatch, whole, cells, neighbours, shrink):
    monkeypatch.setattr(item_knn, "_CHUNK_CELLS", cells)
    monkeypatch.setattr(item_knn, "_WHOLE", whole)
    one = worlds.train("popularity", worlds.checkerboard())
    users, items = one.everyone(), one.pipeline.catalogue.items
    model = ItemKNN(ItemKNN.Config(neighbours=neighbours, shrink=shrink), one.space.sizes)
    model.solve(users)
    similar = dense(users, one.space.sizes.items, neighbours, shrink)
    wanted = similar[items.ids.numpy()][:, items.ids.numpy()]
    np.testing.assert_allclose(model.affinity(items, items).numpy(), wanted, atol=1e-6)
    x = interactions(users, one.space.sizes.items).toarray()
    np.testing.assert_allclose(
        model.score(users, items).numpy(), (x @ similar)[:, items.ids.numpy()], rtol=1e-5, atol=1e-5
    )


def test_no_item_keeps_more_neighbours_than_asked_for():
    one = worlds.train("popularity", worlds.checkerboard())
    model = ItemKNN(ItemKNN.Config(neighbours=3), one.space.sizes)
    model.solve(one.everyone())
    offsets = model.state()["offsets"]
    assert int((offsets[1:] - offsets[:-1]).max()) == 3


@pytest.mark.parametrize("whole", [0, 4096])
def test_the_busy_say_less_where_activity_counts(monkeypatch, whole):
    monkeypatch.setattr(item_knn, "_WHOLE", whole)
    one = worlds.train("popularity", worlds.checkerboard())
    events = worlds.table(*((1, 500 + n, n) for n in range(8)), (2, 500, 1), (2, 508, 2))
    users, items = one.users([1, 2], events), one.pipeline.catalogue.items
    plain, damped = (
        ItemKNN(ItemKNN.Config(shrink=0.0, popularity=0.0, activity=activity), one.space.sizes)
        for activity in (0.0, 1.0)
    )
    plain.solve(users)
    damped.solve(users)
    first = items.take(torch.tensor([0]))
    near = [model.affinity(first, items)[0, [1, 8]].tolist() for model in (plain, damped)]
    assert near[0] == [1.0, 1.0]
    # Eight events of one user, two of the other: they say an eighth and a half, in the proportion that keeps ten.
    assert near[1] == pytest.approx([10 / 2 / 8, 10 / 2 / 2])
