# SPDX-License-Identifier: Apache-2.0
"""The logging policy: which items a list shows, and with what probability it does.

A place of a list is filled by lot: with the share `exploration` all items of the page are alike, else an item's
chance is a softmax over its noisy popularity, the log of the clicks that it had by yesterday, which fade. Places
are filled independently; an item that already stands higher in the list leaves its place empty. So an item of
chance p stands at place k with probability p (1 - p)^(k - 1), exactly: that is the propensity in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import words
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import ShopConfig
    from penchant.simulate.things import Things

HOME = len(words.CATEGORIES)
"""The page with items of all categories; page c below it shows category c alone."""
PAGES = (*words.CATEGORIES, "home")

_CONTRAST = 0.6
"""How much popularity counts in the softmax."""
_NOISE = 0.7
_KEPT = 0.98
"""What is left of a click on the next day."""


class Policy:
    """What is shown on each day. Call `morning` at its beginning and `clicked` at its end.

    Args:
        config: how much is explored.
        things: the items.
    """

    def __init__(self, config: ShopConfig, things: Things) -> None:
        self._exploration = config.exploration
        self._things = things
        self._noise = _NOISE * stream(config.seed, "policy").standard_normal(config.items)
        self._clicks = np.zeros(config.items)

    def morning(self, day: int) -> None:
        """Settle each item's chance for the day, among those that are launched by then."""
        things = self._things
        self.rows = np.flatnonzero(things.launched <= day)
        odds = np.exp(_CONTRAST * np.log1p(self._clicks[self.rows]) + self._noise[self.rows])
        category = things.category[self.rows]
        self.stock = np.bincount(category, minlength=HOME)
        weight = np.bincount(category, odds, HOME)
        lot = self._exploration
        self.on_home = lot / len(self.rows) + (1 - lot) * odds / odds.sum()
        self.on_own = lot / self.stock[category] + (1 - lot) * odds / weight[category]
        # Page by page, as a run of rows with the bounds of their chances; home comes last.
        ends = np.cumsum(self.stock)
        self._first = np.append(ends - self.stock, 0)
        self._last = np.append(ends, len(self.rows)) - 1
        self._home_bounds = np.cumsum(self.on_home)
        self._own_bounds = np.cumsum(self.on_own)

    def fill(
        self, pages: NDArray[np.integer], uniform: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Fill lists.

        Args:
            pages: the page of each list, [n]; a category's page must have stock.
            uniform: numbers in [0, 1), [n, places].

        Returns:
            rows of items, [n, places]; their propensities, [n, places]; whether the place is filled, [n, places].
        """
        places = np.empty(uniform.shape, np.int64)
        chance = np.empty(uniform.shape)
        for page, bounds, chances in (
            (pages == HOME, self._home_bounds, self.on_home),
            (pages != HOME, self._own_bounds, self.on_own),
        ):
            first, last = self._first[pages[page], None], self._last[pages[page], None]
            low = np.where(first > 0, bounds[first - 1], 0.0)
            found = np.searchsorted(bounds, low + uniform[page] * (bounds[last] - low), side="right")
            # Rounding must not draw a neighbour of the page.
            found = np.clip(found, first, last)
            places[page], chance[page] = found, chances[found]
        filled = np.ones(uniform.shape, np.bool_)
        for place in range(1, uniform.shape[1]):
            filled[:, place] = (places[:, :place] != places[:, place : place + 1]).all(axis=1)
        return self.rows[places], chance * (1 - chance) ** np.arange(uniform.shape[1]), filled

    def clicked(self, rows: NDArray[np.integer]) -> None:
        """Count the day's clicks, by item."""
        self._clicks *= _KEPT
        self._clicks += np.bincount(rows, minlength=len(self._clicks))
