# SPDX-License-Identifier: Apache-2.0
"""Cells as they stand in a source into the kinds that the schema knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.errors import DataError
from penchant.schema import Column, IdType, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable


def as_text(cells: pl.Series) -> pl.Series:
    """Cells as String; a whole number kept as a fraction (17850.0: a column with gaps) loses its ".0".

    Raises:
        DataError: the column holds lists, structures or bytes that are not text.
    """
    kind = cells.dtype
    if kind == pl.String:
        return cells
    if kind.is_nested():
        raise DataError(f"Column {cells.name!r} holds {kind}, where plain values are meant")
    if kind.is_float():
        cells = cells.fill_nan(None)
        whole = cells.cast(pl.Int64, strict=False)
        same = whole.is_not_null() & (whole.cast(pl.Float64) == cells)
        return whole.cast(pl.String).zip_with(same.fill_null(value=False), cells.cast(pl.String))
    try:
        return cells.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"Column {cells.name!r} ({kind}) cannot be read as text: {error}") from error


def as_number(cells: pl.Series) -> pl.Series:
    """Cells as Float64; what is not a finite number becomes null."""
    if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
        number = cells.cast(pl.Float64)
    else:
        number = as_text(cells).str.strip_chars().cast(pl.Float64, strict=False)
    return number.set(~number.is_finite(), None)


def as_kind(cells: pl.Series, column: Column) -> pl.Series:
    """Cells as the stored type of a column kind: Float64, String or List(String); empty text is null."""
    if column.kind is Kind.NUMBER:
        return as_number(cells)
    if column.kind is Kind.TAGS:
        return _as_tags(cells, column.separator)
    text = as_text(cells)
    return text.set(is_blank(text), None)


def is_blank(text: pl.Series) -> pl.Series:
    """Where a String column holds nothing but white space; False where it is null."""
    return (text.str.strip_chars() == "").fill_null(value=False)


def id_type(columns: Iterable[pl.Series]) -> IdType:
    """INTEGER if each id of each table, a String, is written as an integer ("7", not "007" or "7.0")."""
    for ids in columns:
        again = ids.cast(pl.Int64, strict=False).cast(pl.String)
        if not (again == ids).fill_null(value=False).all():
            return IdType.STRING
    return IdType.INTEGER


def _as_tags(cells: pl.Series, separator: str | None) -> pl.Series:
    if isinstance(cells.dtype, pl.List):
        tags = cells.cast(pl.List(pl.String))
    else:
        text = as_text(cells)
        one = pl.col(text.name)
        split = one.str.split(separator) if separator else pl.when(one.is_not_null()).then(pl.concat_list(one))
        tags = text.to_frame().select(split).to_series()
    word = pl.element().str.strip_chars()
    return tags.list.eval(word.filter(word != "")).list.unique(maintain_order=True)
