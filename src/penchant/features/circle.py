# SPDX-License-Identifier: Apache-2.0
"""Friends as signals: how many somebody had, and how active those had been, as of an event or of now.

Friends' acts obey the clock of aggregates: those before the event in log order (by time, equal times by arrival),
and as of now all that were recorded. A friendship counts strictly after its time; one without a time always was.

`Past` answers for every event of a table, `Present` for whoever asks now. Both add up the same numbers in the same
order, so they agree to the last bit.
"""

from __future__ import annotations

from itertools import count, pairwise, repeat
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from penchant.features.aggregates.grouped import NEVER, Groups
from penchant.features.aggregates.measures import Measures, Plan
from penchant.features.aggregates.tally import Tally
from penchant.schema import FRIEND, TIME, USER, WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor

    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Floats, Ints

    Active = Callable[[Ints, Ints], tuple[Floats, ...]]
    """Of friends [P], each asked about by one of n: their decayed acts, per half-life [P]."""

PAIRS = 4_000_000
"""Pairs of one who is asked about and a friend that are held at once: bounds memory, changes nothing."""


class Circle:
    """Who follows whom, since when, how much.

    Args:
        edges: canonical friendships, in the order in which they are added up.
        half_lives: days after which an act counts half; one column for each of the two.
    """

    columns: ClassVar = ("friends", "friends_recent", "friends_lately")

    def __init__(self, edges: pl.DataFrame, half_lives: tuple[float, float]) -> None:
        edges = edges.filter(pl.col(USER) != pl.col(FRIEND))
        self.plan = Plan(Measures(names=("trend",), half_lives=half_lives))
        self._users, users = numbered(edges[USER])
        self._followed, friends = numbered(edges[FRIEND])
        order = np.argsort(users, kind="stable")
        self._friends = friends[order]
        self._weights = edges[WEIGHT].fill_null(1.0).to_numpy()[order]
        self._since = edges[TIME].fill_null(NEVER).to_numpy()[order]
        # One place more, for those who follow nobody: number -1 finds it.
        self._degrees = np.append(np.bincount(users, minlength=len(self._users)), 0)
        self._starts = np.cumsum(self._degrees) - self._degrees

    @property
    def size(self) -> int:
        """How many are followed by anybody."""
        return len(self._followed)

    def users(self, ids: Iterable[Any]) -> Ints:
        """[n] int64: the numbers of those who follow somebody; -1 for anyone else."""
        return np.fromiter(map(self._users.get, ids, repeat(-1)), np.int64)

    def followed(self, ids: Iterable[Any]) -> Ints:
        """[n] int64: the numbers of those who are followed; -1 for anyone else."""
        return np.fromiter(map(self._followed.get, ids, repeat(-1)), np.int64)

    def at(self, users: Ints, times: Ints, active: Active) -> Floats:
        """[n, 3] float64 in the order of `columns`.

        Args:
            users: [n] what `users` returned.
            times: [n] int64, microseconds.
            active: how active friends were; told their numbers, and which of the n asks.
        """
        found = np.zeros((len(users), len(self.columns)))
        piece = np.cumsum(self._degrees[users]) // PAIRS
        bounds = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(users)]
        for start, stop in pairwise(bounds):
            size, (at, edges) = stop - start, self._pairs(users[start:stop], times[start:stop])
            found[start:stop, 0] = np.bincount(at, minlength=size)
            for place, acts in enumerate(active(self._friends[edges], at + start), 1):
                # It adds one by one, in the order of the table: the same sum for one who asks as among many.
                found[start:stop, place] = np.bincount(at, self._weights[edges] * acts, minlength=size)
        return found

    def _pairs(self, users: Ints, times: Ints) -> tuple[Ints, Ints]:
        """P pairs: ([P] who of those asked about, [P] which of the friendships that count by then)."""
        degrees = self._degrees[users]
        at = np.repeat(np.arange(len(users)), degrees)
        edges = np.arange(len(at)) + np.repeat(self._starts[users] - (np.cumsum(degrees) - degrees), degrees)
        there = self._since[edges] < times[at]
        return at[there], edges[there]


class Past:
    """What friends had done just before each event of a log.

    Args:
        circle: who follows whom.
        log: all events that count, canonical, in log order.
    """

    def __init__(self, circle: Circle, log: pl.DataFrame) -> None:
        ids, rows = numbered(log[USER])
        self._circle = circle
        self._users = circle.users(ids)[rows]
        acting = circle.followed(ids)[rows]
        acts = np.flatnonzero(acting >= 0)
        groups = Groups(acting[acts])
        acts = acts[groups.order]
        self._times, self._whose = log[TIME].to_numpy()[acts], acting[acts]
        # Who and when fit into one number, so one search finds the last act before any event.
        self._size = log.height + 1
        self._keys = self._whose * self._size + acts
        steps = np.diff(self._times, prepend=self._times[:1])
        steps[groups.heads] = 0
        self._half_lives = circle.plan.half_lives
        self._decayed = tuple(_running(groups, steps, half_life) for half_life in self._half_lives)

    def before(self, start: int, times: Ints) -> Floats:
        """[n, 3] for the events from `start` on, whose `times` [n] they are."""

        def active(friends: Ints, at: Ints) -> tuple[Floats, ...]:
            if not len(self._keys):
                return tuple(np.zeros(len(friends)) for _ in self._half_lives)
            last = np.searchsorted(self._keys, friends * self._size + at + start) - 1
            there = (last >= 0) & (self._whose[last] == friends)
            gap = np.where(there, times[at] - self._times[last], 0)
            return tuple(
                np.where(there, np.exp2(-(gap / half_life)) * decayed[last], 0.0)
                for half_life, decayed in zip(self._half_lives, self._decayed, strict=True)
            )

        return self._circle.at(self._users[start : start + len(times)], times, active)


class Present:
    """What friends have done by now. It is not safe to use from many threads: its owner locks.

    Args:
        circle: who follows whom.
    """

    def __init__(self, circle: Circle) -> None:
        self._circle = circle
        self._tally = Tally(circle.plan, circle.size)
        self._followed, self._met = np.zeros(0, np.int64), 0

    def meet(self, ids: Iterable[Any]) -> None:
        """Number further users, in the order in which events count by them."""
        fresh = self._circle.followed(ids)
        end = self._met + len(fresh)
        if end > len(self._followed):  # by half at least, so that they may come one by one
            room = np.zeros(max(end, self._met + self._met // 2), np.int64)
            room[: self._met] = self._followed[: self._met]
            self._followed = room
        self._followed[self._met : end] = fresh
        self._met = end

    def take(self, chunk: Chunk) -> None:
        """Take up events in order of arrival, by users who were met."""
        whose = self._followed[chunk.users]
        there = whose >= 0
        if there.any():
            # Nobody counts different ones here.
            self._tally.advance(whose[there], chunk.times[there], {}, chunk.item_hashes[:0])

    def at(self, ids: Iterable[Any], now: int) -> Floats:
        """[n, 3] of users by raw id."""
        users = self._circle.users(ids)
        times = np.full(len(users), now, np.int64)
        return self._circle.at(users, times, lambda friends, _: self._tally.at(friends, now).decayed)

    def tensors(self) -> dict[str, Tensor]:
        """The state, for safetensors."""
        return self._tally.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` returned.

        Raises:
            ValueError: it is of another circle.
        """
        self._tally.load(tensors)
        if len(self._tally) != self._circle.size:
            raise ValueError("the state of aggregates is not of these friends")


def numbered(ids: pl.Series) -> tuple[dict[Any, int], Ints]:
    """(number by raw id, in the order of numbers; [n] the number of each)."""
    names = ids.unique(maintain_order=True)
    numbers = pl.DataFrame({"id": names, "number": np.arange(len(names))})
    found = ids.to_frame("id").join(numbers, on="id", how="left", maintain_order="left")["number"].to_numpy()
    return dict(zip(names.to_list(), count(), strict=False)), found


def _running(groups: Groups, steps: Ints, half_life: float) -> Floats:
    """[R] by owner and then by log: the decayed count of each act's owner, just after it.

    It is what a `Tally` holds then, by the same operations.
    """
    decays = np.ones(len(steps) + len(groups.members))
    decays[np.arange(len(steps)) + groups.group + 1] = np.exp2(-(steps / half_life))
    whole = groups.running_decay(np.zeros(len(groups.members)), decays, np.ones(len(steps)))
    return groups.at(whole)[groups.order]
