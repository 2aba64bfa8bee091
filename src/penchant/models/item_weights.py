# SPDX-License-Identifier: Apache-2.0
"""What models have in common whose learning is a sparse matrix of weights from item to item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from penchant.models.interactions import interactions
from penchant.models.recommender import Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_LOW = 2**31 - 1
_GROUPS = 2
"""Of a row's cells the highest are looked for among so many groups for each that is wanted."""


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


def nearest(similar: sparse.csr_array | np.ndarray, k: int) -> sparse.csr_array:
    """The k highest cells of each row [R, C] that are above 0; among equal ones, those of the lower columns.

    Args:
        similar: float32, none below 0; if sparse, its columns in any order, none twice in a row.
        k: at least 1.
    """
    n_rows, n_columns = similar.shape
    if isinstance(similar, np.ndarray):
        values, offsets = similar.ravel(), np.arange(n_rows + 1) * n_columns
    else:
        values, offsets = similar.data, similar.indptr
    # Where the two are many, nearly all cells fall here, before anything is made of them.
    places = np.flatnonzero(values >= np.repeat(_bounds(values, offsets, k), np.diff(offsets)))
    columns = places % n_columns if isinstance(similar, np.ndarray) else similar.indices[places]
    offsets = np.searchsorted(places, offsets)
    # The 0 at the end is what rows are filled up with.
    packed = functional.pad(_pack(torch.from_numpy(values[places]), torch.from_numpy(columns)), (0, 1))
    starts, lengths = torch.from_numpy(offsets[:-1]), torch.from_numpy(np.diff(offsets))
    # Rows of similar length share a rectangle, so that less than half of it is padding.
    levels = np.frexp(lengths.numpy())[1]
    parts = []
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        steps = torch.arange(max(int(lengths[rows].max()), 1))
        cells = torch.where(steps < lengths[rows, None], starts[rows, None] + steps, len(packed) - 1)
        parts.append(_highest(rows, packed[cells], k))
    owners, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sparse.csr_array((values, (owners, columns)), shape=similar.shape)


def _bounds(values: np.ndarray, offsets: np.ndarray, k: int) -> np.ndarray:
    """[R]: of each row of `values` a number that k of its cells or more reach, or 0.

    A row is cut into groups of cells beside each other; that of the highest of each the k-th highest is such a
    number is plain, and that few other cells reach it, likely.
    """
    found = np.zeros(len(offsets) - 1, dtype=values.dtype)
    # An empty row would borrow a cell of the next one.
    some = np.flatnonzero(np.diff(offsets))
    if not len(some):
        return found
    starts, lengths = offsets[some], offsets[some + 1] - offsets[some]
    long = lengths > _GROUPS * k
    widths = np.where(long, lengths // (_GROUPS * k), lengths)
    groups = -(-lengths // widths)
    steps = np.arange(groups.sum()) - np.repeat(groups.cumsum() - groups, groups)
    highest = np.maximum.reduceat(values, np.repeat(starts, groups) + steps * np.repeat(widths, groups))
    tall = np.zeros((long.sum(), groups.max()), dtype=values.dtype)
    tall[np.arange(groups.max()) < groups[long, None]] = highest[np.repeat(long, groups)]
    if len(tall):
        found[some[long]] = torch.from_numpy(tall).topk(k, dim=1).values[:, -1].numpy()
    return found


def _pack(values: Tensor, columns: Tensor) -> Tensor:
    """Of each cell one int64 that orders as (value, lower column first) does; no two of a row are equal.

    A library's top-k leaves to chance which of several equal cells is cut off. The bits of a float32 order as an
    integer where it is not negative.
    """
    return (values.view(torch.int32).to(torch.int64) << 32).bitwise_or_(_LOW - columns)


def _highest(rows: np.ndarray, packed: Tensor, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, column, value) of the highest cells of each row [R, L]."""
    best = packed.topk(min(k, packed.shape[1]), dim=1).values
    values = (best >> 32).to(torch.int32).view(torch.float32).numpy()
    kept = values > 0
    columns = (_LOW - (best & _LOW)).numpy()
    return np.broadcast_to(rows[:, None], kept.shape)[kept], columns[kept], values[kept]
