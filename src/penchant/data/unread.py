# SPDX-License-Identifier: Apache-2.0
"""Cells that hold something, but nothing of their column's kind: they count as absent, and are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.cells import FILES, kind_of
from penchant.data.values import given
from penchant.schema import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.data.source import Source

_SAMPLE = 100_000
_SHOWN = 60
_NOTE = {
    Kind.NUMBER: "numbers_unread",
    Kind.TIME: "times_unread",
    Kind.VECTOR: "vectors_unread",
} | dict.fromkeys(FILES, "paths_refused")
"""Kinds that not every cell can be of, and the key of the report that counts those."""


def cells_of(source: Source, columns: Mapping[str, Column]) -> list[pl.Expr]:
    """How to read the columns of a source that the run file names, each under its own name."""
    return [kind_of(_sample(source, name, column), column).alias(name) for name, column in columns.items()]


def count_unread(source: Source, columns: Mapping[str, Column]) -> dict[str, dict[str, Any]]:
    """By kind of trouble and column how many cells were given up, with one of them."""
    notes: dict[str, dict[str, Any]] = {"numbers_unread": {}}
    asked = {name: column for name, column in columns.items() if column.kind in _NOTE}
    queries = []
    for name, column in asked.items():
        stored = source.kinds[name]
        lost = given(name, stored) & kind_of(_sample(source, name, column), column).is_null()
        first = pl.col(name).filter(lost).first()
        shown = first.cast(pl.String, strict=False) if stored != pl.Binary else pl.lit("")
        queries += [lost.sum().alias(f"count {name}"), _text(shown, stored).alias(f"example {name}")]
    if not queries:
        return notes
    found = source.collect(source.rows.select(queries)).row(0, named=True)
    for name, column in asked.items():
        if found[f"count {name}"]:
            note = {"count": found[f"count {name}"], "example": found[f"example {name}"]}
            notes.setdefault(_NOTE[column.kind], {})[name] = note
    return notes


def _text(shown: pl.Expr, stored: pl.DataType) -> pl.Expr:
    return pl.lit(str(stored)) if stored.is_nested() else shown.str.head(_SHOWN)


def _sample(source: Source, name: str, column: Column) -> pl.Series:
    """Cells to tell the writing of times from; of other kinds the type alone is looked at."""
    if column.kind is Kind.TIME:
        return source.sample(name, _SAMPLE)
    return pl.Series(name, [], dtype=source.kinds[name])
