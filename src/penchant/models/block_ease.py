# SPDX-License-Identifier: Apache-2.0
"""EASE for catalogues too large for a dense inverse: each item is foretold from its most akin items only.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019 (https://arxiv.org/abs/1905.03375), solved
in blocks in the spirit of the same author's "Markov Random Fields for Collaborative Filtering", NeurIPS 2019
(https://arxiv.org/abs/1910.09645). Items that the same people chose share a block, and a block its candidates; the
inverse of the candidates' own Gram matrix gives the block's columns. With all items as candidates that is EASE.

Shape legend: U users, V item vocabulary, K items that occur, M candidates of a block, B items of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from penchant.models.interactions import interactions
from penchant.models.item_weights import ItemWeights
from penchant.models.recommender import ModelConfig, Range
from penchant.threads import side_by_side

if TYPE_CHECKING:
    from penchant.batch import Users

_DIRECTIONS = 16
"""Singular vectors by which items are told apart where blocks are cut."""


class BlockEASE(ItemWeights):
    """Item-item weights with a zero diagonal, `neighbours` of them to each item."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of EASE in blocks."""

        reg: Annotated[float, msgspec.Meta(gt=0)] = 300.0
        """Weight of the squared norm; grows with the number of users."""
        candidates: Annotated[int, msgspec.Meta(ge=2)] = 1024
        """Items that the items of a block are foretold from; time grows with the cube, memory with the square."""
        block: Annotated[int, msgspec.Meta(ge=1)] = 64
        """Items that share their candidates, and are among them; fewer are more exact and take longer."""
        neighbours: Annotated[int, msgspec.Meta(ge=1)] = 300
        """Weights that an item keeps: those furthest from 0."""
        seed: int = 0
        """Of the decomposition by which blocks are cut."""

    space: ClassVar[dict[str, Range]] = {"reg": Range(1.0, 3000.0, log=True)}
    config: Config

    def solve(self, users: Users) -> None:
        """Cut the catalogue into blocks, and invert for each the Gram matrix of its candidates."""
        matrix = interactions(users, self.sizes.items).tocsc()
        # Narrow numbers: an item keeps hundreds of weights.
        present = np.flatnonzero(np.diff(matrix.indptr)).astype(np.int32)
        matrix = matrix[:, present]
        unit = normalize(matrix, axis=0).tocsc()
        with side_by_side() as each:
            parts = each(lambda members: self._block(matrix, unit, members), self._cut(unit))
        givens, wanted, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        del parts
        places = (present[givens], present[wanted])
        self._weights = sparse.csr_array((values, places), shape=self._weights.shape)

    def _cut(self, unit: sparse.csc_array) -> list[np.ndarray]:
        """Positions [B] of each block: halves of halves, each cut where its items differ most."""
        n = unit.shape[1]
        levels = max(0, int(np.ceil(np.log2(max(n, 1) / self.config.block))))
        rank = min(_DIRECTIONS, min(unit.shape) - 1)
        order = np.arange(n)
        if levels and rank > 0:
            _, _, found = randomized_svd(unit, rank, n_iter=3, random_state=self.config.seed)
            vectors = normalize(found.T)
            for level in range(levels):
                half = np.arange(n) * 2**level // n
                starts = np.flatnonzero(np.diff(half, prepend=-1))
                sizes = np.diff(starts, append=n)[:, None]
                here = vectors[order]
                mean = np.add.reduceat(here, starts) / sizes
                spread = np.add.reduceat(here**2, starts) / sizes - mean**2
                along = np.repeat(spread.argmax(1), sizes[:, 0])
                order = order[np.lexsort((here[np.arange(n), along], half))]
        return np.array_split(order, 2**levels)

    def _block(
        self, matrix: sparse.csc_array, unit: sparse.csc_array, members: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(items that speak, items spoken for, weights) of the weights that lead to the block's items."""
        akin = np.asarray(unit[:, members].sum(axis=1) @ unit).ravel()
        akin[members] = np.inf
        most = min(max(self.config.candidates, len(members)), len(akin))
        candidates = np.sort(np.argsort(-akin, kind="stable")[:most])
        own = np.searchsorted(candidates, members)
        few = matrix[:, candidates]
        shared = torch.from_numpy((few.T @ few).toarray()).double()
        shared.diagonal().add_(self.config.reg)
        asked = torch.zeros(most, len(members), dtype=torch.float64)
        asked[own, np.arange(len(members))] = 1.0
        inverse = torch.cholesky_solve(asked, torch.linalg.cholesky(shared)).numpy()
        weights = -inverse / inverse[own, np.arange(len(members))]
        weights[own, np.arange(len(members))] = 0.0
        keep = min(self.config.neighbours, most)
        rows = np.argsort(-np.abs(weights), axis=0, kind="stable")[:keep]
        columns = np.broadcast_to(members, rows.shape)
        values = np.take_along_axis(weights, rows, axis=0).astype(np.float32)
        return candidates[rows].astype(np.int32).ravel(), columns.astype(np.int32).ravel(), values.ravel()
