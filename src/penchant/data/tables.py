# SPDX-License-Identifier: Apache-2.0
"""One table on its way in: read, brought into the canonical columns, sifted by the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data import checks
from penchant.data.checks import AT, ChecksConfig, Rule, Sieve
from penchant.data.dataset import PART
from penchant.data.reading import Source, find_files, read_table
from penchant.data.times import TimeUnit, parse_times
from penchant.data.values import as_kind, as_number, as_text, is_blank
from penchant.errors import ConfigError, DataError
from penchant.schema import EVENT_COLUMNS, ITEM, TIME, TYPE, USER, VALUE, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from penchant.data.config import EventsConfig, ItemsConfig, UsersConfig

_GIVEN = "_given"


@dataclass(kw_only=True)
class Table:
    """Rows under check.

    Attributes:
        sieve: what remembers the rows that fell.
        rows: the rows that are left: `AT`, ids (String until the type of all ids is known), other columns.
        notes: counts for the report beside those of the sieve.
    """

    sieve: Sieve
    rows: pl.DataFrame
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Which table it is: "events", "items" or "users"."""
        return self.sieve.source.table

    def sift(self, rules: Sequence[Rule]) -> None:
        """Let the rows that break a rule fall.

        Raises:
            DataError: no row is left.
        """
        self.rows = self.sieve.sift(self.rows, rules)
        if self.rows.is_empty():
            raise DataError(f"No row of {self.name} is left. {self.sieve.summary()}")

    def report(self) -> dict[str, Any]:
        """Counts of rows in, kept and refused, by rule."""
        return {**self.sieve.report(self.rows.height), **self.notes}


def read_events(config: EventsConfig, base: Path, now: datetime, limits: ChecksConfig) -> Table:
    """Events in the canonical columns, with `part` where the source gave a ready split; not yet sorted.

    Raises:
        DataError: a file cannot be read, or more rows are bad than `limits` allows.
    """
    keys = {
        config.user_id: "[data.events] user_id",
        config.item_id: "[data.events] item_id",
        config.time: "[data.events] time",
        config.type: "[data.events] type",
        config.value: "[data.events] value",
    }
    files = {part: find_files(path, base) for part, path in config.parts().items()}
    paths = [file for some in files.values() for file in some]
    columns = {column: key for column, key in keys.items() if column is not None}
    source = read_table("events", paths, columns, config.separator)
    columns_of = {
        AT: pl.int_range(source.rows.height, dtype=pl.Int64, eager=True),
        USER: as_text(source.rows[config.user_id]),
        ITEM: as_text(source.rows[config.item_id]),
        TIME: _times(source, config),
        TYPE: _types(source, config),
        VALUE: _values(source, config),
    }
    rules = [*checks.id_rules(USER, config.user_id), *checks.id_rules(ITEM, config.item_id)]
    if config.time:
        clock = config.time_unit is not TimeUnit.ORDER
        rules += checks.time_rules(config.time, now, clock=clock)
    if config.value:
        columns_of[_GIVEN] = _is_given(source.rows[config.value])
        rules.append(checks.value_rule(config.value, _GIVEN))
    if None not in files:
        columns_of[PART] = _part_of_rows(source, {part: len(some) for part, some in files.items() if part})
    table = Table(sieve=Sieve(source), rows=pl.DataFrame(columns_of))
    table.rows = table.sieve.sift(table.rows, rules).drop(_GIVEN, strict=False)
    table.sieve.limit(limits.max_bad_fraction)
    table.sift([])
    return table


def thin_events(events: Table, limits: ChecksConfig) -> None:
    """Take out repeated events, and rare users and items if that is asked for; then sort by time.

    Raises:
        DataError: nothing is left.
    """
    if limits.duplicates == "refuse":
        keys = [column for column in (*EVENT_COLUMNS, PART) if column in events.rows.columns]
        events.sift([checks.duplicate_rule(keys, "the same user, item, time, type and value")])
    if limits.min_user_events > 1 or limits.min_item_events > 1:
        events.sift([checks.core_rule(events.rows, limits)])
    events.rows = events.rows.sort(TIME, maintain_order=True)


def read_items(config: ItemsConfig, base: Path, limits: ChecksConfig) -> Table:
    """The items table: ids, the columns that are named, and the title.

    Raises:
        ConfigError: a column has the name of the id.
        DataError: a file cannot be read, or more rows are bad than `limits` allows.
    """
    columns = dict(config.columns)
    if config.title:
        columns.setdefault(config.title, Column(kind=Kind.TEXT))
    paths = find_files(config.path, base)
    return _read_entities(
        "items", config.item_id, paths, columns=columns, limits=limits, separator=config.separator
    )


def read_users(config: UsersConfig, base: Path, limits: ChecksConfig) -> Table:
    """The users table: ids and the columns that are named.

    Raises:
        ConfigError: a column has the name of the id.
        DataError: a file cannot be read, or more rows are bad than `limits` allows.
    """
    paths = find_files(config.path, base)
    return _read_entities(
        "users", config.user_id, paths, columns=config.columns, limits=limits, separator=config.separator
    )


def _read_entities(
    name: str,
    source_id: str,
    paths: Sequence[Path],
    *,
    columns: Mapping[str, Column],
    limits: ChecksConfig,
    separator: str | None,
) -> Table:
    canonical = ITEM if name == "items" else USER
    for column in columns:
        if column in (canonical, AT):
            raise ConfigError(f"[data.{name}.columns]: {column!r} is the name of the id; leave it out")
    keys = dict.fromkeys(columns, f"[data.{name}.columns]") | {source_id: f"[data.{name}] {canonical}"}
    source = read_table(name, paths, keys, separator)
    rows = {
        AT: pl.int_range(source.rows.height, dtype=pl.Int64, eager=True),
        canonical: as_text(source.rows[source_id]),
    }
    unread = {}
    for column, what in columns.items():
        cells = source.rows[column]
        rows[column] = as_kind(cells, what)
        if what.kind is Kind.NUMBER:
            lost = _is_given(cells) & rows[column].is_null()
            if lost.any():
                unread[column] = {"count": int(lost.sum()), "example": str(cells.filter(lost)[0])[:60]}
    table = Table(sieve=Sieve(source), rows=pl.DataFrame(rows), notes={"numbers_unread": unread})
    table.rows = table.sieve.sift(table.rows, checks.id_rules(canonical, source_id))
    table.sieve.limit(limits.max_bad_fraction)
    table.sift([checks.duplicate_rule([canonical], "the same id")])
    return table


def _times(source: Source, config: EventsConfig) -> pl.Series:
    if config.time is None:
        return pl.int_range(source.rows.height, dtype=pl.Int64, eager=True)
    return parse_times(source.rows[config.time], config.time_unit, config.time_format)


def _types(source: Source, config: EventsConfig) -> pl.Series:
    if config.type is None:
        return pl.repeat(config.default_type, source.rows.height, dtype=pl.String, eager=True)
    types = as_text(source.rows[config.type])
    return types.set(is_blank(types) | types.is_null(), config.default_type)


def _values(source: Source, config: EventsConfig) -> pl.Series:
    if config.value is None:
        return pl.repeat(None, source.rows.height, dtype=pl.Float64, eager=True)
    return as_number(source.rows[config.value])


def _is_given(cells: pl.Series) -> pl.Series:
    """Where a cell holds anything: not null, not empty text, not NaN."""
    if cells.dtype.is_float():
        return cells.is_not_null() & cells.is_not_nan()
    return cells.is_not_null() if cells.dtype != pl.String else cells.is_not_null() & ~is_blank(cells)


def _part_of_rows(source: Source, files: Mapping[str, int]) -> pl.Series:
    """The part of each row; `files` says how many files each part has, in the order of reading."""
    names = [part for part, count in files.items() for _ in range(count)]
    ends = [*source.starts[1:], source.rows.height]
    heights = [end - start for start, end in zip(source.starts, ends, strict=True)]
    runs = pl.DataFrame({"part": names, "rows": heights}, schema={"part": pl.String, "rows": pl.Int64})
    return runs.select(pl.col("part").repeat_by("rows").explode()).drop_nulls().to_series()
