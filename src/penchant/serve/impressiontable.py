# SPDX-License-Identifier: Apache-2.0
"""Lists that were shown, as the database holds them: one row for each list."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl
import sqlalchemy as sa

TABLES = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up only in columns of this name
LISTS = sa.Table(
    "lists",
    TABLES,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("request_id", sa.String(128), nullable=False, index=True),
    sa.Column("time", sa.BigInteger(), nullable=False),
    sa.Column("user_id_number", sa.BigInteger()),
    sa.Column("user_id_text", sa.Text()),
    sa.Column("bundle", sa.Text(), nullable=False),
    sa.Column("experiment", sa.Text(), index=True),
    sa.Column("variant", sa.Text()),
    sa.Column("items", sa.Text(), nullable=False),
    sa.Column("propensities", sa.Text()),
)
"""`items` and `propensities` are JSON lists, best place first; no propensities means that each was certain."""
SEEN = sa.Table(
    "lists_seen",
    TABLES,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("request_id", sa.String(128), nullable=False, index=True),
    sa.Column("time", sa.BigInteger(), nullable=False),
    sa.Column("items", sa.Text()),
)
"""What came to somebody's eyes; no `items` means all of the list."""

_AT_ONCE = 50_000


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A list that was shown.

    Attributes:
        request_id: of the request that it answered.
        time: when, in microseconds since 1970.
        user_id: to whom; None to somebody of whom only a history was told.
        bundle: who answered.
        items: ids, best place first.
        propensities: the probability of each item at its place; None where each was certain.
        experiment: the experiment that the user takes part in, if in one.
        variant: and the variant of it that answered.
    """

    request_id: str
    time: int
    user_id: int | str | None
    bundle: str
    items: list[int | str]
    propensities: list[float] | None = None
    experiment: str | None = None
    variant: str | None = None

    def row(self) -> dict[str, Any]:
        """As the database holds it."""
        by_number = isinstance(self.user_id, int)
        return {
            "request_id": self.request_id,
            "time": self.time,
            "user_id_number": self.user_id if by_number else None,
            "user_id_text": None if by_number else self.user_id,
            "bundle": self.bundle,
            "experiment": self.experiment,
            "variant": self.variant,
            "items": msgspec.json.encode(self.items).decode(),
            "propensities": None if self.propensities is None else msgspec.json.encode(self.propensities).decode(),
        }


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What of a list came to somebody's eyes; `items` None means all of it."""

    request_id: str
    time: int
    items: list[int | str] | None = None

    def row(self) -> dict[str, Any]:
        """As the database holds it."""
        items = None if self.items is None else msgspec.json.encode(self.items).decode()
        return {"request_id": self.request_id, "time": self.time, "items": items}


def read_lists(engine: sa.Engine, since: int = 0, experiment: str | None = None) -> pl.DataFrame:
    """The lists from a moment on, oldest first, with the columns of the table.

    Args:
        engine: of the database.
        since: microseconds since 1970.
        experiment: only those of users who took part in it.
    """
    query = sa.select(LISTS).where(LISTS.c.time >= since)
    if experiment is not None:
        query = query.where(LISTS.c.experiment == experiment)
    return _frame(engine, query, LISTS)


def read_seen(engine: sa.Engine, since: int = 0) -> pl.DataFrame:
    """What was seen from a moment on, with the columns of the table; arguments as of `read_lists`."""
    query = sa.select(SEEN).where(SEEN.c.time >= since)
    return _frame(engine, query, SEEN)


def _frame(engine: sa.Engine, query: sa.Select[Any], table: sa.Table) -> pl.DataFrame:
    """What a query finds, in parts, so that no more than `_AT_ONCE` rows are Python objects at a time."""
    schema = {column.name: column.type.python_type for column in table.columns}
    parts, last = [pl.DataFrame(schema=schema)], 0
    with engine.connect() as connection:
        while rows := connection.execute(
            query.where(table.c.number > last).order_by(table.c.number).limit(_AT_ONCE)
        ).fetchall():
            last = rows[-1].number
            parts.append(pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row"))
    return pl.concat(parts)
