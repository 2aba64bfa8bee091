# SPDX-License-Identifier: Apache-2.0
"""The durable event log: what is acknowledged is on the disk.

One writer thread owns the only writing connection of a process. Whatever waits when it comes back from a commit
goes into its next transaction together (group commit), so that many clients share one wait for the disk. SQLite
in WAL mode with `synchronous=FULL` by default; PostgreSQL by URL.

Sequence numbers are given by the writer and not by the database: they are then without a gap, in the order in
which events were committed. Several processes may write to one log: they take turns (`database.take_turn`), and
each tells its listener of the others' events as well, a moment later and in the same order.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.database import Glance, broke_off, connect, insert, make_tables, reason_of, take_turn
from penchant.serve.eventtable import (
    EVENTS,
    FRAME,
    IDS,
    LAST,
    SEQUENCE,
    TABLES,
    event_of,
    identity,
    known_ids,
    last_number,
    row_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from penchant.serve.eventtable import Event

    Listener = Callable[[Sequence[Event], int], None]

LOG = logging.getLogger(__name__)

LARGEST_GROUP = 20_000
"""Events in one transaction, at most: bounds how long the first of them waits."""
LOOK_EVERY = 0.02
"""Seconds after which the log is looked into for events of other processes."""
LOOK_LATER = 1.0
"""The same while the database is away."""

_ATTEMPTS = 5
_NAMES = list(FRAME)


class EventLogError(PenchantError):
    """The log cannot be written or read now; nothing of the refused request was kept."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Events are durable.

    Attributes:
        numbers: the sequence number of each, in the order given; of one that was there, that which it has.
        repeated: how many of them were there already, by their `event_id`.
    """

    numbers: list[int]
    repeated: int


class EventLog:
    """An append-only log of events. Safe to use from many threads and many processes."""

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
            make_tables(self.engine, TABLES)
            with self.engine.begin() as connection:
                take_turn(connection, "events")
                self._last = last_number(connection)
                self.identity = identity(connection)
                """A name that no other log has, whatever its address is."""
        except sa.exc.DBAPIError as error:
            self.engine.dispose()
            raise EventLogError(f"The event log {self.url} cannot be opened: {reason_of(error)}") from error
        self._glance = Glance(self.engine)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._listener: Listener | None = None
        self._told = self._last
        self._telling = threading.Lock()
        self._gate = threading.Lock()
        self._closed = False
        self._away = ""
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

    @property
    def away(self) -> str:
        """Why the database does not answer, as of when it was last asked; empty while it does."""
        return self._away

    def listen(self, listener: Listener | None, after: int | None = None) -> None:
        """Let somebody hear of what is durable, from whichever process it came.

        Args:
            listener: called with events and the number of the first one, in the order of their numbers, none left
                out and none twice; of this process's events before the one who waits for them goes on.
            after: it is told of what comes after this number; None for what comes from now on.
        """
        with self._telling:
            self._told = self._last if after is None else after
            self._listener = listener

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
        null), the same of the item, `time`, `type`, `value`, `more`. `eventtable.canonical` turns them into an
        events table.
        """
        try:
            with self.engine.connect() as connection:
                while rows := _after(connection, after, batch):
                    frame = pl.DataFrame([tuple(row) for row in rows], schema=FRAME, orient="row").select(_NAMES)
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
        going, looked = True, time.monotonic()
        while going:
            group: list[_Waiting] = []
            size = 0
            try:
                waiting = self._queue.get(timeout=LOOK_LATER if self._away else LOOK_EVERY)
                while waiting is not None:
                    group.append(waiting)
                    size += len(waiting.events)
                    if size >= LARGEST_GROUP or self._queue.empty():
                        break
                    waiting = self._queue.get()
                going = waiting is not None
            except queue.Empty:
                pass
            if group:
                self._commit(group)
            if going and (not group or time.monotonic() > looked + LOOK_EVERY):
                self._look()
                looked = time.monotonic()

    def _commit(self, group: list[_Waiting]) -> None:
        events = [event for waiting in group for event in waiting.events]
        try:
            numbers, fresh = self._insert(events)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever ails the driver
            LOG.warning("event log: %d events refused: %s", len(events), reason_of(error))
            if len(group) > 1 and not isinstance(error, sa.exc.OperationalError):
                for waiting in group:  # one bad event must not take its neighbours with it
                    self._commit([waiting])
                return
            text = f"The event log {self.url} cannot be written: {reason_of(error)}. {_kept(error)}"
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

    def _insert(self, events: Sequence[Event]) -> tuple[list[int], list[bool]]:
        """Write events in one transaction.

        Returns:
            the number of each, and whether it was written now: not if one with its id was there already.
        """
        ids = [event.event_id for event in events if event.event_id is not None]
        for attempt in range(_ATTEMPTS):
            try:
                with self.engine.begin() as connection:
                    take_turn(connection, "events")
                    first = last_number(connection) + 1
                    numbers, fresh = _numbered(events, first, known_ids(connection, ids))
                    new = [
                        (number, one) for number, one, is_new in zip(numbers, events, fresh, strict=True) if is_new
                    ]
                    insert(connection, EVENTS, [row_of(one, n) for n, one in new])
                    named = [(one.event_id, n) for n, one in new if one.event_id is not None]
                    insert(connection, IDS, named)
            except sa.exc.IntegrityError:
                # Of a database whose writers cannot take turns: another one was first.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        self._last = first + len(new) - 1
        return numbers, fresh

    def _tell(self, events: Sequence[Event], first: int) -> None:
        with self._telling:
            if first == self._told + 1:
                self._hand_over(events, first)
            if first <= self._told:
                return
        self._look()  # others' events lie between

    def _look(self) -> None:
        """Tell of what others wrote, and notice whether the database answers."""
        try:
            with self._telling:
                while self._told < (self._glance(LAST) or 0):
                    with self.engine.connect() as connection:
                        rows = _after(connection, self._told, LARGEST_GROUP)
                    self._hand_over([event_of(row) for row in rows], rows[0][0])
                    self._last = max(self._last, self._told)
        except Exception as error:  # noqa: BLE001 - the writer must live on, whatever ails the driver
            if not self._away:
                LOG.warning("the event log %s is away: %s", self.url, reason_of(error))
            self._away = reason_of(error)
        else:
            if self._away:
                LOG.warning("the event log %s is back", self.url)
            self._away = ""

    def _hand_over(self, events: Sequence[Event], first: int) -> None:
        self._told = first + len(events) - 1
        if self._listener:
            try:
                self._listener(events, first)
            except Exception:  # the events are durable: whatever ails the listener, the writer must live on
                LOG.exception("the event log's listener failed at events from number %d", first)


class _Waiting:
    """A request that waits for its commit."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.future: Future[Written] = Future()
        # From here on nobody can cancel what may have been written already.
        self.future.set_running_or_notify_cancel()


def _after(connection: sa.Connection, number: int, most: int) -> Sequence[sa.Row[Any]]:
    query = sa.select(EVENTS).where(EVENTS.c[SEQUENCE] > number).order_by(EVENTS.c[SEQUENCE]).limit(most)
    return connection.execute(query).fetchall()


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


def _kept(error: Exception) -> str:
    """What became of events that were refused: a connection may break after the commit and before its answer."""
    if broke_off(error):
        return (
            "The connection broke off, and whether the events of this request were kept is not known: send them "
            "again with event_id, and none is kept twice"
        )
    return "No event of this request was kept"
