# SPDX-License-Identifier: Apache-2.0
"""Several processes that answer at one address, each with all of the bundle and of the log.

They share the listening socket, and the system gives each connection to one of them. Through the database each
knows what came in at the others, a moment later. One that dies is replaced; when the parent dies, all end.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from penchant.errors import PenchantError
from penchant.serve.telemetry import SHARED

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from types import FrameType

LOG = logging.getLogger(__name__)

# Never fork: torch's and polars' threads would be missing in the child, and what they hold stays held.
_CONTEXT = multiprocessing.get_context("spawn")
_STARTS = 3
"""How often a worker may die before it has answered anything."""


class CrewError(PenchantError):
    """The workers cannot be started."""


class Crew:
    """Workers at one socket.

    Args:
        work: what each of them runs: given the socket, and what to call once it is ready to answer. It ends when
            the process is sent SIGTERM. Must be importable.
        listener: bound and listening.
        size: how many.
    """

    def __init__(
        self, work: Callable[[socket.socket, Callable[[], None]], None], listener: socket.socket, size: int
    ) -> None:
        self._work = work
        self._listener = listener
        self._size = size
        self._stopping = False

    def run(self, ready: Callable[[], None]) -> None:
        """Keep the workers up until SIGTERM or Ctrl-C.

        Args:
            ready: called once all of them are ready to answer.

        Raises:
            CrewError: a worker ended before it was ready; it has said why.
        """
        before = {sign: signal.signal(sign, self._stop) for sign in (signal.SIGTERM, signal.SIGINT)}
        ours, theirs = _CONTEXT.Pipe(duplex=False)  # its end tells workers that we are gone
        with tempfile.TemporaryDirectory(prefix="penchant-metrics-") as folder:
            os.environ[SHARED] = folder
            workers: list[SpawnProcess] = []
            try:
                started = [self._start(ours) for _ in range(self._size)]
                workers = [process for process, _ in started]
                for _, told in started:
                    self._await(told)
                if not self._stopping:
                    ready()
                self._watch(workers, ours)
            finally:
                for one in workers:
                    one.terminate()
                for one in workers:
                    one.join()
                theirs.close()
                del os.environ[SHARED]
                for sign, handler in before.items():
                    signal.signal(sign, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, parent: Connection) -> tuple[SpawnProcess, Connection]:
        ours, theirs = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_worker, args=(self._work, self._listener, theirs, parent))
        process.start()
        theirs.close()
        return process, ours

    def _await(self, told: Connection) -> None:
        while not self._stopping:
            if told.poll(0.2):
                try:
                    told.recv()
                except EOFError:
                    raise CrewError("A worker ended before it was ready: see above") from None
                return

    def _watch(self, workers: list[SpawnProcess], parent: Connection) -> None:
        early = 0
        while not self._stopping:
            gone = wait([one.sentinel for one in workers], timeout=0.2)
            for at, one in enumerate(workers):
                if one.sentinel in gone and not self._stopping:
                    LOG.error("worker %s ended with %s: another takes its place", one.pid, one.exitcode)
                    workers[at], told = self._start(parent)
                    try:
                        self._await(told)
                        early = 0
                    except CrewError:
                        early += 1
                        if early >= _STARTS:
                            raise


def _worker(
    work: Callable[[socket.socket, Callable[[], None]], None],
    listener: socket.socket,
    told: Connection,
    parent: Connection,
) -> None:
    """The life of one worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends all in order
    threading.Thread(target=_end_with, args=(parent,), name="penchant-parent", daemon=True).start()
    try:
        with told:
            work(listener, lambda: told.send(None))
    except PenchantError as error:
        LOG.critical("%s", error)
        sys.exit(2)


def _end_with(parent: Connection) -> None:
    """End when the parent is gone, however it ended."""
    try:
        parent.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
