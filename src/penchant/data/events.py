# SPDX-License-Identifier: Apache-2.0
"""The events table on its way in: lazily from the source's columns to the canonical ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.cells import kind_of
from penchant.data.checks import AT
from penchant.data.dataset import PART
from penchant.data.reading import find_files
from penchant.data.sieve import Sieve, id_checks, number_check, time_checks
from penchant.data.source import read_table
from penchant.data.times import TimeUnit, time_of
from penchant.data.unread import count_unread
from penchant.data.values import blank, given, id_of, number_of, text_of, whole_ids
from penchant.errors import DataError
from penchant.schema import EVENT_COLUMNS, EVENT_EXTRAS, ITEM, POSITION, SESSION, TIME, TYPE, USER, VALUE, IdType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from penchant.data.checks import ChecksConfig
    from penchant.data.config import EventsConfig
    from penchant.data.sieve import Check
    from penchant.data.source import Scratch, Source

_SAMPLE = 1_000_000
_STORED = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


@dataclass(kw_only=True)
class Events:
    """Events that can be read, in the order of the source.

    Attributes:
        source: the rows as they stand in the files.
        sieve: what remembers the rows that fell.
        cells: an expression over the source's columns for each canonical one, and for what checks look at.
        kept: how many events are left.
        left: a condition over the canonical columns for being one of them; None if all are.
        whole: for each id column whether all ids are integers.
        ids: how ids are to be stored, once that is settled.
        notes: counts for the report.
    """

    source: Source
    sieve: Sieve
    cells: list[pl.Expr]
    kept: int
    left: pl.Expr | None
    whole: dict[str, bool]
    ids: Mapping[str, IdType]
    notes: dict[str, Any]

    @property
    def height(self) -> int:
        """Rows of the source."""
        return self.source.height

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns."""
        return tuple(self.scan().drop(AT).collect_schema().names())

    def scan(self, first: int = 0, last: int | None = None) -> pl.LazyFrame:
        """Events at the positions `first` to `last` (exclusive) of the source: `AT` and the canonical columns."""
        rows = self.source.numbered(first, last).select(self.cells)
        if self.left is not None:
            rows = rows.filter(self.left)
        own = [name for name in rows.collect_schema().names() if name.startswith("_") and name != AT]
        return rows.drop(own).cast({column: _STORED[kind] for column, kind in self.ids.items()})

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Carry out a query over them.

        Raises:
            DataError: a file is damaged.
        """
        return self.source.collect(frame)


def read_events(config: EventsConfig, base: Path, now: datetime, limits: ChecksConfig, scratch: Scratch) -> Events:
    """Look through the events table once.

    Raises:
        DataError: a file cannot be read, more rows are bad than `limits` allows, or none is good.
    """
    files = {part: find_files(path, base) for part, path in config.parts().items()}
    paths = [file for some in files.values() for file in some]
    source = read_table("events", paths, _keys(config), config.separator, scratch)
    cells, checks = _cells(source, config)
    if config.time:
        checks += time_checks(config.time, now, clock=config.time_unit is not TimeUnit.ORDER)
    for name, column in {VALUE: config.value, **config.extras()}.items():
        if column and name != SESSION:
            checks.append(number_check(name, column, f"_given {name}"))
    if None not in files:
        cells.append(_part(source, {part: len(some) for part, some in files.items() if part}).alias(PART))
    sieve = Sieve(source)
    rows = source.numbered().select(cells)
    texts = [column for column in (USER, ITEM) if rows.collect_schema()[column] == pl.String]
    left, counted = sieve.sift(rows, checks, {column: ~whole_ids(column) for column in texts})
    sieve.limit(limits.max_bad_fraction)
    if not counted["kept"]:
        raise DataError(f"No row of events is left. {sieve.summary()}")
    return Events(
        source=source, sieve=sieve, cells=cells, kept=counted["kept"], left=left, ids={},
        whole={column: column not in texts or not counted[column] for column in (USER, ITEM)},
        notes=count_unread(source, config.context) if config.context else {},
    )  # fmt: skip


def _keys(config: EventsConfig) -> dict[str, str]:
    """Each column of the source that is to be read -> the key that names it."""
    named = {key: getattr(config, key) for key in (USER, ITEM, TIME, TYPE, VALUE)} | config.extras()
    keys = {column: f"[data.events] {key}" for key, column in named.items() if column is not None}
    return dict.fromkeys(config.context, "[data.events.context]") | keys


def _cells(source: Source, config: EventsConfig) -> tuple[list[pl.Expr], list[Check]]:
    """The canonical columns, and the checks of their ids."""
    kinds = source.kinds
    user, item = (id_of(column, kinds[column]) for column in (config.user_id, config.item_id))
    cells = [pl.col(AT), user.alias(USER), item.alias(ITEM)]
    stored = source.rows.select(cells[1:]).collect_schema() if False else None  # placeholder
    del stored
    if config.time is None:
        cells.append(pl.col(AT).alias(TIME))
    else:
        cells.append(
            time_of(source.sample(config.time, _SAMPLE), config.time_unit, config.time_format).alias(TIME)
        )
    if config.type is None:
        cells.append(pl.lit(config.default_type).alias(TYPE))
    else:
        types = text_of(config.type, kinds[config.type])
        known = pl.when(~blank(types)).then(types)
        cells.append(known.fill_null(config.default_type).alias(TYPE))
    cells.append(pl.lit(None, pl.Float64).alias(VALUE))
    return cells, []
