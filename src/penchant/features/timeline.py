# SPDX-License-Identifier: Apache-2.0
"""What happened to each owner, in the order of time, and how far it had come at any moment.

Strictly before a moment: what happens at the same one is not known yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.features.aggregates.grouped import Groups
from penchant.schema import TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.features.aggregates.grouped import Array, Ints


class Timeline:
    """Rows of a table, by owner and then by time.

    Args:
        table: R rows with a time (Int64, no nulls), in any order.
        keys: the columns that make an owner: one user, one item, or one user with one item.

    Attributes:
        order: [R] int64, which row stands at each place.
        groups: the rows in the order of time, grouped; its own `order` counts in that order.
        names: the distinct owners, each with its number, `group`.
    """

    def __init__(self, table: pl.DataFrame, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        by_time = np.argsort(table[TIME].to_numpy(), kind="stable")
        self.names = table.select(self._keys).unique(maintain_order=True).with_row_index("group")
        owners = self._owners(table)[by_time]
        self.groups = Groups(owners)
        self.order: Ints = by_time[self.groups.order]
        # Time as a rank: owner and rank then fit into one number, and one search finds every place.
        self._moments = np.unique(table[TIME].to_numpy())
        self._size = len(self._moments) + 1
        ranks = np.searchsorted(self._moments, table[TIME].to_numpy()[self.order])
        self._keyed = owners[self.groups.order] * self._size + ranks
        # [G + 1]; one place more, for an owner that is not here: number -1 finds it, and its rows are none.
        counts = np.bincount(owners, minlength=len(self.names))
        self._stops = np.append(np.cumsum(counts), 0)
        self._starts = np.append(self._stops[:-1] - counts, 0)

    def before(self, asked: pl.DataFrame) -> tuple[Ints, Ints]:
        """([E] first place, [E] place after the last) of the owner's rows before each moment of `asked`."""
        return self.places(self._owners(asked), asked[TIME].to_numpy())

    def places(self, owners: Ints, times: Ints) -> tuple[Ints, Ints]:
        """As `before`, for owners by their place in `names` ([E], -1 for one that is not here)."""
        first, stop = self._starts[owners], self._stops[owners]
        ranks = np.searchsorted(self._moments, times)
        # Whoever asks after the last moment of all, as a service mostly does, needs no search.
        search = (ranks < len(self._moments)) & (owners >= 0)
        stop[search] = np.searchsorted(self._keyed, owners[search] * self._size + ranks[search])
        return first, stop

    def sums_before(self, values: Array, asked: tuple[Ints, Ints]) -> Ints:
        """[E] int64: sums of whole numbers [R] over the rows that `before` found: exact, in any order."""
        running = self.running(values)
        found: Ints = running[asked[1]] - running[asked[0]]
        return found

    def running(self, values: Array) -> Ints:
        """[R + 1] int64: the sum of `values` [R] before each place, in the timeline's order."""
        whole = np.zeros(len(self.order) + 1, np.int64)
        np.cumsum(values[self.order], out=whole[1:])
        return whole

    def _owners(self, table: pl.DataFrame) -> Ints:
        """[n] int64: which owner each row asks for; -1 for one that is not here."""
        found = table.select(self._keys).join(self.names, on=self._keys, how="left", maintain_order="left")
        return found["group"].cast(pl.Int64).fill_null(-1).to_numpy()
