# SPDX-License-Identifier: Apache-2.0
"""User neighbours: Resnick et al., "GroupLens: an open architecture for collaborative filtering of netnews",
CSCW 1994, for events without stars: the cosine of what two users did, shrunk where they share little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from penchant.models.interactions import interactions
from penchant.models.item_weights import nearest
from penchant.models.recommender import ModelConfig, Range, Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_CHUNK_CELLS = 2**22
"""Cells of a block of similarities: 16 MiB of float32, and some times as much beside them."""


class UserKNN(Solved):
    """What those did who did the same; a stranger's history is compared as anyone's."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of user neighbours."""

        neighbours: Annotated[int, msgspec.Meta(ge=1)] = 50
        """How many other users are listened to."""
        shrink: Annotated[float, msgspec.Meta(ge=0)] = 10.0
        """Added to the denominator: distrust of those who share little."""
        popularity: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.0
        """How much less a shared item says that many did: the power of their number that divides its weight."""

    space: ClassVar[dict[str, Range]] = {
        "neighbours": Range(10, 1000, log=True),
        "shrink": Range(0.1, 100.0, log=True),
        "popularity": Range(0.0, 1.0),
    }
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        # A row for each of the user vocabulary, so that a known user is not a neighbour of their own.
        self._seen = sparse.csr_array((sizes.users, sizes.items), dtype=np.float32)
        self._prepare()

    def solve(self, users: Users) -> None:
        """Keep what everyone did."""
        seen = interactions(users, self.sizes.items).tocoo()
        people = users.ids.numpy()[seen.coords[0]]
        self._seen = sparse.csr_array((seen.data, (people, seen.coords[1])), shape=self._seen.shape)
        self._prepare()

    def _prepare(self) -> None:
        """What is the same for every request."""
        popularity = np.bincount(self._seen.indices, minlength=self.sizes.items)
        self._worth = np.maximum(popularity, 1).astype(np.float32) ** -self.config.popularity
        # Scaled to a mean of one event, so that `shrink` counts events whatever `popularity` is.
        self._worth *= popularity.sum() / max(float((self._worth * popularity).sum()), 1e-9)
        self._norms = np.sqrt(self._seen @ self._worth)
        self._by_item = self._seen.T.tocsr()

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: the similarities of the neighbours who did each item, summed."""
        past = interactions(users, self.sizes.items)
        past.data = self._worth[past.indices]
        norms = np.sqrt(past.sum(axis=1)).astype(np.float32)
        step = max(1, _CHUNK_CELLS // self.sizes.users)
        scores = torch.zeros(len(users), len(items))
        for start in range(0, len(users), step):
            rows = slice(start, start + step)
            similar = (past[rows] @ self._by_item).tocsr()
            lengths, others = np.diff(similar.indptr), similar.indices
            similar.data /= np.repeat(norms[rows], lengths) * self._norms[others] + self.config.shrink + 1e-9
            similar.data[others == np.repeat(users.ids[rows].numpy(), lengths)] = 0.0
            near = nearest(similar, self.config.neighbours)
            found = (near @ self._seen).toarray().astype(np.float32, copy=False)
            scores[rows] = torch.from_numpy(found)[:, items.ids]
        return scores

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: cosine of the two items' users."""
        rows, others = self._by_item[given.ids.numpy()], self._by_item[wanted.ids.numpy()]
        shared = (rows @ others.T).toarray()
        shared /= np.sqrt(rows.sum(axis=1))[:, None] * np.sqrt(others.sum(axis=1))[None, :] + 1e-9
        return torch.from_numpy(shared.astype(np.float32))

    def state(self) -> dict[str, Tensor]:
        """Who did what: row offsets and columns."""
        return {
            "offsets": torch.from_numpy(self._seen.indptr.astype(np.int64)),
            "columns": torch.from_numpy(self._seen.indices.astype(np.int64)),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up who did what."""
        columns = state["columns"].numpy()
        parts = (np.ones(len(columns), np.float32), columns, state["offsets"].numpy())
        self._seen = sparse.csr_array(parts, shape=self._seen.shape)
        self._prepare()
