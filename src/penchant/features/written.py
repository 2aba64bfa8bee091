# SPDX-License-Identifier: Apache-2.0
"""Reviews as signals: how many there were of each item and by each user, and their mean rating, as of a moment.

1. A review belongs to an interaction: its user's with its item. It is known only where that interaction is among
   the events that the feature space was fitted on, so one of a hidden interaction tells nothing of it.
2. It counts strictly after it was written, and strictly after its user first took up the item. So a date that was
   rounded down, or a review that was dated before its purchase, does not foretell the purchase.

`penchant.features.reviews` hides a user's review of an item from every event of that user with that item. A signal
cannot: an item has one number for all who ask, and training must see the number that the service shows.
"""

from __future__ import annotations

from itertools import count, repeat
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from penchant.features.reviews import PARTS, fixed
from penchant.features.timeline import Timeline
from penchant.schema import ITEM, RATING, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penchant.features.aggregates.grouped import Floats, Ints


def known_reviews(reviews: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The reviews that belong to some of `events`, each with the time after which it counts.

    Args:
        reviews: canonical; one without a time is never known.
        events: canonical events that training may see.

    Returns:
        user_id, item_id, time, rating, in the order of `reviews`: no text, it is not needed.
    """
    first = events.lazy().group_by(USER, ITEM).agg(pl.col(TIME).min().alias("first"))
    return (
        reviews.lazy()
        .filter(pl.col(TIME).is_not_null())
        .join(first, on=[USER, ITEM], maintain_order="left")
        .select(USER, ITEM, pl.max_horizontal(TIME, "first").alias(TIME), RATING)
        .collect()
    )


class Written:
    """Reviews, ready to be asked what was known of any user or item at any moment.

    Args:
        table: what `known_reviews` returned.
    """

    columns: ClassVar = ("reviews", "review_rating")

    def __init__(self, table: pl.DataFrame) -> None:
        self._sides = {side: _Side(table, side) for side in (USER, ITEM)}

    def owners(self, side: str, ids: Iterable[Any]) -> Ints:
        """[n] int64: the numbers of users (or items) here; -1 for one without a review."""
        return np.fromiter(map(self._sides[side].numbers.get, ids, repeat(-1)), np.int64)

    def at(self, side: str, owners: Ints, times: Ints) -> Floats:
        """[n, 2] float64: count and mean rating before each moment; NaN where nobody rated.

        Args:
            side: user_id or item_id.
            owners: [n] what `owners` returned.
            times: [n] int64, microseconds.
        """
        return self._sides[side].at(owners, times)


class _Side:
    """Reviews of each item, or by each user. Sums are whole numbers: exact, however they are asked for."""

    def __init__(self, table: pl.DataFrame, side: str) -> None:
        self._line = Timeline(table, [side])
        self.numbers = dict(zip(self._line.names[side].to_list(), count(), strict=False))
        ratings = table[RATING].fill_null(np.nan).to_numpy()
        rated = np.isfinite(ratings)
        self._rated = self._line.running(rated.astype(np.int64))
        self._ratings = self._line.running(fixed(np.where(rated, ratings, 0.0)))

    def at(self, owners: Ints, times: Ints) -> Floats:
        first, stop = self._line.places(owners, times)
        rated = self._rated[stop] - self._rated[first]
        mean = (self._ratings[stop] - self._ratings[first]) / PARTS / np.maximum(rated, 1)
        return np.column_stack([stop - first, np.where(rated > 0, mean, np.nan)])
