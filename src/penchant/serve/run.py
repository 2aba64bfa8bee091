# SPDX-License-Identifier: Apache-2.0
"""Start the service and keep it up: the one place that knows uvicorn."""

from __future__ import annotations

import logging
import math
import re
import signal
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import torch
import uvicorn

from penchant.bundle.bundle import find
from penchant.bundle.indexing import Search, open_indexed
from penchant.errors import ConfigError
from penchant.recommend.explore import ExploreConfig  # noqa: TC001 - msgspec reads it
from penchant.serve.beat import Beat
from penchant.serve.crew import Crew
from penchant.serve.edge import ACCESS
from penchant.serve.eventlog import EventLog
from penchant.serve.guard import Pace
from penchant.serve.http import create_app
from penchant.serve.impressions import ImpressionLog
from penchant.serve.keys import Keys
from penchant.serve.listening import address, listen
from penchant.serve.offering import Offering
from penchant.serve.service import Service
from penchant.serve.watching import Watch

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from fastapi import FastAPI

_LEAST_BURST = 10.0
_LOOK_EVERY = 0.05
"""Seconds after which the database is looked into for what other processes said of items and users."""
_WATCH_EVERY = 1.0
"""Seconds after which the folder of bundles is looked into for another current bundle, or an experiment."""


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
    index: Search = "auto"
    """How the best of all items are found: "exact" looks at all, "index" uses an index (the extra `ann`), "auto"
    does where there are so many items that it is faster."""
    keys: str | None = None
    """A file of keys, made by `penchant keys`: only who brings one is answered. None answers everybody."""
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Requests a second that each key, or without keys each address, may make for ever. None for any number."""
    burst: Annotated[float, msgspec.Meta(ge=1)] | None = None
    """Requests that may come at once, with `rate`; None for those of two seconds, and at least 10."""
    access_log: bool = False
    """Whether each request is written to standard error, as a line of JSON."""
    impressions: bool = False
    """Whether every list that is given is written down, for off-policy evaluation; experiments write theirs."""
    explore: ExploreConfig | None = None
    """How much places of a list explore; None for not at all. Needs `impressions`."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    """Processes that answer. Each holds all of the bundle; more than one show no page for people."""
    origins: tuple[str, ...] = ()
    """Sites whose pages may ask in a browser (CORS), such as "https://shop.example"; none by default."""
    grace: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Seconds that requests under way have to end once the service is told to."""


def run(
    bundle: Path | str,
    config: ServeConfig | None = None,
    *,
    extend: Callable[[FastAPI, Service], None] | None = None,
    ready: Callable[[str, Service | None], None] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        bundle: a bundle, or the folder of bundles whose current one is served.
        config: where to listen and where events are kept.
        extend: adds pages to the app before it starts; with several workers it must be importable.
        ready: told the address once everything is loaded, just before the first request is taken, and the service,
            if one process is all of it.

    Raises:
        ConfigError: the port is taken or the host is not this machine's, or there are no keys in the file of
            keys; found before any work begins.
        BundleError: the bundle cannot be served.
        EventLogError: the event log cannot be opened.
        CrewError: a worker of several could not be started.
    """
    bundle, config = Path(bundle), config or ServeConfig()
    check(config)
    with listen(config.host, config.port) as listener:
        if config.workers == 1:
            serve(listener, bundle, config, extend, ready)
            return
        find(bundle)
        work = partial(_work, bundle=bundle, config=config, extend=extend)
        Crew(work, listener, config.workers).run(lambda: ready(address(listener), None) if ready else None)


def check(config: ServeConfig) -> None:
    """Refuse what does not go together, before any work begins.

    Raises:
        ConfigError: names the key.
    """
    if config.explore and not config.impressions:
        raise ConfigError("[serve] explore needs impressions = true: what is left to chance must be written down")
    for origin in config.origins:
        if not re.fullmatch(r"https?://[^/*\s]+", origin):
            raise ConfigError(f'[serve] origins: {origin!r} is no site: write it as "https://shop.example"')


def serve(
    listener: socket.socket,
    bundle: Path,
    config: ServeConfig,
    extend: Callable[[FastAPI, Service], None] | None,
    ready: Callable[[str, Service], None] | None,
) -> None:
    """Answer at a socket in this process until SIGTERM or Ctrl-C; arguments and errors as of `run`."""
    torch.set_num_threads(config.threads)
    keys = Keys.load(Path(config.keys)) if config.keys else None
    pace = Pace(config.rate, config.burst or max(2 * config.rate, _LEAST_BURST)) if config.rate else None
    opener = partial(open_indexed, search=config.index)
    opened = opener(bundle)
    with ExitStack() as ends:
        log = EventLog(config.events or beside(bundle))
        ends.callback(log.close)
        shown = ImpressionLog(log.engine)
        ends.callback(shown.close)
        service = Service(
            opened, log, offering=Offering(shown, config.explore, every=config.impressions), opener=opener
        )
        watch = Watch(service, bundle)
        app = create_app(service, keys, pace, config.origins)
        if extend:
            extend(app, service)
        settings = uvicorn.Config(
            app, access_log=False, log_level="warning", timeout_graceful_shutdown=math.ceil(config.grace)
        )
        ends.enter_context(access_log(wanted=config.access_log))
        ends.enter_context(Beat(service.follow, _LOOK_EVERY))
        ends.enter_context(Beat(watch.look, _WATCH_EVERY))
        ends.enter_context(_orderly_end())
        if ready:
            ready(address(listener), service)
        uvicorn.Server(settings).run(sockets=[listener])


def _work(
    listener: socket.socket,
    told: Callable[[], None],
    *,
    bundle: Path,
    config: ServeConfig,
    extend: Callable[[FastAPI, Service], None] | None,
) -> None:
    """What a worker of several does."""
    serve(listener, bundle, config, extend, lambda _address, _service: told())


def beside(bundle: Path) -> str:
    """The event log's address where none is given: `events.db` in the folder that holds the bundles."""
    folder = bundle.parent if (bundle / "manifest.json").exists() else bundle
    return f"sqlite:///{folder.resolve() / 'events.db'}"


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
