# SPDX-License-Identifier: Apache-2.0
"""The events table on its way in: lazily from the source's columns to the canonical ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from penchant.data.checks import AT
from penchant.data.dataset import PART
from penchant.data.reading import find_files
from penchant.data.sieve import Sieve, id_checks, number_check, time_checks
from penchant.data.sorting import write_dealt
from penchant.data.source import read_table
from penchant.data.times import TimeUnit, time_of
from penchant.data.unread import cells_of, count_unread
from penchant.data.values import blank, given, id_of, number_of, text_of, whole_ids
from penchant.errors import DataError
from penchant.schema import (
    AMOUNT,
    EVENT_COLUMNS,
    EVENT_EXTRAS,
    ITEM,
    POSITION,
    SESSION,
    TIME,
    TYPE,
    USER,
    VALUE,
    IdType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from penchant.data.checks import ChecksConfig
    from penchant.data.config import EventsConfig
    from penchant.data.sieve import Check
    from penchant.data.source import Scratch, Source

_SAMPLE = 1_000_000
_GIVEN = "_given "
STORED = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


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
        return tuple(self.order(session=False))

    def order(self, *, session: bool) -> list[str]:
        """The canonical columns as they stand in a data set; with `session` if it is added."""
        have = self.scan().collect_schema().names()
        extras = [name for name in EVENT_EXTRAS if name in have or (session and name == SESSION)]
        first = [*EVENT_COLUMNS, *extras]
        return first + [name for name in have if name not in (AT, *first)]

    def scan(self, first: int = 0, last: int | None = None) -> pl.LazyFrame:
        """Events at the positions `first` to `last` (exclusive) of the source: `AT` and the canonical columns."""
        rows = self.source.numbered(first, last).select(self.cells)
        if self.left is not None:
            rows = rows.filter(self.left)
        return rows.drop(cs.starts_with(_GIVEN)).cast({column: STORED[kind] for column, kind in self.ids.items()})

    def deal(self, frame: pl.LazyFrame, which: pl.Expr, folder: Path) -> None:
        """Write the rows of a query over them into one folder for each number that `which` gives.

        Raises:
            DataError: a file is damaged.
            OSError: the disk is full, or the like.
        """
        try:
            write_dealt(frame, which, folder)
        except pl.exceptions.PolarsError as error:
            raise self.source.explain(error) from error

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
    cells = _cells(source, config)
    if None not in files:
        cells.append(_part(source, {part: len(some) for part, some in files.items() if part}))
    sieve = Sieve(source)
    rows = source.numbered().select(cells)
    texts = [column for column in (USER, ITEM) if rows.collect_schema()[column] == pl.String]
    odd = {column: ~whole_ids(column) for column in texts}
    left, counted = sieve.sift(rows, _checks(source, config, now), odd)
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
    keys |= {config.price: "[data.events] price"} if config.price else {}
    return dict.fromkeys(config.context, "[data.events.context]") | keys


def _cells(source: Source, config: EventsConfig) -> list[pl.Expr]:
    """The canonical columns, and for each that holds numbers whether a cell holds anything."""
    kinds = source.kinds
    cells = [
        pl.col(AT),
        id_of(config.user_id, kinds[config.user_id]).alias(USER),
        id_of(config.item_id, kinds[config.item_id]).alias(ITEM),
        _time(source, config).alias(TIME),
        _type(source, config).alias(TYPE),
    ]
    if config.value is None:
        cells.append(pl.lit(None, pl.Float64).alias(VALUE))
    for name, column in _numbers(config).items():
        number = number_of(column, kinds[column])
        if name == POSITION:
            number = pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
        if name == AMOUNT and config.price and config.quantity:
            # An empty quantity is one piece; one that is no number is refused by a check of its own.
            number *= number_of(config.quantity, kinds[config.quantity]).fill_null(1.0)
        cells += [number.alias(name), given(column, kinds[column]).alias(f"{_GIVEN}{name}")]
    if config.session:
        text = text_of(config.session, kinds[config.session])
        cells.append(pl.when(~blank(text)).then(text).alias(SESSION))
    return [*cells, *cells_of(source, config.context)]


def _checks(source: Source, config: EventsConfig, now: datetime) -> list[Check]:
    checks = []
    for name, column in ((USER, config.user_id), (ITEM, config.item_id)):
        checks += id_checks(name, column, source.kinds[column])
    if config.time:
        checks += time_checks(config.time, now, clock=config.time_unit is not TimeUnit.ORDER)
    return checks + [number_check(name, column, f"{_GIVEN}{name}") for name, column in _numbers(config).items()]


def _numbers(config: EventsConfig) -> dict[str, str]:
    """The canonical columns that hold numbers -> the source's columns."""
    named = {VALUE: config.value, **config.extras()}
    return {name: column for name, column in named.items() if column is not None and name != SESSION}


def _time(source: Source, config: EventsConfig) -> pl.Expr:
    if config.time is None:
        return pl.col(AT)
    return time_of(source.sample(config.time, _SAMPLE), config.time_unit, config.time_format)


def _type(source: Source, config: EventsConfig) -> pl.Expr:
    if config.type is None:
        return pl.lit(config.default_type)
    types = text_of(config.type, source.kinds[config.type])
    return pl.when(~blank(types)).then(types).fill_null(config.default_type)


def _part(source: Source, files: Mapping[str, int]) -> pl.Expr:
    """The part of each row; `files` says how many files each part has, in the order of reading."""
    names = [part for part, count in files.items() for _ in range(count)]
    firsts: dict[str, int] = {}
    for name, start in zip(names, source.starts, strict=True):
        firsts.setdefault(name, start)
    part = pl.lit(None, pl.String)
    for name, start in firsts.items():
        part = pl.when(pl.col(AT) >= start).then(pl.lit(name)).otherwise(part)
    return part.alias(PART)
