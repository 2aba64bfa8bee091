# SPDX-License-Identifier: Apache-2.0
"""Drives the cleaning rules over events of any number: each is shown what it must see at once, and no more.

Rules that look at single rows, or at events of one moment, see each part of the sorted events while it is in
memory. Only where others are on do all events go to disk first: those that look at users are shown some of the
users at a time, those that look at everything a few columns of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.artefact import writing
from penchant.data.checks import AT
from penchant.data.sorting import deal
from penchant.schema import ITEM, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from penchant.data.rules.rule import Rule
    from penchant.data.source import Scratch

_AT_ONCE = frozenset({"row", "moment"})
_SLIM = (AT, USER, ITEM, TIME)


class Screen:
    """Lets the events through that break no rule.

    Args:
        rules: in the order in which they are asked; each sees what those before it left.
        most: about so many rows fit into memory at once.
        scratch: where events wait for rules that must see many of them.

    Attributes:
        fallen: by rule what it refused, in the columns `AT` and `reason`; whole once all events came through.
    """

    def __init__(self, rules: Sequence[Rule], most: int, scratch: Scratch) -> None:
        self._at_once = [rule for rule in rules if rule.scope in _AT_ONCE]
        self._later = [rule for rule in rules if rule.scope not in _AT_ONCE]
        self._most = most
        self._scratch = scratch
        self.fallen: dict[str, list[pl.DataFrame]] = {rule.name: [] for rule in rules}

    def sift(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The parts, one after the other, without the events that fall.

        Args:
            parts: sorted by time, then `AT`; events of one moment stand in one part.
        """
        first = (self._through(part, self._at_once) for part in parts)
        if not self._later:
            yield from first
            return
        held = [part for part in self._stored(first)]
        paths = [part for part in held if not isinstance(part, pl.DataFrame)]
        frames = [part for part in held if isinstance(part, pl.DataFrame)]
        whole = pl.scan_parquet(paths, glob=False, hive_partitioning=False) if paths else frames[0].lazy()
        out = self._by_rules(whole, whole.select(pl.len()).collect().item())
        for part in held:
            rows = part if isinstance(part, pl.DataFrame) else pl.read_parquet(part, glob=False)
            yield rows.join(out, on=AT, how="anti", maintain_order="left") if out.height else rows

    def _stored(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame | Path]:
        """The one part that there is, or the files that several were put into."""
        before: pl.DataFrame | None = None
        several = False
        for part in parts:
            if before is not None:
                several = True
                yield self._write(before)
            before = part
        if before is not None:
            yield self._write(before) if several else before

    def _write(self, part: pl.DataFrame) -> Path:
        path = self._scratch.place("sorted.parquet")
        with writing(path):
            part.write_parquet(path, compression="lz4", statistics=False)
        return path

    def _through(self, rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
        """What is left of rows that are in memory."""
        for rule in rules:
            fallen = rule.broken(rows.lazy()).collect()
            if not fallen.is_empty():
                self.fallen[rule.name].append(fallen)
                rows = rows.join(fallen, on=AT, how="anti", maintain_order="left")
        return rows

    def _by_rules(self, events: pl.LazyFrame, height: int) -> pl.DataFrame:
        """The positions of all events that fall by rules that must see many at once."""
        out = pl.DataFrame(schema={AT: pl.Int64})
        by_user = [rule for rule in self._later if rule.scope == "user"]
        if by_user:
            for users in self._users(events, height):
                self._through(users, by_user)
            out = self._positions(by_user)
        for rule in self._later:
            if rule.scope == "all":
                left = events.select(_SLIM).join(out.lazy(), on=AT, how="anti", maintain_order="left")
                self.fallen[rule.name].append(rule.broken(left).collect(engine="streaming"))
                out = pl.concat([out, self._positions([rule])])
        return out

    def _positions(self, rules: Sequence[Rule]) -> pl.DataFrame:
        frames = [frame.select(AT) for rule in rules for frame in self.fallen[rule.name]]
        return pl.concat(frames) if frames else pl.DataFrame(schema={AT: pl.Int64})

    def _users(self, events: pl.LazyFrame, height: int) -> Iterator[pl.DataFrame]:
        """All events, some users at a time, each time sorted by time."""
        groups = -(-height // self._most)
        if groups <= 1:
            yield events.collect()
            return
        which = (pl.col(USER).hash() % groups).cast(pl.UInt32)
        for part in deal(events, which, self._scratch.place("by-user")):
            yield part.sort(TIME, AT)
