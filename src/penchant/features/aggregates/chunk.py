# SPDX-License-Identifier: Apache-2.0
"""A run of events as arrays: all that aggregates see of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.features.hashing import stable_hash
from penchant.schema import AMOUNT, DWELL, ITEM, QUANTITY, TIME, TYPE, USER, VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.aggregates.measures import Plan
    from penchant.features.hashing import Hashes

NUMBERS = (VALUE, DWELL, AMOUNT, QUANTITY)
"""The columns of events that are added up."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Events in order of arrival.

    Attributes:
        users, items: [E] int64, rows of the users' and items' states, from 0.
        times: [E] int64, microseconds.
        types: [E] int64, position among the types that are told apart; -1 for any other.
        user_hashes, item_hashes: [E] uint64, of the raw ids; [0] where nobody counts different ones.
        numbers: of `NUMBERS` those that are looked at: [E] float64, NaN where an event has none.
    """

    users: Ints
    items: Ints
    times: Ints
    types: Ints
    user_hashes: Hashes
    item_hashes: Hashes
    numbers: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times)

    def slice(self, start: int, stop: int) -> Chunk:
        """The events from `start` up to `stop`."""
        part = slice(start, stop)
        return Chunk(
            users=self.users[part],
            items=self.items[part],
            times=self.times[part],
            types=self.types[part],
            user_hashes=self.user_hashes[part],
            item_hashes=self.item_hashes[part],
            numbers={name: values[part] for name, values in self.numbers.items()},
        )

    def cut(self, size: int) -> Iterator[Chunk]:
        """The same events, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.slice(start, start + size)


def chunk_of(events: pl.DataFrame, users: Ints, items: Ints, plan: Plan) -> Chunk:
    """A table of canonical events as a chunk.

    Args:
        events: in order of arrival; those of `NUMBERS` that it lacks count as missing.
        users: [E] row of each event's user.
        items: [E] row of each event's item; events of a negative one are left out, as in a history.
        plan: what will be counted; what it does not look at is not made.
    """
    keep = items >= 0
    if not keep.all():
        events, users, items = events.filter(pl.Series(keep)), users[keep], items[keep]
    nobody = np.empty(0, dtype=np.uint64)
    return Chunk(
        users=users,
        items=items,
        times=events[TIME].to_numpy(),
        types=_places(events[TYPE], plan) if plan.typed else np.full(len(items), -1),
        user_hashes=stable_hash(events[USER]) if plan.distinct else nobody,
        item_hashes=stable_hash(events[ITEM]) if plan.distinct else nobody,
        numbers={
            name: events[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in NUMBERS
            if name in events.columns and name in plan.measures.names
        },
    )


def _places(types: pl.Series, plan: Plan) -> Ints:
    """[E] int64: where each type stands among those that are told apart, -1 for any other."""
    place = {name: index for index, name in enumerate(plan.measures.types)}
    return types.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
