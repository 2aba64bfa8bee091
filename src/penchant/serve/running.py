# SPDX-License-Identifier: Apache-2.0
"""All that the service holds for one bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.features.events import more_columns
from penchant.schema import EVENT_COLUMNS, ITEM, IdType
from penchant.serve.eventtable import SEQUENCE, canonical
from penchant.serve.people import People
from penchant.serve.sessions import Sessions
from penchant.serve.stock import Stock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.bundle.bundle import Bundle
    from penchant.serve.eventlog import EventLog
    from penchant.serve.eventtable import Event
    from penchant.serve.itemstore import ItemStore
    from penchant.serve.userstore import UserStore


@dataclass
class Running:
    """A bundle, who did what, what is on offer, and who users are.

    Attributes:
        taken: the number of the last event that it knows. Whoever changes it holds the service's turn.
    """

    bundle: Bundle
    sessions: Sessions
    stock: Stock
    people: People
    taken: int

    @classmethod
    def begin(cls, bundle: Bundle, log: EventLog, items: ItemStore, users: UserStore) -> Running:
        """Take up a bundle with all that the log and the stores of items and users hold."""
        schema = bundle.pipeline.space.schema
        strange, more = _strange(bundle), more_columns(schema)
        wanted = [name for name in (*EVENT_COLUMNS, *more) if name in bundle.events.columns]
        tables, strangers, last = [bundle.events.select(wanted)], [], 0
        held = bundle.manifest.held(log.identity)
        before = bundle.pipeline.catalogue.ids.implode()
        for frame in log.replay():
            last = int(frame[SEQUENCE][-1])
            # The bundle holds what it had learned of, less what was done with items that it did not know.
            old = canonical(frame.filter(pl.col(SEQUENCE) <= held), schema.user_id, schema.item_id, more)
            tables.append(old.filter(~pl.col(ITEM).is_in(before)))
            fresh = frame.filter(pl.col(SEQUENCE) > held)
            tables.append(canonical(fresh, schema.user_id, schema.item_id, more))
            strangers.append(canonical(frame, strange, schema.item_id, more))
        stock, people = Stock(bundle, items), People(bundle, users)
        catalogue = stock.view.pipeline.catalogue
        live = bundle.live()
        if live:
            live.stock(catalogue)
        sessions = Sessions(
            bundle.pipeline.space,
            catalogue,
            pl.concat(tables, how="diagonal"),
            people.table,
            live=live,
            counted=bundle.events.height,
            item_signals=bundle.pipeline.uses_signals,
        )
        for frame in strangers:
            sessions.extend(frame)
        return cls(bundle, sessions, stock, people, last)

    def take(self, events: Sequence[Event], first: int) -> None:
        """Take up what has just become durable, less what is known already; numbers start at `first`."""
        fresh = events[max(self.taken - first + 1, 0) :]
        self.sessions.take([(e.user_id, e.item_id, e.time, e.type, e.value, e.more) for e in fresh])
        self.taken = max(self.taken, first + len(events) - 1)

    def follow(self) -> None:
        """Take up what others said of items and users. One call at a time.

        Raises:
            ItemStoreError, UserStoreError: the database is away.
        """
        self.people.follow(self.sessions)
        if self.stock.follow():
            # First what can be given, then what histories may hold: see `answering.recommend`.
            self.sessions.stock(self.stock.view.pipeline.catalogue)

    def catch_up(self, log: EventLog) -> None:
        """Take up the log's events that it does not know."""
        schema = self.bundle.pipeline.space.schema
        strange, more = _strange(self.bundle), more_columns(schema)
        for frame in log.replay(after=self.taken):
            self.taken = int(frame[SEQUENCE][-1])
            self.sessions.extend(canonical(frame, schema.user_id, schema.item_id, more))
            self.sessions.extend(canonical(frame, strange, schema.item_id, more))


def _strange(bundle: Bundle) -> IdType:
    """The type of users' ids that no table of this data set could hold: strangers may have them."""
    return IdType.STRING if bundle.pipeline.space.schema.user_id is IdType.INTEGER else IdType.INTEGER
