# SPDX-License-Identifier: Apache-2.0
"""Item neighbours: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001,
with the shrinkage of Koren's neighbourhood models, and people and items weighed by how much they occur.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from scipy import sparse

from penchant.models.interactions import gram, interactions
from penchant.models.item_weights import ItemWeights, nearest
from penchant.models.recommender import ModelConfig, Range
from penchant.threads import side_by_side

if TYPE_CHECKING:
    from penchant.batch import Users

_CHUNK_CELLS = 2**20
"""Cells of a block of similarities: 4 MiB of float32, and some times as much beside them."""
_WHOLE = 4096
"""The largest vocabulary of items whose similarities are laid out whole: 64 MiB."""


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
        seen.data = np.repeat(np.sqrt(weights), events)
        norms = (seen.T @ np.sqrt(weights)) ** self.config.popularity
        solve = self._dense if self.sizes.items <= _WHOLE else self._sparse
        # Row i lists what i is similar to; a history sums its rows.
        self._weights = sparse.vstack(solve(seen, norms), format="csr")

    def _dense(self, seen: sparse.csr_array, norms: np.ndarray) -> list[sparse.csr_array]:
        """A small catalogue: most pairs of items share somebody."""
        shared = gram(seen)
        np.fill_diagonal(shared, 0.0)

        def block(start: int) -> sparse.csr_array:
            rows = slice(start, start + step)
            return nearest(shared[rows] / (np.outer(norms[rows], norms) + self._shrink), self.config.neighbours)

        step = max(1, _CHUNK_CELLS // len(norms))
        with side_by_side() as each:
            return each(block, range(0, len(norms), step))

    def _sparse(self, seen: sparse.csr_array, norms: np.ndarray) -> list[sparse.csr_array]:
        by_item = seen.T.tocsr()
        # With how many an item shares users, at most.
        others = np.minimum(by_item.sign() @ np.diff(seen.indptr), self.sizes.items)

        def block(rows: tuple[int, int]) -> sparse.csr_array:
            shared = by_item[slice(*rows)] @ seen
            lengths = np.diff(shared.indptr)
            below = norms[shared.indices]
            below *= np.repeat(norms[slice(*rows)], lengths)
            below += self._shrink
            shared.data /= below
            shared.data[np.repeat(np.arange(*rows, dtype=np.int32), lengths) == shared.indices] = 0.0
            return nearest(shared, self.config.neighbours)

        with side_by_side() as each:
            return each(block, pairwise(_edges(others)))

    @property
    def _shrink(self) -> np.float32:
        return np.float32(self.config.shrink + 1e-9)


def _edges(cells: np.ndarray) -> list[int]:
    """Where blocks of rows begin and end, so that the rows of each have about `_CHUNK_CELLS` of `cells` [R]."""
    filled = np.cumsum(cells)
    cuts = np.searchsorted(filled, np.arange(_CHUNK_CELLS, filled[-1], _CHUNK_CELLS))
    edges: list[int] = np.unique(np.concatenate([[0], cuts, [len(cells)]])).tolist()
    return edges
