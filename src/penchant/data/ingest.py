# SPDX-License-Identifier: Apache-2.0
"""From the user's files to a clean `Dataset`, a quarantine and a report.

There is one road for tables of every size: what is lazy stays lazy until a part of the events that fits into
memory is sorted, sifted by the rules and kept. Small events are one such part, and never touch the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.artefact import fingerprint
from penchant.data.config import DataConfig
from penchant.data.dataset import Dataset
from penchant.data.entities import Entities, read_items, read_users
from penchant.data.events import STORED, Events, read_events
from penchant.data.keeping import Keeper
from penchant.data.links import Links, Reading, read_reviews, read_social
from penchant.data.rules.rule import Known
from penchant.data.rules.table import make
from penchant.data.screening import Screen
from penchant.data.sorting import by_time
from penchant.data.source import IN_MEMORY_ROWS, Scratch
from penchant.data.times import TimeUnit
from penchant.data.values import id_type
from penchant.data.visits import cut
from penchant.errors import ConfigError, DataError
from penchant.schema import EVENT_EXTRAS, ITEM, SESSION, USER, IdType, Kind, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penchant.data.rules.rule import Rule

__all__ = ["DataConfig", "Ingested", "ingest"]

_IN_MEMORY_BYTES = 2**30
"""Events that are sorted at once take no more than about this; sorting takes as much again."""
_LOOKED_AT = 10_000


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What `ingest` made.

    Attributes:
        dataset: the clean tables.
        refused: refused rows with their reasons, in the columns of `checks.QUARANTINE`, to be read lazily.
        report: for each table its counts, for each broken rule how often and one example, and the totals.
        fingerprint: a hash of all that the data set holds.
        keeper: keeps what was put aside on disk there for as long as `refused` may be read.
    """

    dataset: Dataset
    refused: pl.LazyFrame
    report: dict[str, Any]
    fingerprint: str
    keeper: Scratch

    @cached_property
    def quarantine(self) -> pl.DataFrame:
        """The refused rows, in memory."""
        return self.refused.collect(engine="streaming")


def ingest(
    config: DataConfig,
    base: Path,
    *,
    now: datetime | None = None,
    beside: Path | None = None,
    most: int = IN_MEMORY_ROWS,
) -> Ingested:
    """Read, check and clean the files that a run file names.

    Args:
        config: the run file's `[data]`.
        base: the folder that its paths are relative to.
        now: what counts as the present; times more than a day later are refused.
        beside: where a temporary folder for large tables is made.
        most: more events than this are not held in memory at once.

    Raises:
        DataError: a file cannot be read, or too many of its rows cannot be used.
        ConfigError: the run file asks for a rule that lacks what it looks at.
    """
    limits, now, scratch = config.checks, now or datetime.now(UTC), Scratch(beside)
    events = read_events(config.events, base, now, limits, scratch)
    items = read_items(config.items, base, limits, scratch) if config.items else None
    users = read_users(config.users, base, limits, scratch) if config.users else None
    kinds = {USER: _settle(USER, events, users), ITEM: _settle(ITEM, events, items)}
    events.ids = kinds
    rules = _rules(config, events, items, users)
    kept = _keep(events, rules, limits.session_gap, scratch, most)
    known = items.rows if items else pl.DataFrame(schema={ITEM: STORED[kinds[ITEM]]})
    people = users.rows if users else pl.DataFrame(schema={USER: STORED[kinds[USER]]})
    whole = _with_all_items(known, kept.items)
    referred = {USER: pl.concat([people[USER], kept.users]).unique(), ITEM: whole[ITEM]}
    links = _links(config, Reading(base=base, now=now, limits=limits, scratch=scratch, known=referred))
    dataset = Dataset(
        name=config.name,
        schema=_schema(config, kept.types, kinds),
        events=kept.events(),
        items=whole,
        users=people,
        reviews=links["reviews"].rows if "reviews" in links else None,
        social=links["social"].rows if "social" in links else None,
        root=items.root if items else None,
    )
    report = {"events": {**events.sieve.report(kept.height), **events.notes}}
    for name, table in (("items", items), ("users", users)):
        if table:
            report[name] = {**table.sieve.report(table.kept), **table.notes}
    report |= {name: table.sieve.report(table.rows.height) for name, table in links.items()}
    sieves = [table.sieve for table in (events, items, users, *links.values()) if table is not None]
    prints = [_print(table) for table in (whole, people, dataset.reviews, dataset.social)]
    return Ingested(
        dataset=dataset,
        refused=pl.concat([sieve.quarantine() for sieve in sieves]),
        report={**report, "dataset": _totals(kept, whole, known)},
        keeper=scratch,
        fingerprint=fingerprint(dataset.schema, list(dataset.event_columns), kept.fingerprint(), *prints),
    )


def _totals(kept: Keeper, items: pl.DataFrame, known: pl.DataFrame) -> dict[str, int]:
    """What the data set holds; `known` are the items that have a row of their own."""
    return {
        "events": kept.height,
        "users": kept.users.len(),
        "items": kept.items.len(),
        "items_without_events": items.height - kept.items.len(),
        "items_without_row": items.height - known.height,
    }


def _settle(column: str, events: Events, table: Entities | None) -> IdType:
    """One type for the ids of all tables that carry them."""
    own = [table.rows[column]] if table else []
    kind = id_type(own) if events.whole[column] else IdType.STRING
    if table:
        table.rows = table.rows.with_columns(pl.col(column).cast(STORED[kind]))
    return kind


def _rules(config: DataConfig, events: Events, items: Entities | None, users: Entities | None) -> list[Rule]:
    if config.checks.session_gap is not None and config.events.session:
        raise ConfigError("[data.checks] session_gap: [data.events] session names the sessions already")
    known = Known(
        meanings=config.events.types,
        items=items.rows.lazy().select(ITEM) if items else None,
        users=users.rows.lazy().select(USER) if users else None,
        clock=_has_clock(config),
    )
    return make(config.checks.chosen, events.columns, known)


def _keep(events: Events, rules: list[Rule], gap: float | None, scratch: Scratch, most: int) -> Keeper:
    """Sort the events by time, let fall what breaks a rule, and keep the rest.

    Raises:
        DataError: nothing is left.
    """
    most = max(min(most, _IN_MEMORY_BYTES // _width(events)), 1)
    screen = Screen(events, rules, most, scratch)
    parts = screen.sift(by_time(events, events.kept, most, scratch))
    kept = Keeper(scratch)
    for part in cut(parts, gap) if gap is not None else parts:
        kept.add(part.select(events.order(session=gap is not None)))
    for name, fallen in screen.fallen.items():
        if fallen:
            events.sieve.fall(name, pl.concat(fallen))
    if not kept.height:
        raise DataError(f"No row of events is left. {events.sieve.summary()}")
    return kept


def _width(events: Events) -> int:
    """Bytes that an event takes in memory, from a look at the first ones."""
    some = events.collect(events.scan(0, _LOOKED_AT))
    return max(int(some.estimated_size()) // max(some.height, 1), 1)


def _links(config: DataConfig, how: Reading) -> dict[str, Links]:
    links = {}
    if config.reviews:
        links["reviews"] = read_reviews(config.reviews, how)
    if config.social:
        links["social"] = read_social(config.social, how)
    return links


def _with_all_items(items: pl.DataFrame, seen: pl.Series) -> pl.DataFrame:
    """The items table, and below it a row of nulls for each item that only events know."""
    missing = seen.alias(ITEM).to_frame().join(items, on=ITEM, how="anti", maintain_order="left")
    return pl.concat([items, missing], how="diagonal")


def _has_clock(config: DataConfig) -> bool:
    return config.events.time is not None and config.events.time_unit is not TimeUnit.ORDER


def _schema(config: DataConfig, types: pl.Series, kinds: Mapping[str, IdType]) -> Schema:
    items = config.items.columns if config.items else {}
    extras = {*config.events.extras(), *([SESSION] if config.checks.session_gap is not None else [])}
    return Schema(
        user_id=kinds[USER],
        item_id=kinds[ITEM],
        items=items,
        users=config.users.columns if config.users else {},
        context=config.events.context,
        extras=tuple(name for name in EVENT_EXTRAS if name in extras),
        event_types=tuple(types.sort().to_list()),
        meanings=config.events.types,
        has_value=config.events.value is not None,
        has_time=_has_clock(config),
        title=config.items.title if config.items else None,
        image=next((name for name, column in items.items() if column.kind is Kind.IMAGE), None),
    )


def _print(table: pl.DataFrame | None) -> str:
    """A hash of a table, that of one that is not there included."""
    if table is None:
        return ""
    return fingerprint(table.columns, table.hash_rows(seed=0).to_numpy().tobytes())
