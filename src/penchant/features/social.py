# SPDX-License-Identifier: Apache-2.0
"""What friends had done by the time of an event.

A friend's act counts if it was earlier than the event, and the friendship too; one of the same moment does not. A
friendship without a time always was. `user_id` is the one who is influenced, `friend_id` the one who is followed;
one that goes both ways stands there twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.features.timeline import Timeline
from penchant.schema import FRIEND, ITEM, MICROSECONDS, TIME, USER, WEIGHT

if TYPE_CHECKING:
    from penchant.features.aggregates.grouped import Floats, Ints

PAIRS = 4_000_000
"""Pairs of an event and a friend that are held at once."""

_DAY = 86_400 * MICROSECONDS


@dataclass(frozen=True, kw_only=True)
class FriendsAsOf:
    """What friends had done before each of E events.

    Attributes:
        did: [E] float64, summed weight of the friends who had done the event's item.
        active: [E] float64, how often friends had done anything, by weight, old acts counting less.
        friends: [E] int64, how many friends there were.
    """

    did: Floats
    active: Floats
    friends: Ints


class Social:
    """Friendships and acts, ready to be asked what was known when.

    Args:
        edges: user_id, friend_id, weight and time of each friendship; of one that stands there twice, both count.
        events: canonical events that may be known.
        half_life: days after which an act counts half as activity.
    """

    def __init__(self, edges: pl.DataFrame, events: pl.DataFrame, half_life: float = 7.0) -> None:
        self._edges = edges.filter(pl.col(USER) != pl.col(FRIEND)).select(
            USER, FRIEND, pl.col(WEIGHT).fill_null(1.0), pl.col(TIME).alias("since")
        )
        self._degrees = self._edges.group_by(USER).len("degree")
        self._half_life = half_life * _DAY
        self._acts = Timeline(events, [USER])
        self._with_items = Timeline(events, [USER, ITEM])
        self._times = events[TIME].to_numpy()[self._acts.order]
        self._decayed = self._running()

    def asked(self, events: pl.DataFrame) -> FriendsAsOf:
        """What friends had done before each of E events or requests (user_id, item_id, time), in any order."""
        found = FriendsAsOf(
            did=np.zeros(events.height), active=np.zeros(events.height), friends=np.zeros(events.height, np.int64)
        )
        wanted = events.select(USER, ITEM, TIME).with_row_index("at")
        degrees = wanted.join(self._degrees, on=USER, how="left", maintain_order="left")["degree"].fill_null(0)
        part = (degrees.cum_sum() // PAIRS).alias("part")
        for _, some in wanted.with_columns(part).group_by("part", maintain_order=True):
            self._add(some, found)
        return found

    def _add(self, some: pl.DataFrame, found: FriendsAsOf) -> None:
        pairs = some.join(self._edges, on=USER, maintain_order="left").filter(
            pl.col("since").is_null() | (pl.col("since") < pl.col(TIME))
        )
        at, weight = pairs["at"].to_numpy(), pairs[WEIGHT].to_numpy()
        friends = pairs.select(pl.col(FRIEND).alias(USER), ITEM, TIME)
        first, stop = self._with_items.before(friends)
        np.add.at(found.did, at, weight * (stop > first))
        first, stop = self._acts.before(friends)
        last = np.maximum(stop - 1, 0)
        gap = (friends[TIME].to_numpy() - self._times[last]) / self._half_life if len(self._times) else 0.0
        active = np.where(stop > first, self._decayed[last] * np.exp2(-np.maximum(gap, 0.0)), 0.0)
        np.add.at(found.active, at, weight * active)
        np.add.at(found.friends, at, 1)

    def _running(self) -> Floats:
        """[R] in the order of the timeline: the decayed count of each act's owner, just after it."""
        groups = self._acts.groups
        count = len(self._times)
        if not count:
            return np.zeros(1)
        heads = np.zeros(len(groups.members))
        # By arrival in the order of time, as `groups` was made.
        by_time = np.empty(count, np.int64)
        by_time[groups.order] = self._times
        times = groups.with_heads(np.zeros(len(heads), np.int64), by_time)
        steps = np.diff(times, prepend=times[:1])
        steps[groups.head_places] = 0
        steps[groups.head_places + 1] = 0
        whole = groups.running_decay(heads, np.exp2(-(steps / self._half_life)), np.ones(count))
        return groups.at(whole)[groups.order]
