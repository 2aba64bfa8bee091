# SPDX-License-Identifier: Apache-2.0
"""Cells as they stand in a source into plain values: text, numbers, ids.

The `*_of` functions make expressions, so that they run over a table of any size; they need to know how the
source stores the column. Those of the same meaning without `_of` take a column that is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.errors import DataError
from penchant.schema import IdType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType


def text_of(column: str, kind: DataType) -> pl.Expr:
    """A column as String; a whole number kept as a fraction (17850.0: a column with gaps) loses its ".0".

    Raises:
        DataError: it holds lists or structures.
    """
    cells = pl.col(column)
    if kind == pl.String:
        return cells
    if kind.is_nested():
        raise DataError(f"Column {column!r} holds {kind}, where plain values are meant")
    if kind.is_float():
        known = cells.fill_nan(None)
        whole = known.cast(pl.Int64, strict=False)
        same = whole.is_not_null() & (whole.cast(pl.Float64) == known)
        return pl.when(same).then(whole.cast(pl.String)).otherwise(known.cast(pl.String))
    return cells.cast(pl.String)


def number_of(column: str, kind: DataType) -> pl.Expr:
    """A column as Float64; what is not a finite number becomes null.

    Raises:
        DataError: it holds lists or structures.
    """
    if kind.is_numeric() or kind == pl.Boolean:
        number = pl.col(column).cast(pl.Float64)
    else:
        number = text_of(column, kind).str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def given(column: str, kind: DataType) -> pl.Expr:
    """Where a cell holds anything: not null, not empty text, not NaN."""
    cells = pl.col(column)
    if kind.is_float():
        return cells.is_not_null() & cells.is_not_nan()
    return cells.is_not_null() if kind != pl.String else cells.is_not_null() & ~blank(cells)


def blank(text: pl.Expr) -> pl.Expr:
    """Where a String holds nothing but white space; False where it is null."""
    return (text.str.strip_chars() == "").fill_null(value=False)


def integers(kind: DataType) -> bool:
    """Whether a source's column holds integers that fit into 64 bits."""
    return kind.is_integer() and kind not in (pl.UInt64, pl.Int128, pl.UInt128)


def id_of(column: str, kind: DataType) -> pl.Expr:
    """A column of ids: Int64 where the source has integers that fit, else String.

    Raises:
        DataError: it holds lists or structures.
    """
    return pl.col(column).cast(pl.Int64) if integers(kind) else text_of(column, kind)


def whole_ids(column: str) -> pl.Expr:
    """Whether an id, a String, is written as an integer of 64 bits ("7", not "007" or "7.0"); False for null."""
    text = pl.col(column)
    return (text.cast(pl.Int64, strict=False).cast(pl.String) == text).fill_null(value=False)


def as_text(cells: pl.Series) -> pl.Series:
    """A column in memory as String.

    Raises:
        DataError: it holds lists, structures or bytes that are not text.
    """
    if cells.dtype == pl.String:
        return cells
    try:
        return cells.to_frame().select(text_of(cells.name, cells.dtype)).to_series().rename(cells.name)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"Column {cells.name!r} ({cells.dtype}) cannot be read as text: {error}") from error


def as_number(cells: pl.Series) -> pl.Series:
    """A column in memory as Float64; what is not a finite number becomes null."""
    if not (cells.dtype.is_numeric() or cells.dtype == pl.Boolean):
        cells = as_text(cells)
    return cells.to_frame().select(number_of(cells.name, cells.dtype)).to_series().rename(cells.name)


def is_blank(text: pl.Series) -> pl.Series:
    """Where a String column in memory holds nothing but white space; False where it is null."""
    return text.to_frame().select(blank(pl.col(text.name))).to_series()


def id_type(columns: Iterable[pl.Series]) -> IdType:
    """INTEGER if each id of each table is an integer, or text written as one."""
    texts = [ids for ids in columns if ids.dtype == pl.String]
    whole = all(ids.to_frame().select(whole_ids(ids.name).all()).item() for ids in texts)
    return IdType.INTEGER if whole else IdType.STRING
