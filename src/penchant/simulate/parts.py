# SPDX-License-Identifier: Apache-2.0
"""A table that is too long for memory, written in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

PART_ROWS = 1_000_000
ACTIONS, IMPRESSIONS = "actions", "impressions"
"""The two halves of the log: what people did, and what they were shown, which is most of it."""


class Parts:
    """Writes `<name>-00000.parquet`, `<name>-00001.parquet`, ... into a folder.

    Args:
        folder: made if it is not there.
        name: of the table.
        rows: of each part but the last.
    """

    def __init__(self, folder: Path, name: str, rows: int = PART_ROWS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self._rows = folder, name, rows
        self._waiting: list[pl.DataFrame] = []
        self._height = 0
        self._written = 0

    def add(self, table: pl.DataFrame) -> None:
        """Append rows, and write what is full."""
        self._waiting.append(table)
        self._height += table.height
        if self._height >= self._rows:
            whole = pl.concat(self._waiting)
            full = self._height // self._rows * self._rows
            for first in range(0, full, self._rows):
                self._write(whole.slice(first, self._rows))
            rest = whole.slice(full)
            self._waiting, self._height = [rest], rest.height

    def close(self) -> None:
        """Write what is left."""
        if self._height or not self._written:
            self._write(pl.concat(self._waiting))
        self._waiting, self._height = [], 0

    def _write(self, part: pl.DataFrame) -> None:
        part.write_parquet(self._folder / f"{self._name}-{self._written:05}.parquet", compression_level=1)
        self._written += 1
