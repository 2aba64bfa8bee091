# SPDX-License-Identifier: Apache-2.0
"""Rows of different lengths as rectangles: blocks of rows of similar length, so little of a block is padding.

Shape legend: R rows, B rows of a block, L the longest row of a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some rows of a sparse matrix.

    Attributes:
        rows: [B] int64, which rows.
        columns: [B, L] int32, their columns plus 1; 0 where padded.
    """

    rows: Tensor
    columns: Tensor


def blocks(matrix: sparse.csr_array, cells: int) -> list[Block]:
    """All rows that are not empty, shortest first.

    Args:
        matrix: [R, C].
        cells: how many cells (B times L) a block may have; a longer row is a block by itself.
    """
    lengths = np.diff(matrix.indptr)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    found = []
    start = 0
    while start < len(order):
        # Rows come by length, so a block is as wide as its last one; no more than `most` can fit.
        most = max(1, cells // int(lengths[order[start]]))
        widths = lengths[order[start : start + most]]
        fits = np.searchsorted(widths * np.arange(1, len(widths) + 1), cells, side="right")
        rows = order[start : start + max(1, int(fits))]
        found.append(_block(matrix, rows, lengths[rows]))
        start += len(rows)
    return found


def _block(matrix: sparse.csr_array, rows: np.ndarray, lengths: np.ndarray) -> Block:
    steps = np.arange(lengths[-1])
    inside = steps < lengths[:, None]
    places = np.where(inside, matrix.indptr[rows][:, None] + steps, 0)
    columns = np.where(inside, matrix.indices[places] + 1, 0)
    return Block(rows=torch.from_numpy(rows), columns=torch.from_numpy(columns.astype(np.int32)))
