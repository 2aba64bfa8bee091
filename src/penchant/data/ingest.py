# SPDX-License-Identifier: Apache-2.0
"""From the user's files to a clean `Dataset`, a quarantine and a report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.checks import AT
from penchant.data.config import DataConfig
from penchant.data.dataset import Dataset
from penchant.data.reading import find_files
from penchant.data.tables import Table, read_events, read_items, read_users, thin_events
from penchant.data.times import TimeUnit
from penchant.data.values import id_type
from penchant.schema import ITEM, TYPE, USER, IdType, Kind, Schema

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DataConfig", "Ingested", "ingest"]


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What `ingest` made.

    Attributes:
        dataset: the clean tables.
        quarantine: refused rows with their reasons, in the columns of `checks.QUARANTINE`.
        report: for each table its counts, for each broken rule how often and one example, and the totals.
    """

    dataset: Dataset
    quarantine: pl.DataFrame
    report: dict[str, Any]


def ingest(config: DataConfig, base: Path, *, now: datetime | None = None) -> Ingested:
    """Read, check and clean the files that a run file names.

    Args:
        config: the run file's `[data]`.
        base: the folder that its paths are relative to.
        now: what counts as the present; times more than a day later are refused.

    Raises:
        DataError: a file cannot be read, or too many of its rows cannot be used.
    """
    limits = config.checks
    events = read_events(config.events, base, now or datetime.now(UTC), limits)
    items = read_items(config.items, base, limits) if config.items else None
    users = read_users(config.users, base, limits) if config.users else None
    kinds = {USER: _settle_ids(USER, events, users), ITEM: _settle_ids(ITEM, events, items)}
    thin_events(events, limits)
    known = items.rows.drop(AT) if items else events.rows.select(ITEM).clear()
    dataset = Dataset(
        name=config.name,
        schema=_schema(config, events, kinds),
        events=events.rows.drop(AT),
        items=_with_all_items(known, events.rows),
        users=users.rows.drop(AT) if users else events.rows.select(USER).clear(),
        root=find_files(config.items.path, base)[0].resolve().parent if config.items else None,
    )
    tables = [table for table in (events, items, users) if table is not None]
    report = {table.name: table.report() for table in tables}
    seen = dataset.events[ITEM].n_unique()
    report["dataset"] = {
        "events": dataset.events.height,
        "users": dataset.events[USER].n_unique(),
        "items": seen,
        "items_without_events": dataset.items.height - seen,
        "items_without_row": dataset.items.height - known.height,
    }
    quarantine = pl.concat([table.sieve.quarantine() for table in tables])
    return Ingested(dataset=dataset, quarantine=quarantine, report=report)


def _settle_ids(column: str, *tables: Table | None) -> IdType:
    """One type for the ids of all tables that carry them."""
    carriers = [table for table in tables if table is not None]
    kind = id_type(table.rows[column] for table in carriers)
    if kind is IdType.INTEGER:
        for table in carriers:
            table.rows = table.rows.with_columns(pl.col(column).cast(pl.Int64))
    return kind


def _with_all_items(items: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The items table, and below it a row of nulls for each item that only events know."""
    missing = (
        events.select(ITEM).unique(maintain_order=True).join(items, on=ITEM, how="anti", maintain_order="left")
    )
    return pl.concat([items, missing], how="diagonal")


def _schema(config: DataConfig, events: Table, kinds: dict[str, IdType]) -> Schema:
    items = config.items.columns if config.items else {}
    return Schema(
        user_id=kinds[USER],
        item_id=kinds[ITEM],
        items=items,
        users=config.users.columns if config.users else {},
        event_types=tuple(events.rows[TYPE].unique().sort().to_list()),
        has_value=config.events.value is not None,
        has_time=config.events.time is not None and config.events.time_unit is not TimeUnit.ORDER,
        title=config.items.title if config.items else None,
        image=next((name for name, column in items.items() if column.kind is Kind.IMAGE), None),
    )
