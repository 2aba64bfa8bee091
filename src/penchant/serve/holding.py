# SPDX-License-Identifier: Apache-2.0
"""What a service holds, and how it changes: bundles, what happened since, and which experiment runs.

Whatever is held for one bundle is in one `Running`, which gives way to another in one step: a request takes the
reference once and is answered by one bundle, whatever happens meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time as clock
from typing import TYPE_CHECKING

from penchant.bundle.bundle import open_bundle
from penchant.serve import answering
from penchant.serve.itemstore import ItemStore
from penchant.serve.offering import Offering, Place
from penchant.serve.running import Running
from penchant.serve.userstore import UserStore
from penchant.serve.wire import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from penchant.bundle.bundle import Bundle
    from penchant.schema import Schema
    from penchant.serve.eventlog import EventLog
    from penchant.serve.eventtable import Event
    from penchant.serve.experiments import Experiment
    from penchant.serve.wire import Id

LOG = logging.getLogger(__name__)


class Holding:
    """Bundles with every event since. Safe to use from many threads.

    Args:
        bundle: what answers.
        log: where events are kept; the caller closes it.
        now: the clock, in nanoseconds since 1970.
        offering: how answers are explored and written down; None for neither.
        opener: what opens further bundles.
    """

    def __init__(
        self,
        bundle: Bundle,
        log: EventLog,
        now: Callable[[], int] = clock.time_ns,
        offering: Offering | None = None,
        opener: Callable[[Path], Bundle] = open_bundle,
    ) -> None:
        self._open = opener
        self._log = log
        self._now = now
        self._items, self._users = ItemStore(log.engine), UserStore(log.engine)
        self._turn = threading.Lock()
        self._stocking = threading.Lock()
        self.offering = offering or Offering()
        self.bundles: Path | None = None
        """The folder of bundles, if that is what is served: experiments are written down there."""
        self._experiment: Experiment | None = None
        self._variants: dict[str, Running] = {}
        """By the id of its bundle: what answers in the experiment; `_running` is among them if it takes part."""
        self._running = self._take_up(bundle)
        log.listen(self._took, after=self._running.taken)

    @property
    def schema(self) -> Schema:
        """What the running bundle's tables hold."""
        return self._running.bundle.pipeline.space.schema

    def ready(self) -> Readiness:
        """What answers now."""
        running = self._running
        return Readiness(
            ready=not self._log.closed and not self._log.away,
            bundle=running.bundle.manifest.id,
            model=running.bundle.manifest.kind,
            items=len(running.stock.view.pipeline.catalogue),
            users=len(running.sessions),
            events_logged=self._log.last,
        )

    def swap(self, folder: Path) -> None:
        """Answer from the bundle in `folder` from now on; requests under way end as they began.

        Raises:
            BundleError: it is damaged, foreign or too new; the running bundle stays.
        """
        before = self._running.bundle.manifest.id
        bundle = self._open(folder)
        with self._stocking:
            taken = self._variants.get(bundle.manifest.id) or self._take_up(bundle)
            with self._turn:
                taken.catch_up(self._log)
                self._running = taken
        LOG.info("bundle %s gave way to %s", before, bundle.manifest.id)

    def try_out(self, experiment: Experiment | None, bundles: Path) -> None:
        """Let an experiment's bundles answer its users from now on; None for the current bundle everybody.

        Args:
            experiment: one that runs.
            bundles: the folder that holds its bundles.

        Raises:
            BundleError: one of them cannot answer; then what ran before goes on.
        """
        wanted = {one.bundle for one in experiment.variants} if experiment else set()
        with self._stocking:
            there = {one.bundle.manifest.id: one for one in self._all()}
            runs = {name: there.get(name) or self._take_up(self._open(bundles / name)) for name in wanted}
            with self._turn:
                for one in runs.values():
                    one.catch_up(self._log)
                self._variants, self._experiment = runs, experiment
        LOG.info("the experiment is %s", experiment.name if experiment else "none")

    @property
    def experiment(self) -> Experiment | None:
        """The one that runs here."""
        return self._experiment

    def _take_up(self, bundle: Bundle) -> Running:
        """All that answers for a bundle, as of a moment ago; who makes it answer lets it catch up."""
        running = Running.begin(bundle, self._log, self._items, self._users)
        asked = answering.Asked(k=1)
        answering.recommend(running, running.sessions.stranger([]), 0, asked)  # warm every cache
        return running

    def _took(self, events: Sequence[Event], first: int) -> None:
        """Called by the log's writer when `events` are durable, in their order; numbers start at `first`."""
        with self._turn:
            for running in self._all():
                running.take(events, first)

    def follow(self) -> None:
        """Take up what other processes on the same database said of items and users.

        Raises:
            ItemStoreError, UserStoreError: the database is away.
        """
        with self._stocking:
            for running in self._all():
                running.follow()

    def _others_follow(self) -> None:
        for running in self._all()[1:]:
            running.follow()

    def _all(self) -> list[Running]:
        """Everything that answers, each once, the current bundle first."""
        others = (one for one in self._variants.values() if one is not self._running)
        return [self._running, *others]

    def _place(self, user: Id | None) -> Place:
        """Who answers a user; whoever is only told of by a history takes part in no experiment."""
        experiment = self._experiment
        if experiment is None or user is None:
            return Place(self._running)
        variant = experiment.variant(user)
        running = self._variants.get(variant.bundle)
        return Place(running, experiment.name, variant.name) if running else Place(self._running)
