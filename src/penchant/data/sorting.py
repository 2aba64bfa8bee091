# SPDX-License-Identifier: Apache-2.0
"""Rows of any number in the order of time: an external sort.

Rows are cut into ranges of time that fit into memory, and each range is sorted there; rows of one moment never
stand in two ranges. Where the files are in order, or nearly, each range is read from the stretch of rows that
holds it. Else all rows are dealt out to one file for each range first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from penchant.artefact import writing
from penchant.data.checks import AT
from penchant.schema import TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from penchant.data.source import Scratch

_BUCKET = "_bucket"
_SAMPLE = 1_000_000
_SPANS = 16
"""Stretches of rows for each that fits into memory, whose first and last times are looked at."""
_READ_AGAIN = 2.0
"""Reading rows this often on average is no slower than dealing them out."""


class Rows(Protocol):
    """Rows that can be read lazily, as often as is needed."""

    @property
    def height(self) -> int:
        """Positions, those of rows that fell included."""
        ...

    def scan(self, first: int = 0, last: int | None = None) -> pl.LazyFrame:
        """Rows at the positions `first` to `last` (exclusive), with `AT` and `time`."""
        ...

    def deal(self, frame: pl.LazyFrame, which: pl.Expr, folder: Path) -> None:
        """As `write_dealt`, for a query over them."""
        ...

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Carry out a query over them."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Range:
    """Rows with `low` < time <= `high` (None: no bound), at positions `first` to `last` (exclusive)."""

    low: int | None
    high: int | None
    first: int
    last: int

    def holds(self) -> pl.Expr:
        time = pl.col(TIME)
        above = time > self.low if self.low is not None else pl.lit(True)
        return above & (time <= self.high) if self.high is not None else above


def by_time(rows: Rows, kept: int, most: int, scratch: Scratch) -> Iterator[pl.DataFrame]:
    """Parts of the table, one after the other in the order of time, each sorted by time, then by `AT`.

    Args:
        rows: what is to be sorted.
        kept: how many they are.
        most: about so many rows fit into memory at once. More than twice as many come together only where
            they all are of one moment.
        scratch: where rows are dealt out.
    """
    if kept <= most:
        yield rows.collect(rows.scan()).sort(TIME, maintain_order=True)
        return
    ranges = _ranges(rows, kept, most)
    again = sum(one.last - one.first for one in ranges) / rows.height
    if again <= _READ_AGAIN:
        for one in ranges:
            part = rows.collect(rows.scan(one.first, one.last).filter(one.holds()))
            yield part.sort(TIME, maintain_order=True)
        return
    bounds = [one.high for one in ranges if one.high is not None]
    which = pl.sum_horizontal((pl.col(TIME) > bound).cast(pl.UInt16) for bound in bounds)
    for part in deal(rows.scan(), which, scratch.place("by-time"), rows.deal):
        yield part.sort(TIME, maintain_order=True)


def deal(
    rows: pl.LazyFrame, which: pl.Expr, folder: Path, write: Callable[[pl.LazyFrame, pl.Expr, Path], None]
) -> Iterator[pl.DataFrame]:
    """Write rows into one file for each number that `which` gives, and read these one after the other.

    Each file goes once it has been read.

    Args:
        rows: what is dealt out.
        which: a small whole number for each row.
        folder: where the files are put.
        write: `write_dealt`, or what does the same.
    """
    write(rows, which, folder)
    numbered = sorted((int(part.name.partition("=")[2]), part) for part in folder.iterdir())
    for _, part in numbered:
        files = sorted(part.iterdir())
        yield pl.read_parquet(files, glob=False, hive_partitioning=False)
        for file in files:
            file.unlink()


def write_dealt(rows: pl.LazyFrame, which: pl.Expr, folder: Path) -> None:
    """Write rows into one folder for each number that `which` gives.

    Raises:
        OSError: the disk is full, or the like.
    """
    target = pl.PartitionBy(folder, key=which.alias(_BUCKET), include_key=False)
    with writing(folder):
        rows.sink_parquet(target, compression="lz4", statistics=False, mkdir=True)


def _ranges(rows: Rows, kept: int, most: int) -> list[_Range]:
    """Ranges of time with about equally many rows each, and where in the files they lie."""
    step = -(-rows.height // _SAMPLE)
    sample = rows.scan().select(AT, TIME).filter(pl.col(AT) % step == 0).select(TIME)
    times = rows.collect(sample).to_series().sort()
    count = -(-kept // most)
    cuts = [times.len() * i // count for i in range(1, count)]
    bounds = times.gather(cuts).unique().sort().to_list()
    stride = max(most // _SPANS, 1)
    spans = rows.collect(
        rows.scan()
        .select((pl.col(AT) // stride).alias("span"), TIME)
        .group_by("span")
        .agg(pl.col(TIME).min().alias("from"), pl.col(TIME).max().alias("to"))
    )
    pairs = zip([None, *bounds], [*bounds, None], strict=True)
    placed = [_place(spans, low, high, stride, rows.height) for low, high in pairs]
    return [one for one in placed if one is not None]


def _place(spans: pl.DataFrame, low: int | None, high: int | None, stride: int, height: int) -> _Range | None:
    """Where rows of a range of time may lie; None if there are none."""
    touched = spans
    if low is not None:
        touched = touched.filter(pl.col("to") > low)
    if high is not None:
        touched = touched.filter(pl.col("from") <= high)
    found = touched["span"]
    if found.is_empty():
        return None
    first, last = int(found.min() or 0), int(found.max() or 0)  # type: ignore[arg-type]
    return _Range(low=low, high=high, first=first * stride, last=min((last + 1) * stride, height))
