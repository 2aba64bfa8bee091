# SPDX-License-Identifier: Apache-2.0
"""Items that are like each other: known from a checkerboard, and from training users alone."""

from __future__ import annotations

import torch

import worlds
from penchant.batch import History, Items, Sizes, Users
from penchant.features.space import FeatureSpace
from penchant.models.alike import alike
from penchant.models.item_knn import ItemKNN


def users(pasts, ids):
    flat = torch.tensor([row for past in pasts for row in past])
    return Users(
        ids=torch.arange(len(pasts)),
        history=History(
            offsets=torch.tensor([0, *map(len, pasts)]).cumsum(0),
            rows=flat,
            actions=flat,
            times=flat,
            values=flat.float(),
        ),
        catalogue=Items(ids=torch.tensor(ids)),
    )


def test_by_hand():
    # Rows 0 and 1 are done together, and 1 and 2; row 3 by itself. Ids stand in another order than rows.
    some = users([[0, 1], [0, 1], [1, 2], [3], [3]], [5, 3, 2, 4])
    found = alike(some, Sizes(items=6, users=2, actions=2), 2)
    assert [sorted(row) for row in found.tolist()] == [[0, 1], [0, 2], [1, 2], [3, 3]]
    assert found.dtype == torch.int64


def test_items_that_training_never_saw_are_like_nothing():
    some = users([[0, 1, 2], [0, 1, 2]], [2, 3, 1, 1])
    found = alike(some, Sizes(items=4, users=2, actions=2), 1)
    assert found.tolist() == [[1], [0], [2], [3]]


def test_a_checkerboard_is_seen():
    data = worlds.checkerboard()
    space = FeatureSpace.fit(data, data.events)
    everyone = space.users(data.events["user_id"].unique(), data.events, space.catalogue(data.items), data.users)
    found = alike(everyone, space.sizes, 5)
    assert found.shape == (worlds.ITEMS + worlds.COLD, 5)
    rows = torch.arange(worlds.ITEMS + worlds.COLD)[:, None]
    assert (found % worlds.GROUPS == rows % worlds.GROUPS).all()
    assert (found[-worlds.COLD :] == rows[-worlds.COLD :]).all()
    # They are those of item_knn.
    model = ItemKNN(ItemKNN.Config(neighbours=5), space.sizes)
    model.solve(everyone)
    items = everyone.catalogue
    weights = model.affinity(items, items)
    named = torch.zeros_like(weights).scatter_(1, found, 1.0)
    named.fill_diagonal_(0)
    assert torch.equal(named > 0, weights > 0)
