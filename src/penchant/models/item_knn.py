# SPDX-License-Identifier: Apache-2.0
"""Item neighbours: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001,
with the shrinkage of Koren's neighbourhood models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from penchant.models.interactions import interactions
from penchant.models.recommender import ModelConfig, Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_CHUNK_CELLS = 2**25
"""Cells of the dense similarity block held at once: 128 MiB of float32."""


class ItemKNN(Solved):
    """Cosine between the items' user sets, shrunk where few users share both, kept for the nearest only."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of item neighbours."""

        neighbours: Annotated[int, msgspec.Meta(ge=1)] = 200
        """How many neighbours an item keeps."""
        shrink: Annotated[float, msgspec.Meta(ge=0)] = 10.0
        """Added to the denominator: distrust of pairs that few users share."""

    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._similar = sparse.csr_array((sizes.items, sizes.items), dtype=np.float32)

    def solve(self, users: Users) -> None:
        """Similarities block by block, so that memory does not grow with the square of the catalogue."""
        matrix = interactions(users, self.sizes.items).tocsc()
        norms = np.sqrt(matrix.sum(axis=0))
        n = self.sizes.items
        step = max(1, _CHUNK_CELLS // n)
        blocks = [self._block(matrix, norms, start, min(start + step, n)) for start in range(0, n, step)]
        # Row i lists what i is similar to; a history sums its rows.
        self._similar = sparse.vstack(blocks, format="csr").astype(np.float32)

    def _block(self, matrix: sparse.csc_array, norms: np.ndarray, start: int, end: int) -> sparse.csr_array:
        shared = (matrix[:, start:end].T @ matrix).toarray()
        shared /= norms[start:end, None] * norms[None, :] + self.config.shrink + 1e-9
        np.fill_diagonal(shared[:, start:end], 0.0)
        k = self.config.neighbours
        if k < shared.shape[1]:
            # Equal similarities are parted by the lower index: stable, whatever the library's order.
            order = np.argsort(-shared, axis=1, kind="stable")[:, k:]
            np.put_along_axis(shared, order, 0.0, axis=1)
        return sparse.csr_array(shared)

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: the history's similarities summed."""
        past = interactions(users, self.sizes.items)
        scores = (past @ self._similar).toarray().astype(np.float32, copy=False)
        return torch.from_numpy(scores)[:, items.ids]

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: the similarity kept from one item to the other."""
        rows = self._similar[given.ids.numpy()].toarray()
        return torch.from_numpy(rows)[:, wanted.ids]

    def state(self) -> dict[str, Tensor]:
        """The sparse similarities: row offsets, columns, values."""
        return {
            "offsets": torch.from_numpy(self._similar.indptr.astype(np.int64)),
            "columns": torch.from_numpy(self._similar.indices.astype(np.int64)),
            "values": torch.from_numpy(self._similar.data),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the similarities."""
        parts = tuple(state[name].numpy() for name in ("values", "columns", "offsets"))
        self._similar = sparse.csr_array(parts, shape=(self.sizes.items, self.sizes.items))
