# SPDX-License-Identifier: Apache-2.0
"""Large text files as lazy tables, and lazy tables into Parquet: memory does not grow with the number of rows.

Cells are read as text and then turned into what they should be; a cell that cannot be is null, and ingestion tells
of it. Only what is asked for is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from polars._typing import PolarsDataType

NO_SEPARATOR = "\x1f"
"""Stands in no file of text, so that a whole line is one cell."""


def csv(
    path: Path,
    columns: Mapping[str, PolarsDataType],
    *,
    separator: str = ",",
    quote: str | None = '"',
) -> pl.LazyFrame:
    """The named columns of a table with a head.

    Raises:
        DataError: a column is missing.
    """
    rows = pl.scan_csv(path, separator=separator, quote_char=quote, infer_schema=False)
    have = rows.collect_schema().names()
    for name in columns:
        if name not in have:
            raise DataError(f"{path.name} has no column {name!r}{nearest(name, have)}")
    return rows.select(pl.col(name).cast(kind, strict=False) for name, kind in columns.items())


def headless(path: Path, columns: Mapping[str, PolarsDataType], *, separator: str = "\t") -> pl.LazyFrame:
    """A table without a head or quotes; all of its columns, by their names in order.

    Raises:
        DataError: it has fewer columns.
    """
    rows = pl.scan_csv(path, separator=separator, has_header=False, quote_char=None, infer_schema=False)
    have = rows.collect_schema().names()
    if len(have) < len(columns):
        raise DataError(f"{path.name} has {len(have)} columns, not {len(columns)}: {', '.join(columns)}")
    pairs = zip(have, columns.items(), strict=False)
    return rows.select(pl.col(place).cast(kind, strict=False).alias(name) for place, (name, kind) in pairs)


def lines(path: Path) -> pl.LazyFrame:
    """Each line of a text file as one cell of the column `line`."""
    return pl.scan_csv(
        path,
        separator=NO_SEPARATOR,
        has_header=False,
        quote_char=None,
        infer_schema=False,
        new_columns=["line"],
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
    )


def json_lines(path: Path, fields: Mapping[str, PolarsDataType]) -> pl.LazyFrame:
    """The named fields of a file with one JSON object on each line; what a line lacks is null."""
    return pl.scan_ndjson(path, schema=dict(fields))


def write(rows: pl.LazyFrame, path: Path) -> None:
    """Put rows into a Parquet file, in their order, a group of rows at a time."""
    rows.sink_parquet(path, maintain_order=True)


def write_deeds(rows: pl.LazyFrame, out: Path, name: str = "events") -> None:
    """Put what people did into `<name>.parquet`, and what they were only shown into `<name>_shown.parquet`.

    Models take every event for a sign of taste, so the ready run files name the first alone. Both have the same
    columns: a list of the two as `path` makes one log of them.

    Args:
        rows: with a column `type`, in which `impression` stands for what was only shown.
        out: the folder.
        name: of the table.
    """
    shown = pl.col("type") == "impression"
    write(rows.filter(~shown), out / f"{name}.parquet")
    write(rows.filter(shown), out / f"{name}_shown.parquet")


def first_of_each(rows: pl.LazyFrame, key: str) -> pl.LazyFrame:
    """The first row of each `key`, in the order of first appearance; rows without one are left out."""
    return rows.filter(pl.col(key).is_not_null()).unique(key, keep="first", maintain_order=True)


def merged(paths: Sequence[Path], columns: Mapping[str, PolarsDataType]) -> pl.LazyFrame:
    """Tables of one form, one after the other."""
    return pl.concat([csv(path, columns) for path in paths])


def word(column: str) -> pl.Expr:
    """A column of words without blanks around them; null where nothing is left."""
    stripped = pl.col(column).str.strip_chars()
    return pl.when(stripped != "").then(stripped).alias(column)
