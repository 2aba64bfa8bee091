# SPDX-License-Identifier: Apache-2.0
"""Times in any usual writing into microseconds since 1970 UTC.

What a column holds (numbers or text, in which unit) is told from a sample of it; then each cell is read by
one expression, so that columns of any length can be.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.values import text_of
from penchant.errors import DataError

if TYPE_CHECKING:
    from polars.datatypes import DataType


class TimeUnit(StrEnum):
    """What a number in the time column counts."""

    AUTO = "auto"
    """Told by the size of the numbers; text is read as ISO 8601."""
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    ORDER = "order"
    """A plain position: it says what came first, and nothing about the gaps."""


_TICKS = {
    TimeUnit.SECONDS: 1e6,
    TimeUnit.MILLISECONDS: 1e3,
    TimeUnit.MICROSECONDS: 1.0,
    TimeUnit.NANOSECONDS: 1e-3,
}

_OFFSET = "%#z"
_WRITINGS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d", f"%Y-%m-%dT%H:%M:%S%.f{_OFFSET}", "%Y-%m-%dT%H:%M")
"""ISO 8601 with `T`; a time without an offset is taken as UTC."""

_SAMPLE = 10_000


def guess_unit(numbers: pl.Series) -> TimeUnit | None:
    """The unit that puts most of the numbers between 1973 and 5138; None if too small to be times."""
    middle = numbers.median()
    size = middle if isinstance(middle, int | float) else 0.0
    bounds = ((1e17, TimeUnit.NANOSECONDS), (1e14, TimeUnit.MICROSECONDS), (1e11, TimeUnit.MILLISECONDS))
    for least, unit in bounds:
        if size >= least:
            return unit
    return TimeUnit.SECONDS if size >= 1e8 else None


def time_of(sample: pl.Series, unit: TimeUnit, writing: str | None = None) -> pl.Expr:
    """How to read a column as Int64 microseconds since 1970 UTC (positions as they are); null: no time.

    Args:
        sample: cells of the column, under its name: numbers, text, dates or datetimes.
        unit: what numbers count.
        writing: how text is written, as strftime has it ("%d/%m/%Y %H:%M"), where it is not ISO 8601.

    Raises:
        DataError: the unit is to be told by size, and the numbers are too small to be times; or the column
            holds lists or structures.
    """
    kind, column = sample.dtype, pl.col(sample.name)
    if kind.is_temporal():
        return column.cast(pl.Datetime("us"), strict=False).dt.epoch("us")
    text = text_of(sample.name, kind)
    if writing is not None:
        return _as_written(text, writing)
    if kind.is_numeric():
        return _scaled(sample, column, kind, unit)
    text = text.str.strip_chars()
    cells = sample.to_frame().select(text).to_series()
    if unit is not TimeUnit.AUTO or _mostly_numbers(cells):
        return _scaled(cells, text, pl.String(), unit)
    return _from_text(text)


def parse_times(cells: pl.Series, unit: TimeUnit, writing: str | None = None) -> pl.Series:
    """A column in memory, read as `time_of` says, with all of it as the sample."""
    return cells.to_frame().select(time_of(cells, unit, writing)).to_series().rename(cells.name)


def _mostly_numbers(text: pl.Series) -> bool:
    some = text.drop_nulls().head(_SAMPLE)
    return some.cast(pl.Float64, strict=False).count() * 2 > some.len()


def _scaled(sample: pl.Series, cells: pl.Expr, kind: DataType, unit: TimeUnit) -> pl.Expr:
    whole, fraction = cells.cast(pl.Int64, strict=False), cells.cast(pl.Float64, strict=False)
    if unit is TimeUnit.AUTO:
        if _are_days(sample):
            days = whole.cast(pl.String).str.to_date("%Y%m%d", strict=False)
            return days.cast(pl.Datetime("us")).dt.epoch("us")
        numbers = sample.cast(pl.Float64, strict=False)
        found = guess_unit(numbers)
        if found is None:
            raise DataError(
                f"Column {sample.name!r}: numbers such as {numbers.median()!r} are too small to be times "
                'since 1970. Say time_unit = "order" if they only tell what came first, else time_unit = "s"'
            )
        unit = found
    rough = (fraction * _TICKS.get(unit, 1.0)).cast(pl.Int64, strict=False)
    if kind.is_float():
        return rough
    exact = _exact(whole, unit)
    return exact if kind.is_integer() else pl.when(whole.is_null()).then(rough).otherwise(exact)


def _exact(whole: pl.Expr, unit: TimeUnit) -> pl.Expr:
    """The product with the ticks of a unit in whole numbers, null where it would leave 64 bits."""
    ticks = _TICKS.get(unit, 1.0)
    if ticks <= 1:
        return whole if ticks == 1 else whole // round(1 / ticks)
    limit = (2**63 - 1) // int(ticks)
    return pl.when(whole.is_between(-limit, limit)).then(whole) * int(ticks)


def _are_days(sample: pl.Series) -> bool:
    """Whether all numbers are such as 20101231."""
    known = sample.cast(pl.Int64, strict=False).drop_nulls()
    if known.is_empty() or not known.is_between(19_700_101, 21_001_231).all():
        return False
    return known.cast(pl.String).str.to_date("%Y%m%d", strict=False).null_count() == 0


def _from_text(text: pl.Expr) -> pl.Expr:
    iso = text.str.replace(r"^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ Tt]+(.+))?$", "${1}-${2}-${3}T${4}")
    iso = iso.str.strip_suffix("T").str.replace(r"\s*(?:UTC|GMT)$", "Z")
    return pl.coalesce(_as_written(iso, writing) for writing in _WRITINGS)


def _as_written(text: pl.Expr, writing: str) -> pl.Expr:
    return text.str.to_datetime(writing, time_unit="us", strict=False).dt.epoch("us")
