# SPDX-License-Identifier: Apache-2.0
"""Start the service and keep it up: the one place that knows uvicorn."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import torch
import uvicorn

from penchant.bundle.bundle import open_bundle
from penchant.errors import ConfigError
from penchant.serve.beat import Beat
from penchant.serve.edge import ACCESS
from penchant.serve.eventlog import EventLog
from penchant.serve.guard import Pace
from penchant.serve.http import create_app
from penchant.serve.keys import Keys
from penchant.serve.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from fastapi import FastAPI

_BACKLOG = 2048
_LEAST_BURST = 10.0
_LOOK_EVERY = 0.05
"""Seconds after which the database is looked into for what other processes said of items."""


class ServeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[serve]` table."""

    host: str = "127.0.0.1"
    """Which of this machine's addresses to listen at; 0.0.0.0 for all of them."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    """0 takes any free port."""
    events: str | None = None
    """Address of the event log's database; None for `events.db` beside the bundles."""
    threads: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Threads of one matrix product. One is best for short answers: more of them wait for each other."""
    keys: str | None = None
    """A file of keys, made by `penchant keys`: only who brings one is answered. None answers everybody."""
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Requests a second that each key, or without keys each address, may make for ever. None for any number."""
    burst: Annotated[float, msgspec.Meta(ge=1)] | None = None
    """Requests that may come at once, with `rate`; None for those of two seconds, and at least 10."""
    access_log: bool = False
    """Whether each request is written to standard error, as a line of JSON."""


def run(
    bundle: Path | str,
    config: ServeConfig | None = None,
    *,
    extend: Callable[[FastAPI, Service], None] | None = None,
    ready: Callable[[str, Service], None] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        bundle: a bundle, or the folder of bundles whose current one is served.
        config: where to listen and where events are kept.
        extend: adds pages to the app before it starts.
        ready: told the address once everything is loaded, just before the first request is taken.

    Raises:
        ConfigError: the port is taken or the host is not this machine's, or there are no keys in the file of
            keys; found before any work begins.
        BundleError: the bundle cannot be served.
        EventLogError: the event log cannot be opened.
    """
    bundle, config = Path(bundle), config or ServeConfig()
    with listen(config.host, config.port) as listener:
        torch.set_num_threads(config.threads)
        keys = Keys.load(Path(config.keys)) if config.keys else None
        pace = Pace(config.rate, config.burst or max(2 * config.rate, _LEAST_BURST)) if config.rate else None
        opened = open_bundle(bundle)
        log = EventLog(config.events or beside(bundle))
        try:
            service = Service(opened, log)
            app = create_app(service, keys, pace)
            if extend:
                extend(app, service)
            if ready:
                ready(address(listener), service)
            server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning"))
            with access_log(wanted=config.access_log), Beat(service.follow, _LOOK_EVERY), _orderly_end():
                server.run(sockets=[listener])
        finally:
            log.close()


def beside(bundle: Path) -> str:
    """The event log's address where none is given: `events.db` in the folder that holds the bundles."""
    folder = bundle.parent if (bundle / "manifest.json").exists() else bundle
    return f"sqlite:///{folder.resolve() / 'events.db'}"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: nobody else can take the address, and who comes while the bundle loads waits.

    Raises:
        ConfigError: says what is wrong with the address, and which option changes it.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ConfigError(f"There is no host {host!r} ({error.strerror}): choose another with --host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)  # without this, Linux lets a second program bind the same port
    except OSError as error:
        listener.close()
        raise ConfigError(_cannot_listen(host, port, error)) from error
    return listener


def address(listener: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


@contextmanager
def _orderly_end() -> Iterator[None]:
    """uvicorn, once it has ended, sends itself the signal that ended it: that must not skip closing the log."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if main else None
    with suppress(KeyboardInterrupt):
        yield
    if main:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def access_log(*, wanted: bool) -> Iterator[None]:
    """Inside, requests are written to standard error."""
    if not wanted:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    before = ACCESS.level, ACCESS.propagate
    ACCESS.addHandler(handler)
    ACCESS.setLevel(logging.INFO)
    ACCESS.propagate = False
    try:
        yield
    finally:
        ACCESS.removeHandler(handler)
        ACCESS.level, ACCESS.propagate = before


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} at {host} is in use by another program: choose another with --port, or stop that one"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose one above 1023 with --port"
    return f"Cannot listen at {host}, port {port} ({error.strerror}): choose others with --host and --port"
