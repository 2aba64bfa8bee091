# SPDX-License-Identifier: Apache-2.0
"""Who comes on a day, when, on which device, and which pages they open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import tastes, words
from penchant.simulate.policy import HOME
from penchant.simulate.streams import Lottery

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import Habits
    from penchant.simulate.friends import Pull
    from penchant.simulate.people import People
    from penchant.simulate.seasons import Calendar
    from penchant.simulate.streams import Streams

MOST_LISTS = 8
_MORE_LISTS = 0.6
"""Probability that a list is followed by another."""
_HOME_SHARE = 0.4
"""Of lists; the others are those of a category that the user chose."""
_CHOOSY = 5.0
"""How much taste says which category somebody opens."""
_USUAL_DEVICE = 0.85


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits of one day, and their lists.

    Attributes:
        user: row, [visits].
        taste: of the user now, drift and friends included, [visits, SIZE].
        begin: seconds since midnight, [visits].
        device: code, [visits].
        visit: which visit each list is of, never falling, [lists].
        page: of each list, [lists].
    """

    user: NDArray[np.int64]
    taste: NDArray[np.float32]
    begin: NDArray[np.float64]
    device: NDArray[np.int64]
    visit: NDArray[np.int64]
    page: NDArray[np.int64]


class Door:
    """Lets people in.

    Args:
        people: the users.
        known: the vectors of attributes.
        calendar: says what is in season.
        habits: how much seasons count.
    """

    def __init__(self, people: People, known: tastes.Vectors, calendar: Calendar, habits: Habits) -> None:
        self._people, self._calendar, self._habits = people, calendar, habits
        self._crowd = Lottery(people.activity)
        self._hours = Lottery(np.asarray(words.HOURS, float))
        self._categories = known["category"]

    def visits(self, count: int, day: int, streams: Streams, pull: Pull, stock: NDArray[np.integer]) -> Visits:
        """The next visits of a day.

        Args:
            count: how many.
            day: which.
            streams: of the day.
            pull: what friends do to tastes.
            stock: how many items each category has today; empty ones are not opened.
        """
        people = self._people
        here = int(np.searchsorted(people.joined, day, side="right"))
        user = self._crowd.draw(streams["who"].random(count), among=here)
        taste = people.tastes(user, day) + pull.of(user, day)
        hour = self._hours.draw(streams["hour"].random(count))
        usual = streams["usual device"].random(count) < _USUAL_DEVICE
        device = np.where(usual, people.device[user], streams["device"].integers(0, len(words.DEVICES), count))
        # 1 - u is never 0, so the log is finite.
        more = np.log(1 - streams["lists"].random(count)) / np.log(_MORE_LISTS)
        visit = np.repeat(np.arange(count), np.minimum(1 + more.astype(np.int64), MOST_LISTS))
        return Visits(
            user=user,
            taste=taste,
            begin=(hour + streams["moment"].random(count)) * 3600.0,
            device=device,
            visit=visit,
            page=self._pages(taste[visit], day, streams, stock),
        )

    def _pages(
        self, taste: NDArray[np.float32], day: int, streams: Streams, stock: NDArray[np.integer]
    ) -> NDArray[np.int64]:
        season = self._calendar.season(np.arange(HOME), day) * self._habits.season_effect
        # Not by a matrix product: how that one rounds depends on how many rows there are.
        liking = np.einsum("nd,kd->nk", taste, self._categories)
        odds = np.exp(_CHOOSY * liking + season) * (stock > 0)
        bounds = np.cumsum(odds, axis=1)
        lot = streams["page"].random(len(taste))[:, None] * bounds[:, -1:]
        own = (lot >= bounds).sum(axis=1)
        home = streams["home"].random(len(taste)) < _HOME_SHARE
        return np.where(home | (stock[np.minimum(own, HOME - 1)] == 0), HOME, own)
