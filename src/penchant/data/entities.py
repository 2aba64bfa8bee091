# SPDX-License-Identifier: Apache-2.0
"""The tables of items and users on their way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.cells import one_length
from penchant.data.checks import AT
from penchant.data.files import by_pattern
from penchant.data.reading import find_files
from penchant.data.sieve import Sieve, id_checks
from penchant.data.source import read_table
from penchant.data.unread import cells_of, count_unread
from penchant.data.values import id_of
from penchant.errors import DataError
from penchant.schema import ITEM, USER, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penchant.data.checks import ChecksConfig
    from penchant.data.config import ItemsConfig, UsersConfig
    from penchant.data.source import Scratch

_SAME_ID = "an earlier row has the same id"


@dataclass(kw_only=True)
class Entities:
    """One row for each item, or for each user.

    Attributes:
        sieve: what remembers the rows that fell.
        kept: rows of the source that were not refused.
        rows: the id (Int64 or String, as its source has it), and the columns that the run file names.
        notes: counts for the report.
        root: the folder that paths in its cells are relative to.
    """

    sieve: Sieve
    kept: int
    rows: pl.DataFrame
    notes: dict[str, Any]
    root: Path


def read_items(config: ItemsConfig, base: Path, limits: ChecksConfig, scratch: Scratch) -> Entities:
    """The items table: ids, the columns that are named, and the title.

    Raises:
        DataError: a file cannot be read, more rows are bad than `limits` allows, or none is good.
    """
    columns = dict(config.columns)
    if config.title:
        columns.setdefault(config.title, Column(kind=Kind.TEXT))
    return _read("items", ITEM, config, columns, limits, (base, scratch))


def read_users(config: UsersConfig, base: Path, limits: ChecksConfig, scratch: Scratch) -> Entities:
    """The users table: ids and the columns that are named.

    Raises:
        DataError: a file cannot be read, more rows are bad than `limits` allows, or none is good.
    """
    return _read("users", USER, config, config.columns, limits, (base, scratch))


def _read(
    name: str,
    canonical: str,
    config: ItemsConfig | UsersConfig,
    columns: Mapping[str, Column],
    limits: ChecksConfig,
    where: tuple[Path, Scratch],
) -> Entities:
    base, scratch = where
    source_id: str = getattr(config, canonical)
    paths = find_files(config.path, base)
    root = paths[0].resolve().parent
    here = {column: what for column, what in columns.items() if what.pattern is None}
    keys = dict.fromkeys(here, f"[data.{name}.columns]") | {source_id: f"[data.{name}] {canonical}"}
    source = read_table(name, paths, keys, config.separator, scratch)
    cells = [pl.col(AT), id_of(source_id, source.kinds[source_id]).alias(canonical), *cells_of(source, here)]
    sieve = Sieve(source)
    rows = source.collect(source.numbered().select(cells))
    left, _ = sieve.sift(rows.lazy(), id_checks(canonical, source_id, source.kinds[source_id]))
    sieve.limit(limits.max_bad_fraction)
    rows = rows if left is None else rows.filter(left)
    if config.repeats == "refuse":
        again = rows.filter(~pl.col(canonical).is_first_distinct())
        sieve.fall("duplicate", again.select(AT, pl.lit(_SAME_ID).alias("reason")))
        rows = rows.join(again, on=AT, how="anti", maintain_order="left")
    kept = rows.height
    if not kept:
        raise DataError(f"No row of {name} is left. {sieve.summary()}")
    rows = merge(rows.drop(AT), canonical) if config.repeats == "merge" else rows.drop(AT)
    for column, what in columns.items():
        if what.kind is Kind.VECTOR:
            one_length(rows[column], f"{paths[0]}, [data.{name}.columns]")
        if what.pattern is not None:
            found = by_pattern(rows[canonical].cast(pl.String), what.pattern, root)
            rows = rows.with_columns(found.alias(column))
    notes = count_unread(source, here)
    if config.repeats == "merge":
        notes["merged_into"] = {name: rows.height}
    return Entities(sieve=sieve, kept=kept, rows=rows.select(canonical, *columns), notes=notes, root=root)


def merge(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row for each id, in the order in which ids first appear.

    Args:
        rows: any number of rows for each id.
        key: the column with the id.

    Returns:
        in each column the value that most rows of the id have, empty cells aside; among equals the earliest.
    """
    merged = rows.select(pl.col(key).unique(maintain_order=True))
    for column in rows.columns:
        if column != key:
            counted = rows.select(key, column).drop_nulls(column).group_by(key, column, maintain_order=True).len()
            common = counted.sort("len", descending=True, maintain_order=True).unique(key, keep="first")
            merged = merged.join(common.drop("len"), on=key, how="left", maintain_order="left")
    return merged
