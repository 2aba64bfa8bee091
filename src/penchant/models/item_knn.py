# SPDX-License-Identifier: Apache-2.0
"""Item neighbours: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001,
with the shrinkage of Koren's neighbourhood models, and people and items weighed by how much they occur.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from scipy import sparse

from penchant.models.interactions import interactions
from penchant.models.item_weights import ItemWeights, nearest
from penchant.models.recommender import ModelConfig, Range

if TYPE_CHECKING:
    from penchant.batch import Users

_CHUNK_CELLS = 2**25
"""Cells of the dense similarity block held at once: 128 MiB of float32."""


class ItemKNN(ItemWeights):
    """Cosine between the items' user sets, shrunk where few users share both, kept for the nearest only."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of item neighbours."""

        neighbours: Annotated[int, msgspec.Meta(ge=1)] = 50
        """How many neighbours an item keeps."""
        shrink: Annotated[float, msgspec.Meta(ge=0)] = 10.0
        """Added to the denominator: distrust of pairs that few users share."""
        popularity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
        """Power of the items' numbers of users in the denominator: 0.5 is the cosine, less favours the popular."""
        activity: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.0
        """How much less a user says who has many events: the power of their number that divides their weight."""

    space: ClassVar[dict[str, Range]] = {
        "neighbours": Range(10, 1000, log=True),
        "shrink": Range(0.1, 1000.0, log=True),
        "popularity": Range(0.2, 0.7),
        "activity": Range(0.0, 1.0),
    }
    config: Config

    def solve(self, users: Users) -> None:
        """Similarities block by block, so that memory does not grow with the square of the catalogue."""
        seen = interactions(users, self.sizes.items)
        events = np.diff(seen.indptr)
        weights = np.maximum(events, 1).astype(np.float32) ** -self.config.activity
        # Scaled to a mean of one event, so that `shrink` counts events whatever `activity` is.
        weights *= events.sum() / max(float((weights * events).sum()), 1e-9)
        weighed = seen.copy()
        weighed.data = np.repeat(weights.astype(np.float32), events)
        weighed, seen = weighed.tocsc(), seen.tocsc()
        norms = weighed.sum(axis=0).astype(np.float32) ** self.config.popularity
        n = self.sizes.items
        step = max(1, _CHUNK_CELLS // n)
        blocks = [self._block(weighed, seen, norms, slice(start, start + step)) for start in range(0, n, step)]
        # Row i lists what i is similar to; a history sums its rows.
        self._weights = sparse.vstack(blocks, format="csr").astype(np.float32)

    def _block(
        self, weighed: sparse.csc_array, seen: sparse.csc_array, norms: np.ndarray, rows: slice
    ) -> sparse.csr_array:
        shared = (weighed[:, rows].T @ seen).tocsr()
        items = np.repeat(np.arange(len(norms))[rows], np.diff(shared.indptr))
        shared.data /= norms[items] * norms[shared.indices] + self.config.shrink + 1e-9
        shared.data[items == shared.indices] = 0.0
        return nearest(shared, self.config.neighbours)
