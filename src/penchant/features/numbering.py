# SPDX-License-Identifier: Apache-2.0
"""Raw ids to rows, millions at a time, by the quickest way that the ids allow.

Whole numbers that lie close together, as most systems hand them out, are looked up in a table over their range:
for millions of ids tens of times as fast as a join. Text, and numbers that are far apart, are joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.features.aggregates.grouped import Ints

_SPREAD = 8
"""Places of the table for each id, at most: 32 bytes."""
_SMALL = 2**20
"""So many places are always worth it."""


class Numbering:
    """Which row each id has: its place among those that came.

    Args:
        ids: distinct, without nulls; the first gets row 0.
    """

    def __init__(self, ids: pl.Series) -> None:
        self._ids = ids.rename("id")
        self._low = 0
        self._table = self._laid_out()

    def __len__(self) -> int:
        return len(self._ids)

    def rows(self, ids: pl.Series) -> Ints:
        """[n] int64: the row of each id; -1 for one that is not here, and for null."""
        if not len(self):
            return np.full(len(ids), -1)
        if self._table is None or not ids.dtype.is_integer() or ids.null_count():
            numbered = pl.DataFrame([self._ids, pl.int_range(len(self), eager=True).alias("row")])
            found = ids.to_frame("id").join(numbered, on="id", how="left", maintain_order="left")["row"]
            return found.fill_null(-1).to_numpy()
        raw = ids.cast(pl.Int64).to_numpy()
        inside = (raw >= self._low) & (raw <= self._low + len(self._table) - 1)
        if inside.all():
            whole: Ints = self._table[raw - self._low].astype(np.int64)
            return whole
        rows = np.full(len(raw), -1)
        rows[inside] = self._table[raw[inside] - self._low]
        return rows

    def grow(self, ids: pl.Series) -> Ints:
        """[n] int64: the row of each id; new ones get the next rows, in the order in which they come.

        Args:
            ids: without nulls.
        """
        rows = self.rows(ids)
        missing = rows < 0
        if not missing.any():
            return rows
        fresh = ids.filter(pl.Series(missing)).unique(maintain_order=True).rename("id")
        self._ids = pl.concat([self._ids, fresh]) if len(self) else fresh
        self._table = self._laid_out()
        return self.rows(ids)

    def _laid_out(self) -> NDArray[np.int32] | None:
        """The row of each number from the least id to the greatest, -1 between; None where that is a waste."""
        if not self._ids.dtype.is_integer() or not len(self):
            return None
        raw = self._ids.cast(pl.Int64).to_numpy()
        self._low = int(raw.min())
        width = int(raw.max()) - self._low + 1
        if width > max(_SPREAD * len(raw), _SMALL):
            return None
        table = np.full(width, -1, np.int32)
        table[raw - self._low] = np.arange(len(raw), dtype=np.int32)
        return table
