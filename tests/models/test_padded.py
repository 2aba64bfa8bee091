# SPDX-License-Identifier: Apache-2.0
"""Every row of a sparse matrix comes once, whole, in a block of its like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from penchant.models import padded


def matrix(lengths):
    """Rows of so many ones, from the left."""
    dense = np.arange(max([*lengths, 1])) < np.array(lengths)[:, None]
    return sparse.csr_array(dense.astype(np.float32))


@pytest.mark.parametrize("cells", [1, 7, 12, 1000])
def test_rows_come_back_whole(cells):
    lengths = [3, 0, 5, 1, 1, 4, 0, 2]
    found = padded.blocks(matrix(lengths), cells)
    rows = {}
    for block in found:
        for row, columns in zip(block.rows.tolist(), block.columns.tolist(), strict=True):
            assert row not in rows
            rows[row] = columns
    assert {row: [c for c in columns if c] for row, columns in rows.items()} == {
        row: list(range(1, n + 1)) for row, n in enumerate(lengths) if n
    }
    widths = [block.columns.shape[1] for block in found]
    assert widths == sorted(widths)
    assert all(block.columns.numel() <= cells or len(block.rows) == 1 for block in found)


def test_blocks_are_as_large_as_they_may_be():
    found = padded.blocks(matrix([2, 2, 2, 3, 3]), 6)
    assert [block.rows.tolist() for block in found] == [[0, 1, 2], [3, 4]]


def test_nothing_in_nothing_out():
    assert padded.blocks(matrix([0, 0]), 10) == []
