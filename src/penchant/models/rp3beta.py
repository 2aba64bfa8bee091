# SPDX-License-Identifier: Apache-2.0
"""A random walk of three steps: from a user to an item, on to someone else who had it, and to an item of theirs.

The walk's chances to a power as in P3alpha (Cooper et al., "Random Walks in Recommender Systems: Exact
Computation and Simulations", WWW 2014), and a penalty for items where every walk ends, as in RP3beta (Paudel et
al., "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications", TiiS 2017). All
walks at once, by two products of sparse matrices: what is kept is the graph alone, and no table of items by
items, which here would be a hundred times as large.

Shape legend: B users who ask, U users who were learned from, V item vocabulary, E pairs of user and item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from penchant.models.interactions import interactions
from penchant.models.recommender import ModelConfig, Range, Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users


class RP3Beta(Solved):
    """Where a short walk from the history leads; a stranger walks as anyone does."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a random walk."""

        alpha: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.7
        """Power of the chance of a step, which is 1 / the number of edges to choose from: the lower, the more is
        heard of those with many."""
        beta: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.3
        """Power of an item's number of users by which its score is divided: the higher, the less popular."""

    space: ClassVar[dict[str, Range]] = {"alpha": Range(0.2, 1.2), "beta": Range(0.0, 1.0)}
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._prepare(sparse.csr_array((0, sizes.items), dtype=np.float32))

    def solve(self, users: Users) -> None:
        """Keep who did what."""
        self._prepare(interactions(users, self.sizes.items))

    def _prepare(self, done: sparse.csr_array) -> None:
        """The two products of a walk, out of who did what [U, V]."""
        activity, popularity = np.diff(done.indptr), np.bincount(done.indices, minlength=self.sizes.items)
        self._done = done
        # [V, U]: from an item to its users, and on to any one of a user's items.
        self._onward = done.T.tocsr()
        chance = _power(popularity, -self.config.alpha)
        self._onward.data = np.repeat(chance, np.diff(self._onward.indptr))
        self._onward.data *= _power(activity, -self.config.alpha)[self._onward.indices]
        # [U, V]: from a user to an item, less what is everyone's.
        self._arriving = done.copy()
        self._arriving.data = _power(popularity, -self.config.beta)[done.indices]

    def _walk(self, starts: sparse.csr_array) -> np.ndarray:
        """[R, V] float32: what arrives at each item of all that sets out at the items of a row [R, V]."""
        found: np.ndarray = (starts @ self._onward @ self._arriving).toarray()
        return found

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: how many of the walks that begin at the history end at each item, at its discount."""
        return torch.from_numpy(self._walk(interactions(users, self.sizes.items)))[:, items.ids]

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: how many of the walks from one item end at the other."""
        starts = sparse.eye_array(self.sizes.items, format="csr", dtype=np.float32)[given.ids.numpy()]
        return torch.from_numpy(self._walk(starts))[:, wanted.ids]

    def state(self) -> dict[str, Tensor]:
        """Who did what: row offsets and columns."""
        return {
            "offsets": torch.from_numpy(self._done.indptr.astype(np.int64)),
            "columns": torch.from_numpy(self._done.indices.astype(np.int32)),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up who did what."""
        offsets, columns = state["offsets"].numpy(), state["columns"].numpy()
        shape = (len(offsets) - 1, self.sizes.items)
        self._prepare(sparse.csr_array((np.ones(len(columns), np.float32), columns, offsets), shape=shape))


def _power(counts: np.ndarray, exponent: float) -> np.ndarray:
    """[R] float32: counts to a power; where there are none, 1, which nothing is multiplied by."""
    powers: np.ndarray = np.maximum(counts, 1).astype(np.float32) ** exponent
    return powers
