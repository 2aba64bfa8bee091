# SPDX-License-Identifier: Apache-2.0
"""What models have in common whose learning is a sparse matrix of weights from item to item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from penchant.models.interactions import interactions
from penchant.models.recommender import Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users


class ItemWeights(Solved):
    """A list is the sum over the history of rows of a sparse matrix [V, V], V the item vocabulary's size."""

    def __init__(self, config: Any, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._weights = sparse.csr_array((sizes.items, sizes.items), dtype=np.float32)

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: the history's weights summed."""
        past = interactions(users, self.sizes.items)
        scores = (past @ self._weights).toarray().astype(np.float32, copy=False)
        return torch.from_numpy(scores)[:, items.ids]

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: the weight kept from one item to the other."""
        rows = self._weights[given.ids.numpy()].toarray()
        return torch.from_numpy(rows)[:, wanted.ids]

    def state(self) -> dict[str, Tensor]:
        """The sparse weights: row offsets, columns, values."""
        return {
            "offsets": torch.from_numpy(self._weights.indptr.astype(np.int64)),
            "columns": torch.from_numpy(self._weights.indices.astype(np.int64)),
            "values": torch.from_numpy(self._weights.data),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the weights."""
        parts = tuple(state[name].numpy() for name in ("values", "columns", "offsets"))
        self._weights = sparse.csr_array(parts, shape=(self.sizes.items, self.sizes.items))


def nearest(similar: sparse.csr_array, k: int) -> sparse.csr_array:
    """The k highest cells of each row [R, C] that are above 0; among equal ones, those of the lower columns."""
    similar.sort_indices()
    # Rows are cut to the cells that are there: in a large catalogue most pairs share nobody.
    lengths = np.diff(similar.indptr)
    inside = np.arange(max(int(lengths.max(initial=0)), 1)) < lengths[:, None]
    cells = torch.zeros(inside.shape)
    cells[torch.from_numpy(inside)] = torch.from_numpy(similar.data)
    columns = np.zeros(inside.shape, dtype=np.int64)
    columns[inside] = similar.indices
    values, places = cells.topk(min(k + 1, cells.shape[1]), dim=1)
    if k < cells.shape[1]:
        # A library's top-k leaves to chance which of several equal cells is cut off: those rows are sorted.
        unclear = torch.nonzero((values[:, k] == values[:, k - 1]) & (values[:, k] > 0)).squeeze(1)
        values, places = values[:, :k], places[:, :k]
        places[unclear] = torch.argsort(cells[unclear], dim=1, descending=True, stable=True)[:, :k]
    kept = (values > 0).numpy()
    rows = np.broadcast_to(np.arange(len(kept))[:, None], kept.shape)[kept]
    found = np.take_along_axis(columns, places.numpy(), axis=1)[kept]
    return sparse.csr_array((values.numpy()[kept], (rows, found)), shape=similar.shape)
