# SPDX-License-Identifier: Apache-2.0
"""Takes clean events part by part, keeps them in memory or on disk, and counts what they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from penchant.artefact import writing
from penchant.data.dataset import EventFiles
from penchant.schema import ITEM, TYPE, USER

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.source import Scratch


class Keeper:
    """Clean events on their way into a data set.

    Args:
        scratch: where parts are put if there is more than one.

    Attributes:
        height: events so far.
        users: each user once.
        items: each item once, in the order in which they come.
        types: each event type once.
    """

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._held: pl.DataFrame | None = None
        self._paths: list[Path] = []
        self._digest = hashlib.sha256()
        self.height = 0
        self.users = pl.Series(USER, [])
        self.items = pl.Series(ITEM, [])
        self.types = pl.Series(TYPE, [], dtype=pl.String)

    def add(self, part: pl.DataFrame) -> None:
        """Take the next events, none of which is earlier than any before."""
        if part.is_empty():
            return
        if self._held is not None:
            self._write(self._held)
        if self._paths:
            self._write(part)
        self._held = None if self._paths else part
        self._digest.update(part.hash_rows(seed=0).to_numpy().tobytes())
        self.users = _joined(self.users, part[USER].unique())
        self.items = _joined(self.items, part[ITEM].unique(maintain_order=True))
        self.types = _joined(self.types, part[TYPE].unique())
        self.height += part.height

    def events(self) -> pl.DataFrame | EventFiles:
        """All of them; there must be some."""
        if self._held is not None:
            return self._held
        return EventFiles(paths=tuple(self._paths), keeper=self._scratch)

    def fingerprint(self) -> str:
        """A hash of all events in their order, however they were cut into parts."""
        return self._digest.hexdigest()

    def _write(self, part: pl.DataFrame) -> None:
        path = self._scratch.place("events.parquet")
        with writing(path):
            part.write_parquet(path, compression="zstd", compression_level=1)
        self._held = None
        self._paths.append(path)


def _joined(known: pl.Series, more: pl.Series) -> pl.Series:
    """Each value once, in the order in which they first came."""
    return more if known.is_empty() else pl.concat([known, more]).unique(maintain_order=True)
