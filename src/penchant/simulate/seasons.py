# SPDX-License-Identifier: Apache-2.0
"""The shop's calendar: busy days and hours, seasons of the categories, sales.

All of it is a function of the day, so the truth of any moment can be asked for afterwards.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from penchant.schema import MICROSECONDS
from penchant.simulate import words
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_SECONDS = 86_400
DAY_TICKS = DAY_SECONDS * MICROSECONDS
YEAR = 365.25

QUARTER, SALE_FROM = 91, 77
"""A sale is on in the last two of every thirteen weeks of a year."""

_WEEKEND = 1.25
_GROWTH = 0.3
"""By how much the shop is busier at the end than at the beginning."""
_WINTER = 0.25
_EPOCH = date(1970, 1, 1)


class Calendar:
    """Days from 0, the shop's first.

    Args:
        start: the first day.
        days: how many there are.
        waves: of each category, how high its season is and on which day of the year it peaks, [categories, 2].
    """

    def __init__(self, start: date, days: int, waves: NDArray[np.float64]) -> None:
        self.days = days
        self.waves = waves
        self._first = (start - _EPOCH).days
        self._of_year = start.timetuple().tm_yday - 1
        self._weekday = start.weekday()

    @classmethod
    def draw(cls, start: date, days: int, seed: int) -> Calendar:
        """A calendar with seasons by lot."""
        random = stream(seed, "seasons")
        count = len(words.CATEGORIES)
        return cls(
            start, days, np.stack([random.uniform(0.4, 1.2, count), random.uniform(0, YEAR, count)], axis=1)
        )

    def begin(self, day: int) -> int:
        """Midnight at the day's beginning, in microseconds since 1970 UTC."""
        return (self._first + day) * DAY_TICKS

    def day_of(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The day that each time (microseconds since 1970 UTC) falls on; days before the first are negative."""
        return times // DAY_TICKS - self._first

    def season(self, categories: NDArray[np.integer], days: NDArray[np.integer] | int) -> NDArray[np.float64]:
        """How much in season each category is, on its day: a wave over the year around 0."""
        height, peak = self.waves[categories].T
        wave: NDArray[np.float64] = height * np.cos(2 * np.pi * (self._of_year + days - peak) / YEAR)
        return wave

    def sale(self, day: int) -> bool:
        """Whether a sale is on."""
        return (self._of_year + day) % QUARTER >= SALE_FROM

    def traffic(self) -> NDArray[np.float64]:
        """The share of all events that falls on each day, [days]: weekends, winter and growth."""
        day = np.arange(self.days)
        busy = np.where((self._weekday + day) % 7 >= 5, _WEEKEND, 1.0)
        busy *= 1 + _GROWTH * day / self.days
        busy *= 1 + _WINTER * np.cos(2 * np.pi * (self._of_year + day + 15) / YEAR)
        share: NDArray[np.float64] = busy / busy.sum()
        return share
