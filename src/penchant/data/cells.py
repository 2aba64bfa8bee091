# SPDX-License-Identifier: Apache-2.0
"""Cells of item, user and context columns into what the schema stores for each column kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.times import TimeUnit, parse_times, time_of
from penchant.data.values import as_text, blank, number_of, text_of
from penchant.errors import DataError
from penchant.schema import Column, Kind

if TYPE_CHECKING:
    from polars.datatypes import DataType

FILES = frozenset({Kind.IMAGE, Kind.AUDIO})
"""Kinds whose cells name files."""

_LEAVES = r"^[/\\~]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)|\x00"
"""Paths that lead out of the table's folder."""
_ADDRESS = r"^[A-Za-z][A-Za-z0-9+.-]*://"
_WEB = r"^(?i)https?://"


def kind_of(sample: pl.Series, column: Column) -> pl.Expr:
    """How to read a column as what its kind stores; null where a cell says nothing, or nothing of that kind.

    Args:
        sample: cells of the column, under its name.
        column: its kind, and what goes with it.

    Raises:
        DataError: no cell of the column can be of that kind.
    """
    name, stored = sample.name, sample.dtype
    match column.kind:
        case Kind.NUMBER:
            return number_of(name, stored)
        case Kind.TAGS:
            return _tags(name, stored, column.separator)
        case Kind.VECTOR:
            return _vector(name, stored, column.separator)
        case Kind.TIME:
            return time_of(sample, TimeUnit.AUTO, column.time_format)
        case Kind.IMAGE | Kind.AUDIO:
            return _file(name, stored)
        case _:
            text = text_of(name, stored)
            return pl.when(~blank(text)).then(text)


def as_kind(cells: pl.Series, column: Column) -> pl.Series:
    """A column in memory, read as `kind_of` says, with all of it as the sample."""
    if column.kind is Kind.TIME:
        return parse_times(cells, TimeUnit.AUTO, column.time_format)
    plain = cells.dtype.is_nested() or cells.dtype == pl.Binary
    known = cells if plain else as_text(cells) if column.kind not in (Kind.NUMBER, Kind.TIME) else cells
    return known.to_frame().select(kind_of(known, column)).to_series().rename(cells.name)


def one_length(vectors: pl.Series, where: str) -> None:
    """See that all vectors of a column, List(Float32), have one length.

    Raises:
        DataError: names two that differ.
    """
    lengths = vectors.drop_nulls().list.len().unique().sort()
    if lengths.len() > 1:
        shown = ", ".join(map(str, lengths.head(5)))
        raise DataError(f"{where} {vectors.name!r}: vectors of one column must have one length, found {shown}")


def leaves_folder(path: pl.Expr) -> pl.Expr:
    """Where text names a file outside of the folder that it is relative to, or an address not of the web."""
    address = path.str.contains(_ADDRESS)
    return pl.when(address).then(~path.str.contains(_WEB)).otherwise(path.str.contains(_LEAVES))


def _file(name: str, stored: DataType) -> pl.Expr:
    if stored == pl.Binary:
        return pl.when(pl.col(name).bin.size() > 0).then(pl.col(name))
    text = text_of(name, stored)
    return pl.when(~blank(text) & ~leaves_folder(text)).then(text)


def _tags(name: str, stored: DataType, separator: str | None) -> pl.Expr:
    if isinstance(stored, pl.List):
        tags = pl.col(name).cast(pl.List(pl.String))
    else:
        text = text_of(name, stored)
        tags = text.str.split(separator) if separator else pl.when(text.is_not_null()).then(pl.concat_list(text))
    word = pl.element().str.strip_chars()
    return tags.list.eval(word.filter(word != "")).list.unique(maintain_order=True)


def _vector(name: str, stored: DataType, separator: str | None) -> pl.Expr:
    """Lists of numbers; as text, with or without brackets, parted by a comma, space, or what is said."""
    if isinstance(stored, pl.List | pl.Array):
        inner = stored.inner
        if isinstance(inner, pl.DataType) and not inner.is_numeric():
            raise DataError(f"Column {name!r} holds {stored}, where vectors of numbers are meant")
        vector = pl.col(name).cast(pl.List(pl.Float32))
    else:
        bare = text_of(name, stored).str.strip_chars().str.strip_prefix("[").str.strip_suffix("]")
        between = bare.str.strip_chars().str.replace_all(r"[\s,]+", " ") if separator is None else bare
        numbers = between.str.split(separator or " ").list.eval(
            pl.element().str.strip_chars().cast(pl.Float32, strict=False)
        )
        vector = numbers
    sound = (vector.list.len() > 0) & vector.list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    return pl.when(sound).then(vector)
