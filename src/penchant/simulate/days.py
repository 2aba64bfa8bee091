# SPDX-License-Identifier: Apache-2.0
"""The loop over time: what a day changes is known on the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.schema import ITEM, POSITION, SESSION, TIME, TYPE
from penchant.simulate.friends import Pull
from penchant.simulate.funnel import Bought, Happened, play
from penchant.simulate.lists import show
from penchant.simulate.log import COLUMNS
from penchant.simulate.policy import Policy
from penchant.simulate.reviews import write_reviews
from penchant.simulate.streams import Streams
from penchant.simulate.visits import Door

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penchant.simulate.world import World

CHUNK = 20_000
"""Visits that are worked on at once: it bounds memory, and changes nothing else."""

_ROWS_A_VISIT = 27.0
"""A first guess; what happens corrects it."""
_ORDER = (TIME, SESSION, TYPE, POSITION, ITEM)
"""By time; what happens in one millisecond must not depend on how it was computed."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """What one day adds.

    Attributes:
        events: rows of the log that fall on it, sorted by time.
        reviews: of what was bought on it; they are written later.
    """

    events: pl.DataFrame
    reviews: pl.DataFrame


def live(world: World, chunk: int = CHUNK) -> Iterator[Day]:
    """Let the shop live until it has as many events as were asked for; exactly so many come.

    The last day goes on until they are there, and ends in the moment of the last one.

    Args:
        world: the shop.
        chunk: visits that are worked on at once.
    """
    config, calendar = world.config, world.calendar
    goals = np.rint(np.cumsum(calendar.traffic()) * config.events).astype(int).tolist()
    goals[-1] = config.events
    town = _Town(world, chunk)
    late = pl.DataFrame(schema=COLUMNS)
    bought_late = Bought.together([])
    done = 0
    for day, goal in enumerate(goals):
        end = calendar.begin(day + 1)
        town.wake(day)
        frames = [late]
        happened: list[Happened] = []
        rows = late.filter(pl.col(TIME) < end).height
        while done + rows < goal:
            count = int(town.guess(goal - done - rows))
            for part in town.open(count):
                happened.append(part)
                frames.append(part.events)
                rows += part.events.filter(pl.col(TIME) < end).height
            if goal < config.events:
                break  # what a day lacks or has too much, the next days make up for
        everything = pl.concat(frames)
        late = everything.filter(pl.col(TIME) >= end)
        events = everything.filter(pl.col(TIME) < end).sort(_ORDER).head(config.events - done)
        done += events.height
        bought = Bought.together(part.bought for part in happened)
        yield Day(events=events, reviews=town.reviews(bought))
        if done == config.events:
            return
        # A purchase after midnight belongs to the day that it falls on.
        known = Bought.together([bought_late, bought])
        bought_late = known.select(known.time >= end)
        town.sleep(known.select(known.time < end), happened)


class _Town:
    """The state that days change: what is popular, and what friends bought."""

    def __init__(self, world: World, chunk: int) -> None:
        self._world, self._chunk = world, chunk
        self._policy = Policy(world.config, world.things)
        self._pull = Pull(world.friends, world.config.habits)
        self._door = Door(world.people, world.known, world.calendar, world.config.habits)
        self._sessions = 0
        self._visits, self._rows = 1.0, _ROWS_A_VISIT * world.config.list_length / 10

    def wake(self, day: int) -> None:
        self._day = day
        self._streams = Streams(self._world.config.seed, day)
        self._policy.morning(day)

    def guess(self, rows: int) -> int:
        """Visits that make about so many rows."""
        return max(1, round(rows * self._visits / self._rows))

    def open(self, count: int) -> Iterator[Happened]:
        """Let in so many visitors."""
        world, seen = self._world, 0
        while seen < count:
            some = min(count - seen, self._chunk)
            visits = self._door.visits(some, self._day, self._streams, self._pull, self._policy.stock)
            shown = show(
                visits, self._day, self._sessions, config=world.config, policy=self._policy, things=world.things,
                calendar=world.calendar, streams=self._streams,
            )  # fmt: skip
            happened = play(
                shown, world.calendar.begin(self._day), things=world.things,
                sensitivity=world.people.sensitivity, habits=world.config.habits, streams=self._streams,
            )  # fmt: skip
            seen += some
            self._sessions += some
            self._rows += happened.events.height
            yield happened
        self._visits += count

    def reviews(self, bought: Bought) -> pl.DataFrame:
        world = self._world
        return write_reviews(bought, things=world.things, habits=world.config.habits, streams=self._streams)

    def sleep(self, bought: Bought, happened: list[Happened]) -> None:
        """Remember what the day was like."""
        clicked = [part.clicked for part in happened]
        self._policy.clicked(np.concatenate(clicked) if clicked else np.empty(0, np.int64))
        self._pull.bought(bought.user, self._world.things.vector[bought.item], self._day)
