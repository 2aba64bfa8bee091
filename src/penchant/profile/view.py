# SPDX-License-Identifier: Apache-2.0
"""What a profile is made from: a data set, its split, and what ingestion said, all of it looked at lazily."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.dataset import PART
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.data.dataset import Dataset

SAMPLE = 1_000_000
"""Rows that distributions are taken from; counts are always of all rows."""

EXACT = 5_000_000
"""Of more rows than this, different values are estimated."""
ENOUGH = 1000
"""So many values must be drawn for an estimate."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A data set as the profile looks at it.

    Attributes:
        dataset: the clean tables.
        parts: the events of "train", "validation" and "test".
        split: how they were divided, in words.
        report: what ingestion wrote: by table its counts and what fell.
        sample: rows that distributions are taken from.
    """

    dataset: Dataset
    parts: Mapping[str, pl.LazyFrame]
    split: str
    report: Mapping[str, Any] = field(default_factory=dict)
    sample: int = SAMPLE

    @cached_property
    def events(self) -> pl.LazyFrame:
        """All events, sorted by time."""
        return self.dataset.scan_events().drop(PART, strict=False)

    @cached_property
    def divided(self) -> pl.LazyFrame:
        """All events with their `part`, part by part."""
        return pl.concat([rows.with_columns(pl.lit(name).alias(PART)) for name, rows in self.parts.items()])

    @cached_property
    def height(self) -> int:
        """Events in all."""
        return self.dataset.event_count

    @cached_property
    def some(self) -> pl.DataFrame:
        """Every n-th event, at most `sample` of them: what distributions are taken from."""
        step = -(-max(self.height, 1) // self.sample)
        numbered = self.divided.with_row_index("_n")
        return run(numbered.filter(pl.col("_n") % step == 0).drop("_n"))

    @cached_property
    def some_users(self) -> tuple[pl.LazyFrame, int]:
        """All events of every n-th user, about `sample` of them, and n: for what needs whole users."""
        step = -(-max(self.height, 1) // self.sample)
        if step == 1:
            return self.events, 1
        return self.events.filter(pl.col(USER).hash(seed=0) % step == 0), step

    def names(self, items: pl.Series) -> pl.Series:
        """What people call some items: the title where there is one, else the id."""
        title = self.dataset.schema.title
        if title is None:
            return items.cast(pl.String)
        rows = self.dataset.items.select(ITEM, title)
        found = items.alias(ITEM).to_frame().join(rows, on=ITEM, how="left", maintain_order="left")
        return found[title].fill_null(items.cast(pl.String))


def run(frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a query, computed piece by piece so that a large table need not fit into memory."""
    return frame.collect(engine="streaming")


def distinct(rows: pl.LazyFrame, cells: Mapping[str, pl.Expr], height: int) -> dict[str, int]:
    """How many different values there are: exact up to `EXACT` rows, beyond within about 3 %.

    Of many rows, those count whose hash falls into a small share of all hashes: equal values fall together, so
    their number times the inverse of that share is an estimate. Where they are few, all values are few, and are
    counted.

    Args:
        rows: the table.
        cells: by name, what to count; one value for each row, or fewer.
        height: rows of the table.
    """
    every = -(-max(height, 1) // EXACT)
    if every == 1:
        counted = run(rows.select(**{name: cell.n_unique() for name, cell in cells.items()}))
        return {name: int(number) for name, number in counted.row(0, named=True).items()}
    some = {name: cell.hash(seed=0) for name, cell in cells.items()}
    drawn = run(rows.select(**{name: one.filter(one % every == 0).n_unique() for name, one in some.items()}))
    found = {name: int(number) * every for name, number in drawn.row(0, named=True).items()}
    few = {name: cells[name] for name, number in found.items() if number < ENOUGH * every}
    return found | (distinct(rows, few, 0) if few else {})
