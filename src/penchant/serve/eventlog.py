# SPDX-License-Identifier: Apache-2.0
"""The durable event log: what is acknowledged is on the disk.

One writer thread owns the only writing connection. Whatever waits when it comes back from a commit goes into
its next transaction together (group commit), so that many clients share one wait for the disk. SQLite in WAL
mode with `synchronous=FULL` by default; any database that SQLAlchemy knows by its URL.

Sequence numbers are given by the writer and not by the database: they are then without a gap, in the order in
which events arrived, and a second process that writes to the same log meets the primary key instead of
slipping in between.
"""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.schema import DEFAULT_TYPE, ITEM, TIME, TYPE, USER, VALUE, IdType
from penchant.serve.database import connect, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LOG = logging.getLogger(__name__)

SEQUENCE = "sequence"
MORE = "more"
"""What an event says beyond the other columns, as a JSON object; null where that is nothing."""
LARGEST_GROUP = 20_000
"""Events in one transaction, at most: bounds how long the first of them waits."""

_ATTEMPTS = 5
_NUMBER, _TEXT = "_number", "_text"

_TABLE = sa.Table(
    "events",
    sa.MetaData(),
    sa.Column(SEQUENCE, sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column(USER + _NUMBER, sa.BigInteger()),
    sa.Column(USER + _TEXT, sa.Text()),
    sa.Column(ITEM + _NUMBER, sa.BigInteger()),
    sa.Column(ITEM + _TEXT, sa.Text()),
    sa.Column(TIME, sa.BigInteger(), nullable=False),
    sa.Column(TYPE, sa.Text(), nullable=False),
    sa.Column(VALUE, sa.Double()),
    sa.Column(MORE, sa.Text()),
)

_IDS = sa.Table(
    "event_ids",
    _TABLE.metadata,
    sa.Column("event_id", sa.String(512), primary_key=True),
    sa.Column(SEQUENCE, sa.BigInteger(), nullable=False),
)
"""The events that were given ids by who sent them: one that is sent again is not written again."""

_AT_ONCE = 500
"""Ids of one question: databases limit the number of its parameters."""

_FRAME = {
    SEQUENCE: pl.Int64(),
    USER + _NUMBER: pl.Int64(),
    USER + _TEXT: pl.String(),
    ITEM + _NUMBER: pl.Int64(),
    ITEM + _TEXT: pl.String(),
    TIME: pl.Int64(),
    TYPE: pl.String(),
    VALUE: pl.Float64(),
    MORE: pl.String(),
}


class EventLogError(PenchantError):
    """The log cannot be written or read now; nothing of the refused request was kept."""


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


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Events are durable.

    Attributes:
        numbers: the sequence number of each, in the order given; of one that was there, that which it has.
        repeated: how many of them were there already, by their `event_id`.
    """

    numbers: list[int]
    repeated: int


class EventLog:
    """An append-only log of events. Safe to use from many threads; many processes may read."""

    def __init__(self, url: str) -> None:
        """Open the log at `url` (for example `sqlite:///events.db`), making it if it is not there.

        Raises:
            ConfigError: the URL means nothing, or names a database whose driver is not installed.
            EventLogError: the database cannot be opened or written.
        """
        self.engine = connect(url)
        """The database, for what else is kept there."""
        self.url = self.engine.url.render_as_string(hide_password=True)
        try:
            _TABLE.metadata.create_all(self.engine)
            _add_missing(self.engine)
            with self.engine.connect() as connection:
                self._last = _last(connection)
        except sa.exc.DBAPIError as error:
            self.engine.dispose()
            raise EventLogError(f"The event log {self.url} cannot be opened: {reason_of(error)}") from error
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.listener: Callable[[Sequence[Event], int], None] | None = None
        """Called in the writer's thread with what has just become durable and the number of the first event,
        request by request in the order of their numbers, before the one who waits for it goes on."""
        self._gate = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._write_all, name="penchant-event-log", daemon=True)
        self._writer.start()

    @property
    def last(self) -> int:
        """The sequence number of the newest event that this process knows to be on the disk; 0 when empty."""
        return self._last

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._closed

    def append(self, events: Sequence[Event]) -> list[int]:
        """Write `events` and wait until they are durable.

        Returns:
            The sequence number of each event, in the order given.

        Raises:
            EventLogError: they could not be written, and none of them is there.
        """
        return self.submit(events).result().numbers

    def submit(self, events: Sequence[Event]) -> Future[Written]:
        """Like `append`, without waiting: the future is done when the events are durable, or refused."""
        waiting = _Waiting(events)
        with self._gate:
            if self._closed:
                raise EventLogError(f"The event log {self.url} is closed: the service is shutting down")
            self._queue.put(waiting)
        return waiting.future

    def replay(self, after: int = 0, batch: int = 100_000) -> Iterator[pl.DataFrame]:
        """The events after number `after`, oldest first, as tables of at most `batch` rows.

        The columns are those of the database: `sequence`, `user_id_number`, `user_id_text` (one of the two is
        null), the same of the item, `time`, `type`, `value`, `more`. `canonical` turns them into an events table.
        """
        names = list(_FRAME)
        try:
            with self.engine.connect() as connection:
                while True:
                    query = (
                        sa.select(_TABLE)
                        .where(_TABLE.c[SEQUENCE] > after)
                        .order_by(_TABLE.c[SEQUENCE])
                        .limit(batch)
                    )
                    rows = connection.execute(query).fetchall()
                    if not rows:
                        return
                    frame = pl.DataFrame([tuple(row) for row in rows], schema=_FRAME, orient="row").select(names)
                    after = int(frame[SEQUENCE][-1])
                    yield frame
        except sa.exc.DBAPIError as error:
            raise EventLogError(f"The event log {self.url} cannot be read: {reason_of(error)}") from error

    def close(self) -> None:
        """Write what waits, then let go of the database. Closing twice does no harm."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self.engine.dispose()

    def _write_all(self) -> None:
        """The life of the writer thread."""
        going = True
        while going:
            group: list[_Waiting] = []
            size = 0
            waiting = self._queue.get()
            while waiting is not None:
                group.append(waiting)
                size += len(waiting.events)
                if size >= LARGEST_GROUP or self._queue.empty():
                    break
                waiting = self._queue.get()
            going = waiting is not None
            if group:
                self._commit(group)

    def _commit(self, group: list[_Waiting]) -> None:
        events = [event for waiting in group for event in waiting.events]
        try:
            numbers, fresh = self._insert(events)
        except (sa.exc.SQLAlchemyError, OverflowError, UnicodeError) as error:
            LOG.warning("event log: %d events refused: %s", len(events), error)
            if len(group) > 1 and not isinstance(error, sa.exc.OperationalError):
                for waiting in group:  # one bad event must not take its neighbours with it
                    self._commit([waiting])
                return
            reason = reason_of(error)
            text = f"The event log {self.url} cannot be written: {reason}. No event of this request was kept"
            for waiting in group:
                waiting.future.set_exception(EventLogError(text))
            return
        start = 0
        for waiting in group:
            stop = start + len(waiting.events)
            own = [at for at in range(start, stop) if fresh[at]]
            if own:
                self._tell([events[at] for at in own], numbers[own[0]])
            waiting.future.set_result(Written(numbers=numbers[start:stop], repeated=stop - start - len(own)))
            start = stop

    def _tell(self, events: Sequence[Event], first: int) -> None:
        if self.listener:
            try:
                self.listener(events, first)
            except Exception:  # the events are durable: whatever ails the listener, the writer must live on
                LOG.exception("the event log's listener failed at events from number %d", first)

    def _insert(self, events: Sequence[Event]) -> tuple[list[int], list[bool]]:
        """Write events in one transaction.

        Returns:
            the number of each, and whether it was written now: not if one with its id was there already.
        """
        ids = [event.event_id for event in events if event.event_id is not None]
        for attempt in range(_ATTEMPTS):
            first = self._last + 1
            try:
                with self.engine.begin() as connection:
                    numbers, fresh = _numbered(events, first, _known(connection, ids))
                    new = [
                        (number, one) for number, one, is_new in zip(numbers, events, fresh, strict=True) if is_new
                    ]
                    named = [{"event_id": one.event_id, SEQUENCE: n} for n, one in new if one.event_id is not None]
                    if new:
                        connection.execute(_TABLE.insert(), [{**_row(one), SEQUENCE: n} for n, one in new])
                    if named:
                        connection.execute(_IDS.insert(), named)
            except sa.exc.IntegrityError:
                if attempt == _ATTEMPTS - 1:
                    raise
                with self.engine.connect() as connection:  # another process wrote: go behind it
                    self._last = _last(connection)
            else:
                break
        self._last = first + len(new) - 1
        return numbers, fresh


class _Waiting:
    """A request that waits for its commit."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.future: Future[Written] = Future()
        # From here on nobody can cancel what may have been written already.
        self.future.set_running_or_notify_cancel()


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
    kinds = {IdType.INTEGER: _NUMBER, IdType.STRING: _TEXT}
    users, items = pl.col(USER + kinds[user]).alias(USER), pl.col(ITEM + kinds[item]).alias(ITEM)
    further = pl.Struct([pl.Field(name, kind) for name, kind in (more or {}).items()])
    columns = [pl.col(MORE).str.json_decode(further).struct.unnest()] if more else []
    return frame.select(users, items, TIME, TYPE, VALUE, *columns).drop_nulls([USER, ITEM])


def _known(connection: sa.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The numbers of those ids that are there."""
    return {
        row.event_id: row.sequence
        for start in range(0, len(ids), _AT_ONCE)
        for row in connection.execute(sa.select(_IDS).where(_IDS.c.event_id.in_(ids[start : start + _AT_ONCE])))
    }


def _numbered(events: Sequence[Event], first: int, known: dict[str, int]) -> tuple[list[int], list[bool]]:
    """The number of each event, and whether it is new; new ones are numbered from `first`, without a gap."""
    numbers, fresh = [], []
    for event in events:
        there = None if event.event_id is None else known.get(event.event_id)
        numbers.append(first if there is None else there)
        fresh.append(there is None)
        if there is None:
            if event.event_id is not None:
                known[event.event_id] = first
            first += 1
    return numbers, fresh


def _row(event: Event) -> dict[str, Any]:
    user, item = event.user_id, event.item_id
    by_number, of_number = isinstance(user, int), isinstance(item, int)
    return {
        USER + _NUMBER: user if by_number else None,
        USER + _TEXT: None if by_number else user,
        ITEM + _NUMBER: item if of_number else None,
        ITEM + _TEXT: None if of_number else item,
        TIME: event.time,
        TYPE: event.type,
        VALUE: event.value,
        MORE: msgspec.json.encode(event.more).decode() if event.more else None,
    }


def _add_missing(engine: sa.Engine) -> None:
    """Give a log of an earlier version the column that it lacks."""
    if MORE not in {column["name"] for column in sa.inspect(engine).get_columns(_TABLE.name)}:
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {_TABLE.name} ADD COLUMN {MORE} TEXT"))


def _last(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(_TABLE.c[SEQUENCE]))).scalar() or 0)
