# SPDX-License-Identifier: Apache-2.0
"""Signals as of now: the state that the service feeds with each event, and that measuring makes of a table.

It begins with the bundle's state, or with nothing, and takes events in order of arrival. The same class answers in
both places, so a number that training saw is the number that the service shows.
"""

from __future__ import annotations

import math
import threading
from itertools import count, filterfalse, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from penchant.features.aggregates.chunk import chunk_of
from penchant.features.aggregates.grouped import NEVER
from penchant.features.aggregates.state import Aggregates
from penchant.features.aggregates.tally import Tally
from penchant.features.signals import CHUNK, with_ages
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.catalogue import Catalogue
    from penchant.features.signals import Signals

_FEW = 64
"""Events of which each is looked up by itself: a join would look at the whole catalogue."""


class LiveSignals:
    """What is known now of every user and item. Safe to use from many threads.

    Args:
        signals: what is counted, and how it is scaled.
        catalogue: the items; an event of any other counts nowhere.
    """

    def __init__(self, signals: Signals, catalogue: Catalogue) -> None:
        self.signals = signals
        self._catalogue = catalogue
        self._users: dict[Any, int] = {}
        self._state = Aggregates(signals.plan, items=len(catalogue))
        self._births = signals.births(catalogue)
        self._lock = threading.Lock()

    @classmethod
    def after(
        cls,
        signals: Signals,
        catalogue: Catalogue,
        events: pl.DataFrame,
        tensors: Mapping[str, Tensor] | None = None,
    ) -> LiveSignals:
        """The state after `events`, given in order of arrival.

        Args:
            signals: what is counted, and how it is scaled.
            catalogue: the items.
            events: canonical events.
            tensors: what `tensors()` returned after the very same events, if it was kept.

        Raises:
            ValueError: `tensors` are not of these events and items.
        """
        live = cls(signals, catalogue)
        if tensors is None:
            live.take(events)
        else:
            live._load(events, tensors)
        return live

    @property
    def clock(self) -> int:
        """The latest time of any event, in microseconds; 0 before the first."""
        return 0 if self._state.clock == NEVER else self._state.clock

    def take(self, events: pl.DataFrame) -> None:
        """Take up events in order of arrival."""
        if events.is_empty():
            return
        with self._lock:
            names = events[USER].unique(maintain_order=True)
            known = names.to_list()
            fresh = list(filterfalse(self._users.__contains__, known))
            self._users.update(zip(fresh, count(len(self._users)), strict=False))
            numbered = pl.DataFrame({USER: names, "row": list(map(self._users.__getitem__, known))})
            rows = events.select(USER).join(numbered, on=USER, how="left", maintain_order="left")["row"]
            for chunk in self._chunk(events, rows.to_numpy()).cut(CHUNK):
                self._state.take(chunk)
            self._state.users.grow(len(self._users))

    def users(self, ids: Iterable[Any], now: int) -> Tensor:
        """[B, A] float32: the signals of users; of one who is not known, those of nobody."""
        return self.signals.of_users(self._raw_users(ids, now))

    def items(self, now: int) -> Tensor:
        """[N, A] float32: the signals of the whole catalogue."""
        return self.signals.of_items(self._raw_items(np.arange(len(self._catalogue)), now))

    def stranger(self, events: pl.DataFrame, now: int) -> Tensor:
        """[1, A] float32: the signals of somebody who did `events` and nothing else."""
        chunk = self._chunk(events, np.zeros(events.height, np.int64))
        plan = self.signals.plan
        alone = Tally(plan, 1)
        alone.advance(chunk.users, chunk.times, plan.weights(chunk), chunk.item_hashes)
        return self.signals.of_users(plan.values(alone.at(np.zeros(1, np.int64), now)))

    def of_user(self, user_id: Any, now: int) -> dict[str, float | None]:
        """By column: what people see of a user; None where there is nothing to tell."""
        return _named(self.signals.user_columns, self._raw_users([user_id], now))

    def of_item(self, row: int, now: int) -> dict[str, float | None]:
        """By column: what people see of the item in a catalogue row."""
        return _named(self.signals.item_columns, self._raw_items(np.array([row]), now))

    def tensors(self) -> dict[str, Tensor]:
        """The state, for safetensors. Whose row is whose follows from the events, in their order."""
        with self._lock:
            return self._state.tensors()

    def _raw_users(self, ids: Iterable[Any], now: int) -> Floats:
        with self._lock:
            rows = np.fromiter(map(self._users.get, ids, repeat(-1)), np.int64)
            return self._state.users_at(rows, now)

    def _raw_items(self, rows: Ints, now: int) -> Floats:
        with self._lock:
            raw = self._state.items_at(rows, now)
        return with_ages(raw, self._births[rows], np.full(len(rows), now))

    def _chunk(self, events: pl.DataFrame, users: Ints) -> Chunk:
        ids = events[ITEM]
        if len(ids) <= _FEW:
            rows = np.fromiter((_absent(self._catalogue.row(item)) for item in ids.to_list()), np.int64)
        else:
            rows = self._catalogue.rows(ids).numpy()
        return chunk_of(events, users, rows, self.signals.plan.measures.types)

    def _load(self, events: pl.DataFrame, tensors: Mapping[str, Tensor]) -> None:
        self._users = dict(zip(events[USER].unique(maintain_order=True).to_list(), count(), strict=False))
        self._state.load(tensors)
        if len(self._state.users) != len(self._users) or len(self._state.items) != len(self._catalogue):
            raise ValueError("the state of aggregates is not of these users and items")


def _named(columns: tuple[str, ...], raw: Floats) -> dict[str, float | None]:
    numbers = raw[0].tolist()
    return {name: None if math.isnan(number) else number for name, number in zip(columns, numbers, strict=True)}


def _absent(row: int | None) -> int:
    return -1 if row is None else row
