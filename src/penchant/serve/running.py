# SPDX-License-Identifier: Apache-2.0
"""All that the service holds for one bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.features.events import more_columns
from penchant.schema import EVENT_COLUMNS, IdType
from penchant.serve.eventtable import SEQUENCE, canonical
from penchant.serve.people import People
from penchant.serve.sessions import Sessions
from penchant.serve.stock import Stock

if TYPE_CHECKING:
    from penchant.bundle.bundle import Bundle
    from penchant.serve.eventlog import EventLog
    from penchant.serve.itemstore import ItemStore
    from penchant.serve.userstore import UserStore


@dataclass(frozen=True)
class Running:
    """A bundle, who did what, what is on offer, and who users are."""

    bundle: Bundle
    sessions: Sessions
    stock: Stock
    people: People

    @classmethod
    def begin(cls, bundle: Bundle, log: EventLog, items: ItemStore, users: UserStore) -> tuple[Running, int]:
        """Take up a bundle with all that the log and the stores of items and users hold.

        Returns:
            what is running then, and the number of the last event that it knows.
        """
        schema = bundle.pipeline.space.schema
        strange, more = _strange(bundle), more_columns(schema)
        wanted = [name for name in (*EVENT_COLUMNS, *more) if name in bundle.events.columns]
        tables, strangers, last = [bundle.events.select(wanted)], [], 0
        for frame in log.replay():
            last = int(frame[SEQUENCE][-1])
            tables.append(canonical(frame, schema.user_id, schema.item_id, more))
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
        return cls(bundle, sessions, stock, people), last

    def catch_up(self, log: EventLog, last: int) -> int:
        """Take up the log's events after number `last`; returns the number of the last one."""
        schema = self.bundle.pipeline.space.schema
        strange, more = _strange(self.bundle), more_columns(schema)
        for frame in log.replay(after=last):
            last = int(frame[SEQUENCE][-1])
            self.sessions.extend(canonical(frame, schema.user_id, schema.item_id, more))
            self.sessions.extend(canonical(frame, strange, schema.item_id, more))
        return last


def _strange(bundle: Bundle) -> IdType:
    """The type of users' ids that no table of this data set could hold: strangers may have them."""
    return IdType.STRING if bundle.pipeline.space.schema.user_id is IdType.INTEGER else IdType.INTEGER
