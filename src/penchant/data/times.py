# SPDX-License-Identifier: Apache-2.0
"""Times in any usual writing into microseconds since 1970 UTC.

Whole columns are looked at, not single cells: a column holds numbers or text, in one unit.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from penchant.data.values import as_text
from penchant.errors import DataError


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


def parse_times(cells: pl.Series, unit: TimeUnit, writing: str | None = None) -> pl.Series:
    """The column as Int64 microseconds since 1970 UTC (positions as they are); null where a cell is no time.

    Args:
        cells: numbers, text, dates or datetimes.
        unit: what numbers count.
        writing: how text is written, as strftime has it ("%d/%m/%Y %H:%M"), where it is not ISO 8601.

    Raises:
        DataError: the unit is to be told by size, and the numbers are too small to be times.
    """
    if cells.dtype.is_temporal():
        return cells.cast(pl.Datetime("us"), strict=False).dt.epoch("us")
    if writing is not None:
        return _parse_as(as_text(cells), writing)
    if cells.dtype.is_numeric():
        return _scale(cells, unit)
    text = as_text(cells).str.strip_chars()
    if unit is not TimeUnit.AUTO or _mostly_numbers(text):
        return _scale(text, unit)
    return _parse_text(text)


def _mostly_numbers(text: pl.Series) -> bool:
    some = text.drop_nulls().head(_SAMPLE)
    return some.cast(pl.Float64, strict=False).count() * 2 > some.len()


def _scale(cells: pl.Series, unit: TimeUnit) -> pl.Series:
    whole = cells.cast(pl.Int64, strict=False)
    exact = not cells.dtype.is_float() and whole.null_count() == cells.null_count()
    numbers = whole if exact else cells.cast(pl.Float64, strict=False)
    if unit is TimeUnit.AUTO:
        days = _as_days(whole)
        if days is not None:
            return days
        found = guess_unit(numbers)
        if found is None:
            raise DataError(
                f"Column {cells.name!r}: numbers such as {numbers.median()!r} are too small to be times "
                'since 1970. Say time_unit = "order" if they only tell what came first, else time_unit = "s"'
            )
        unit = found
    if unit is TimeUnit.ORDER:
        return whole if exact else numbers.cast(pl.Int64, strict=False)
    ticks = _TICKS[unit]
    if not exact:
        return (numbers * ticks).cast(pl.Int64, strict=False)
    return numbers // round(1 / ticks) if ticks < 1 else _times(numbers, int(ticks))


def _times(numbers: pl.Series, factor: int) -> pl.Series:
    """The product, null where it would leave 64 bits."""
    limit = (2**63 - 1) // factor
    return (numbers.set(~numbers.is_between(-limit, limit), None)) * factor


def _as_days(whole: pl.Series) -> pl.Series | None:
    """Numbers such as 20101231 as days, if they all are."""
    known = whole.drop_nulls()
    if known.is_empty() or not known.is_between(19_700_101, 21_001_231).all():
        return None
    days = whole.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return days.cast(pl.Datetime("us")).dt.epoch("us") if days.null_count() == whole.null_count() else None


def _parse_text(text: pl.Series) -> pl.Series:
    iso = text.str.replace(r"^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ Tt]+(.+))?$", "${1}-${2}-${3}T${4}")
    iso = iso.str.strip_suffix("T").str.replace(r"\s*(?:UTC|GMT)$", "Z")
    parsed = pl.Series(text.name, [None], dtype=pl.Int64).new_from_index(0, len(text))
    for writing in _WRITINGS:
        rest = (parsed.is_null() & iso.is_not_null()).arg_true()
        if rest.is_empty():
            break
        parsed = parsed.scatter(rest, _parse_as(iso.gather(rest), writing))
    return parsed


def _parse_as(text: pl.Series, writing: str) -> pl.Series:
    return text.str.to_datetime(writing, time_unit="us", strict=False).dt.epoch("us")
