# SPDX-License-Identifier: Apache-2.0
"""The log of what was shown: written beside the answers, never in their way, never lost without being counted."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.database import make_tables, reason_of
from penchant.serve.impressiontable import LISTS, SEEN, TABLES, Seen, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG = logging.getLogger(__name__)

MOST_WAITING = 50_000
"""Lists that may wait for a database that is away; of more, the newest are not kept, and counted."""
EVERY = 0.25
"""Seconds between two writes, unless somebody waits."""
_AT_ONCE = 5000


class ImpressionError(PenchantError):
    """Impressions cannot be written or read now."""


class ImpressionLog:
    """What was shown. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it, after this.

    Raises:
        ImpressionError: the tables cannot be made.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        try:
            make_tables(engine, TABLES)
        except sa.exc.DBAPIError as error:
            raise self._refused(error) from error
        self._waiting: deque[Shown] = deque()
        self._asked: deque[tuple[Sequence[Seen], Future[None]]] = deque()
        self._wake = threading.Event()
        self._turn = threading.Lock()
        self._closed = False
        self.written = 0
        """Lists that are in the database."""
        self.dropped = 0
        """Lists that are not, and will not be."""
        self._ailing = False
        self._writer = threading.Thread(target=self._write_all, name="penchant-impressions", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """Lists that are on their way."""
        return len(self._waiting)

    def show(self, shown: Shown) -> None:
        """Write down a list, soon: this does not wait."""
        if self._closed or len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.append(shown)

    def confirm(self, seen: Sequence[Seen]) -> Future[None]:
        """Write down what was seen; done when it is durable, or fails with `ImpressionError`."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()
        with self._turn:
            if self._closed:
                done.set_exception(ImpressionError("Impressions are not written any more: the service is ending"))
            else:
                self._asked.append((seen, done))
        self._wake.set()
        return done

    def flush(self) -> None:
        """Wait until everything that was shown is durable.

        Raises:
            ImpressionError: it cannot be written now.
        """
        self.confirm([]).result()

    def close(self) -> None:
        """Write what waits. Closing twice does no harm."""
        # Whoever was taken in before this is written by the writer's last turn, which comes after it.
        with self._turn:
            self._closed = True
        self._wake.set()
        self._writer.join()

    def _write_all(self) -> None:
        while not self._closed:
            self._wake.wait(EVERY)
            self._wake.clear()
            self._write()
        self._write()
        self.dropped += len(self._waiting)
        if self._waiting:
            LOG.error("%d lists that were shown could not be written down", len(self._waiting))

    def _write(self) -> None:
        """Write everything that waits, the lists before what was seen of them."""
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        error: Exception | None = None
        try:
            while self._waiting and error is None:
                some = list(islice(self._waiting, _AT_ONCE))
                with self.engine.begin() as connection:
                    connection.execute(LISTS.insert(), [one.row() for one in some])
                for _ in some:
                    self._waiting.popleft()
                self.written += len(some)
            rows = [one.row() for seen, _ in asked for one in seen]
            if rows:
                with self.engine.begin() as connection:
                    connection.execute(SEEN.insert(), rows)
            self._ailing = False
        except Exception as found:  # noqa: BLE001 - the thread must live on, and whoever waits must be told
            error = found
            if not self._ailing:
                LOG.warning("impressions wait: %s", reason_of(found))
            self._ailing = True
        for _, done in asked:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(self._refused(error))

    def _refused(self, error: Exception) -> ImpressionError:
        url = self.engine.url.render_as_string(hide_password=True)
        return ImpressionError(f"The impressions in {url} cannot be written: {reason_of(error)}")
