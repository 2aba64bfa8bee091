# SPDX-License-Identifier: Apache-2.0
"""Reviews as of an event: what had been written by then, and never what the event itself led to.

1. A review is visible to an event, or to a request, if it was written before: its time is earlier. One of the same
   moment is not: nobody had read it.
2. A review never speaks to the interaction that it belongs to: what a user wrote of an item is hidden from every
   event of that user with that item. It would foretell them by what the very same person thought of the item.

For each user and each item: how many reviews, their mean rating, and the mean of their text vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.features.timeline import Timeline
from penchant.schema import ITEM, RATING, USER

if TYPE_CHECKING:
    from penchant.features.aggregates.grouped import Array, Floats, Ints

PARTS = 2**20
"""Sums are kept in such parts of a unit, so that hiding one's own reviews leaves nothing of them behind."""

_LARGEST = 1e6


@dataclass(frozen=True, kw_only=True)
class ReviewsAsOf:
    """What the visible reviews of one side told, at each of E moments.

    Attributes:
        counts: [E] int64.
        ratings: [E] float64, the mean; NaN where no visible review has one.
        vectors: [E, D] float32, the mean; 0 where `present` is False.
        present: [E] bool: whether any visible review has a vector.
    """

    counts: Ints
    ratings: Floats
    vectors: Array
    present: Array


class Reviews:
    """All reviews, ready to be asked what was visible when.

    Args:
        table: user_id, item_id, time and rating of R reviews; one without a time is never visible.
        vectors: [R, D] float32 of their texts, by an encoder.
        present: [R] bool: where there is one.
    """

    def __init__(self, table: pl.DataFrame, vectors: Array, present: Array) -> None:
        timed = table["time"].is_not_null().to_numpy()
        table, present = table.filter(pl.Series(timed)), present[timed]
        ratings = table[RATING].cast(pl.Float64).fill_null(np.nan).to_numpy()
        rated = np.isfinite(ratings)
        self._ones = np.ones(table.height, np.int64)
        self._rated, self._ratings = rated.astype(np.int64), fixed(np.where(rated, ratings, 0.0))
        self._told, self._vectors = present.astype(np.int64), np.where(present[:, None], vectors[timed], 0.0)
        self._own = Timeline(table, [USER, ITEM])
        self._sides = {side: Timeline(table, [side]) for side in (USER, ITEM)}

    def of_items(self, events: pl.DataFrame) -> ReviewsAsOf:
        """What others had written of each event's item.

        Args:
            events: user_id, item_id and time of E events or requests, in any order.
        """
        return self._asked(events, ITEM)

    def of_users(self, events: pl.DataFrame) -> ReviewsAsOf:
        """What each event's user had written of other items; argument as in `of_items`."""
        return self._asked(events, USER)

    def _asked(self, events: pl.DataFrame, side: str) -> ReviewsAsOf:
        known = self._sides[side]
        found, own = known.before(events), self._own.before(events)

        def visible(values: Ints) -> Ints:
            return known.sums_before(values, found) - self._own.sums_before(values, own)

        counts, rated, told = visible(self._ones), visible(self._rated), visible(self._told)
        mean = visible(self._ratings) / PARTS / np.maximum(rated, 1)
        # One dimension at a time: running sums of all of them at once would be the largest thing in memory.
        vectors = np.empty((events.height, self._vectors.shape[1]), np.float32)
        for place in range(vectors.shape[1]):
            vectors[:, place] = visible(fixed(self._vectors[:, place])) / PARTS / np.maximum(told, 1)
        return ReviewsAsOf(
            counts=counts, ratings=np.where(rated > 0, mean, np.nan), vectors=vectors, present=told > 0
        )


def fixed(numbers: Array) -> Ints:
    """Whole `PARTS` of each number, one beyond a million counting as that."""
    held = np.clip(numbers.astype(np.float64), -_LARGEST, _LARGEST)
    whole: Ints = np.rint(held * PARTS).astype(np.int64)
    return whole
