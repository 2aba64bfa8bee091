# SPDX-License-Identifier: Apache-2.0
"""Events as the database holds them: tables, rows, and the way back to a table of canonical events."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import sqlalchemy as sa

from penchant.schema import DEFAULT_TYPE, ITEM, TIME, TYPE, USER, VALUE, IdType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEQUENCE = "sequence"
MORE = "more"
"""What an event says beyond the other columns, as a JSON object; null where that is nothing."""

REQUEST = "request_id"
"""In `more`: of the answer whose list led to an event."""
NUMBER, TEXT = "_number", "_text"
"""Ends of the names of the two columns of an id, one of which is null."""

TABLES = sa.MetaData()
EVENTS = sa.Table(
    "events",
    TABLES,
    sa.Column(SEQUENCE, sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column(USER + NUMBER, sa.BigInteger()),
    sa.Column(USER + TEXT, sa.Text()),
    sa.Column(ITEM + NUMBER, sa.BigInteger()),
    sa.Column(ITEM + TEXT, sa.Text()),
    sa.Column(TIME, sa.BigInteger(), nullable=False),
    sa.Column(TYPE, sa.Text(), nullable=False),
    sa.Column(VALUE, sa.Double()),
    sa.Column(MORE, sa.Text()),
)
IDS = sa.Table(
    "event_ids",
    TABLES,
    sa.Column("event_id", sa.String(512), primary_key=True),
    sa.Column(SEQUENCE, sa.BigInteger(), nullable=False),
)
"""The events that were given ids by who sent them: one that is sent again is not written again."""
ABOUT = sa.Table(
    "about",
    TABLES,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text(), nullable=False),
)
"""What is known of the log itself: its identity."""

_IDENTITY = "log"
_AT_ONCE = 500
"""Ids of one question: databases limit the number of its parameters."""

FRAME = {
    SEQUENCE: pl.Int64(),
    USER + NUMBER: pl.Int64(),
    USER + TEXT: pl.String(),
    ITEM + NUMBER: pl.Int64(),
    ITEM + TEXT: pl.String(),
    TIME: pl.Int64(),
    TYPE: pl.String(),
    VALUE: pl.Float64(),
    MORE: pl.String(),
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did. Ids keep their type: 7 and "7" are two different ids.

    Attributes:
        user_id: who.
        item_id: with what.
        time: when, in microseconds since 1970 UTC.
        type: how: "watched", "rated", ...
        value: how much, if that means anything for this type.
        more: further columns of the events table by name: dwell, amount, quantity, and those of its context.
        event_id: a name of its own, if the sender gave it one: however often it is sent, it happened once.
    """

    user_id: int | str
    item_id: int | str
    time: int
    type: str = DEFAULT_TYPE
    value: float | None = None
    more: dict[str, Any] | None = None
    event_id: str | None = None


def row_of(event: Event, sequence: int) -> tuple[Any, ...]:
    """What the database holds of an event, in the order of its columns."""
    user, item = event.user_id, event.item_id
    by_number, of_number = isinstance(user, int), isinstance(item, int)
    return (
        sequence,
        user if by_number else None,
        None if by_number else user,
        item if of_number else None,
        None if of_number else item,
        event.time,
        event.type,
        event.value,
        msgspec.json.encode(event.more).decode() if event.more else None,
    )


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row; its `event_id` is not among what is read back."""
    _, user_number, user_text, item_number, item_text, time, kind, value, more = row
    return Event(
        user_id=user_text if user_number is None else user_number,
        item_id=item_text if item_number is None else item_number,
        time=time,
        type=kind,
        value=value,
        more=msgspec.json.decode(more) if more else None,
    )


def canonical(
    frame: pl.DataFrame, user: IdType, item: IdType, more: Mapping[str, pl.DataType] | None = None
) -> pl.DataFrame:
    """A table of `EventLog.replay` with the canonical event columns (see `penchant.schema`).

    Events whose ids are of another type are left out: no catalogue with ids of this type holds them.

    Args:
        frame: out of the log.
        user: the type of users' ids.
        item: the type of items' ids.
        more: further columns to take, with their types; null where an event does not say.
    """
    kinds = {IdType.INTEGER: NUMBER, IdType.STRING: TEXT}
    users, items = pl.col(USER + kinds[user]).alias(USER), pl.col(ITEM + kinds[item]).alias(ITEM)
    further = pl.Struct([pl.Field(name, kind) for name, kind in (more or {}).items()])
    columns = [pl.col(MORE).str.json_decode(further).struct.unnest()] if more else []
    return frame.select(users, items, TIME, TYPE, VALUE, *columns).drop_nulls([USER, ITEM])


LAST = sa.select(sa.func.max(EVENTS.c[SEQUENCE]))
"""Asks for the number of the newest event; null when there is none."""


def last_number(connection: sa.Connection) -> int:
    """The number of the newest event; 0 when there is none."""
    return int(connection.execute(LAST).scalar() or 0)


def known_ids(connection: sa.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The numbers of those ids that are there."""
    return {
        row.event_id: row.sequence
        for start in range(0, len(ids), _AT_ONCE)
        for row in connection.execute(sa.select(IDS).where(IDS.c.event_id.in_(ids[start : start + _AT_ONCE])))
    }


def identity(connection: sa.Connection) -> str:
    """A name that no other log has; given to it the first time that somebody asks."""
    found = sa.select(ABOUT.c.value).where(ABOUT.c.name == _IDENTITY)
    name = connection.execute(found).scalar()
    if name is None:
        name = uuid.uuid4().hex
        connection.execute(ABOUT.insert(), {"name": _IDENTITY, "value": name})
    return str(name)
