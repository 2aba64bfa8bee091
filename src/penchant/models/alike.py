# SPDX-License-Identifier: Apache-2.0
"""Items that are like each other since the same people did them, for training that puts one in another's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from penchant.models.item_knn import ItemKNN

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Sizes, Users


def alike(users: Users, sizes: Sizes, k: int) -> Tensor:
    """The items nearest to each, by the shrunken cosine of `item_knn`, computed block by block.

    Args:
        users: those who are learned from, and nobody else.
        sizes: of the feature space.
        k: how many an item has at most.

    Returns:
        [N, k] int64 rows of `users.catalogue`, in no order; the item's own row fills up where fewer are alike.
    """
    model = ItemKNN(ItemKNN.Config(neighbours=k), sizes)
    model.solve(users)
    state = model.state()
    catalogue = users.catalogue.ids
    # Items that are known have an id of their own; all others share one, and are like nothing.
    rows = torch.zeros(sizes.items, dtype=torch.int64)
    rows[catalogue] = torch.arange(len(catalogue))
    owners = torch.repeat_interleave(torch.arange(sizes.items), state["offsets"].diff())
    places = torch.arange(len(owners)) - state["offsets"][owners]
    found = torch.arange(len(catalogue))[:, None].repeat(1, k)
    found[rows[owners], places] = rows[state["columns"]]
    return found
