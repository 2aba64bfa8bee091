# SPDX-License-Identifier: Apache-2.0
"""Reviews as of an event: what had been written by then, and never what the event itself led to.

1. A review is visible to an event, or to a request, if it was written before: its time is earlier. One of the same
   moment is not: nobody had read it.
2. A review never speaks to the interaction that it belongs to: of a user about an item, it is hidden from every event
   of that user with that item, whenever it was written. A review of a first visit would otherwise foretell how the
   second one is liked by the very person who wrote it.

For each user and each item: how many reviews, their mean rating, and the mean of their text vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from penchant.features.aggregates.grouped import Groups
from penchant.schema import ITEM, RATING, TIME, USER

if TYPE_CHECKING:
    from penchant.features.aggregates.grouped import Array, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class ReviewsAsOf:
    """What reviews of one side told by each of E moments.

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
        table: user_id, item_id, time and rating of R reviews.
        vectors: [R, D] float32 of their texts; zero where there is none.
        present: [R] bool: where there is one.
    """

    def __init__(self, table: pl.DataFrame, vectors: Array, present: Array) -> None:
        order = np.argsort(table[TIME].to_numpy(), kind="stable")
        self._table = table[order]
        self._sums = _Sums.over(self._table, vectors[order], present[order])

    def of_items(self, events: pl.DataFrame) -> ReviewsAsOf:
        """What had been written of each event's item, by others than its user.

        Args:
            events: user_id, item_id and time of E events or requests, in any order; a user of null has no own.
        """
        return self._asked(events, ITEM)

    def of_users(self, events: pl.DataFrame) -> ReviewsAsOf:
        """What each event's user had written, of other items than its own."""
        return self._asked(events, USER)

    def _asked(self, events: pl.DataFrame, side: str) -> ReviewsAsOf:
        known = self._sums.upto(_before(self._table, events, [side]))
        own = self._sums.upto(_before(self._table, events, [USER, ITEM]))
        return known.less(own).means()


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """Sums over reviews, one row for each review, moment or pair of the two.

    Whole numbers, in fixed point: so a running sum less an earlier one is exact, and hiding one's own reviews leaves
    nothing of them behind.
    """

    counts: Ints
    rated: Ints
    ratings: Ints
    told: Ints
    vectors: Ints

    @classmethod
    def over(cls, table: pl.DataFrame, vectors: Array, present: Array) -> Self:
        ratings = table[RATING].cast(pl.Float64).fill_null(np.nan).to_numpy()
        there = np.isfinite(ratings)
        return cls(
            counts=np.ones(table.height, np.int64),
            rated=there.astype(np.int64),
            ratings=_fixed(np.where(there, ratings, 0.0)),
            told=present.astype(np.int64),
            vectors=_fixed(np.where(present[:, None], vectors, 0.0)),
        )

    def upto(self, window: _Window) -> Self:
        return type(self)(**{name: window.sums(values) for name, values in vars(self).items()})

    def less(self, own: Self) -> Self:
        return type(self)(**{name: values - getattr(own, name) for name, values in vars(self).items()})

    def means(self) -> ReviewsAsOf:
        rated, told = np.maximum(self.rated, 1), np.maximum(self.told, 1)
        return ReviewsAsOf(
            counts=self.counts,
            ratings=np.where(self.rated > 0, self.ratings / _PARTS / rated, np.nan),
            vectors=(self.vectors / _PARTS / told[:, None]).astype(np.float32),
            present=self.told > 0,
        )


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Which reviews each moment sums up: those of its group that stand before a place in it.

    Attributes:
        order: [R] reviews by group, then by time.
        first, stop: [E] the places that its sum begins at and ends before.
    """

    order: Ints
    first: Ints
    stop: Ints

    def sums(self, values: Ints) -> Ints:
        """[E, ...] out of [R, ...]."""
        running = np.zeros((len(self.order) + 1, *values.shape[1:]), np.int64)
        np.cumsum(values[self.order], axis=0, out=running[1:])
        found: Ints = running[self.stop] - running[self.first]
        return found


_PARTS = 2**20
_LARGEST = 1e6


def _fixed(numbers: Array) -> Ints:
    whole: Ints = np.rint(np.clip(numbers.astype(np.float64), -_LARGEST, _LARGEST) * _PARTS).astype(np.int64)
    return whole


def _before(table: pl.DataFrame, events: pl.DataFrame, keys: list[str]) -> _Window:
    """The reviews with the same `keys` as each event that were written earlier; `table` is sorted by time."""
    names = table.select(keys).unique(maintain_order=True).with_row_index("group")
    owners, asked = (
        one.select(keys).join(names, on=keys, how="left", maintain_order="left")["group"].cast(pl.Int64).fill_null(-1)
        for one in (table, events)
    )
    groups = Groups(owners.to_numpy())
    # Time as a rank: group and rank then fit into one number, and one search finds every place.
    moments = np.unique(table[TIME].to_numpy())
    size = len(moments) + 1
    keyed = owners.to_numpy()[groups.order] * size + np.searchsorted(moments, table[TIME].to_numpy()[groups.order])
    group = asked.to_numpy()
    ranks = np.searchsorted(moments, events[TIME].to_numpy())  # reviews of this very moment have this rank
    first = np.searchsorted(keyed, group * size)
    stop = np.searchsorted(keyed, group * size + ranks)
    here = group >= 0
    return _Window(order=groups.order, first=np.where(here, first, 0), stop=np.where(here, stop, 0))
