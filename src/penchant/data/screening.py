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
from penchant.data.rules.rule import Suspecting
from penchant.data.sorting import deal, write_dealt
from penchant.schema import ITEM, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from penchant.data.rules.rule import Rule
    from penchant.data.sorting import Rows
    from penchant.data.source import Scratch

_AT_ONCE = ("row", "moment")
_SLIM = (AT, USER, ITEM, TIME)


class Screen:
    """Lets the events through that break no rule.

    Args:
        events: all of them, in any order, to look for users whom a rule may concern.
        rules: in the order in which they are asked; each sees what those before it left.
        most: about so many rows fit into memory at once.
        scratch: where events wait for rules that must see many of them.

    Attributes:
        fallen: by rule what it refused, in the columns `AT` and `reason`; whole once all events came through.
    """

    def __init__(self, events: Rows, rules: Sequence[Rule], most: int, scratch: Scratch) -> None:
        self._at_once = [rule for rule in rules if rule.scope in _AT_ONCE]
        users = {rule: _suspects(events, rule) for rule in rules if rule.scope == "user"}
        self._by_user = {rule: some for rule, some in users.items() if some is not None}
        self._by_all = [rule for rule in rules if rule.scope == "all"]
        self._most = most
        self._scratch = scratch
        self.fallen: dict[str, list[pl.DataFrame]] = {rule.name: [] for rule in rules}

    def sift(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The parts, one after the other, without the events that fall.

        Args:
            parts: sorted by time, then `AT`; events of one moment stand in one part.
        """
        first = (self._through(part, self._at_once) for part in parts)
        if not self._by_user and not self._by_all:
            yield from first
            return
        held = list(self._stored(first))
        if not held:
            return
        paths = [part for part in held if not isinstance(part, pl.DataFrame)]
        frames = [part for part in held if isinstance(part, pl.DataFrame)]
        whole = pl.scan_parquet(paths, glob=False, hive_partitioning=False) if paths else frames[0].lazy()
        out = self._seen_whole(whole)
        for part in held:
            rows = part if isinstance(part, pl.DataFrame) else pl.read_parquet(part, glob=False)
            yield rows.join(out, on=AT, how="anti", maintain_order="left") if out.height else rows
            if not isinstance(part, pl.DataFrame):
                part.unlink()

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

    def _seen_whole(self, events: pl.LazyFrame) -> pl.DataFrame:
        """The positions of all events that fall by rules that must see many at once."""
        out = pl.DataFrame(schema={AT: pl.Int64})
        for rule, users in self._by_user.items():
            left = events.join(out.lazy(), on=AT, how="anti", maintain_order="left") if out.height else events
            for some in self._some_users(left, users):
                self._through(some, [rule])
            out = pl.concat([out, self._positions(rule)])
        for rule in self._by_all:
            left = events.select(_SLIM).join(out.lazy(), on=AT, how="anti", maintain_order="left")
            self.fallen[rule.name].append(rule.broken(left).collect(engine="streaming"))
            out = pl.concat([out, self._positions(rule)])
        return out

    def _positions(self, rule: Rule) -> pl.DataFrame:
        frames = [frame.select(AT) for frame in self.fallen[rule.name]]
        return pl.concat(frames) if frames else pl.DataFrame(schema={AT: pl.Int64})

    def _some_users(self, events: pl.LazyFrame, users: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """All events of some users at a time, each time sorted by time; of everyone if `users` has no columns."""
        if users.width:
            events = events.join(users.lazy(), on=USER, how="semi", maintain_order="left")
        groups = -(-events.select(pl.len()).collect(engine="streaming").item() // self._most)
        if groups <= 1:
            yield events.collect(engine="streaming")
            return
        which = (pl.col(USER).hash() % groups).cast(pl.UInt32)
        for part in deal(events, which, self._scratch.place("by-user"), write_dealt):
            yield part.sort(TIME, maintain_order=True)


def _suspects(events: Rows, rule: Rule) -> pl.DataFrame | None:
    """The users whom a rule must look at; no columns at all if that is everyone, None if it is nobody."""
    if not isinstance(rule, Suspecting):
        return pl.DataFrame()
    rows = events.scan()
    said = rule.suspects(rows.collect_schema().names())
    users = events.collect(rows.filter(said).select(USER).unique())
    return None if users.is_empty() else users
