# SPDX-License-Identifier: Apache-2.0
"""Signals as of now: the state that the service feeds with each event, and that measuring makes of a table.

It begins with the bundle's state, or with nothing, and takes events in order of arrival. The same class answers in
both places, so a number that training saw is the number that the service shows.
"""

from __future__ import annotations

import math
import threading
from itertools import count, filterfalse, islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from penchant.features.aggregates.chunk import Chunk, chunk_of
from penchant.features.aggregates.grouped import NEVER
from penchant.features.aggregates.state import Aggregates
from penchant.features.aggregates.tally import Tally
from penchant.features.hashing import stable_hash
from penchant.features.signals import with_ages
from penchant.features.streaming import CHUNK
from penchant.schema import AMOUNT, DWELL, ITEM, QUANTITY, USER, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.catalogue import Catalogue
    from penchant.features.hashing import Hashes
    from penchant.features.signals import Signals

More = dict[str, Any]
"""What an event says beyond the canonical columns, by column."""

Done = tuple[Any, Any, int, str, float | None, More | None]
"""Who did something with which item, when, how, how much, and what else."""


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
        self._beside = signals.beside.live(catalogue) if signals.beside else None
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
            if self._beside:
                self._beside.meet(fresh)
            numbered = pl.DataFrame({USER: names, "row": list(map(self._users.__getitem__, known))})
            rows = events.select(USER).join(numbered, on=USER, how="left", maintain_order="left")["row"]
            for chunk in self._chunk(events, rows.to_numpy()).cut(CHUNK):
                self._take(chunk)
            self._state.users.grow(len(self._users))

    def note(self, events: Sequence[Done]) -> None:
        """Take up events that came over HTTP, in order of arrival: for a few at once quicker than a table."""
        if not events:
            return
        with self._lock:
            known = len(self._users)
            rows = [self._users.setdefault(event[0], len(self._users)) for event in events]
            if self._beside:
                self._beside.meet(islice(self._users, known, None))
            self._take(self._told(events, rows))
            self._state.users.grow(len(self._users))

    def stock(self, catalogue: Catalogue) -> None:
        """Know a catalogue that came out of the one so far: the same rows, some of them changed, and more."""
        births = self.signals.births(catalogue)
        with self._lock:
            self._catalogue, self._births = catalogue, births
            self._state.items.grow(len(catalogue))
            if self._beside:
                self._beside.stock(catalogue)

    def users(self, ids: Sequence[Any], now: int) -> Tensor:
        """[B, A] float32: the signals of users; of one who is not known, those of nobody."""
        return self.signals.of_users(self._raw_users(ids, now))

    def items(self, now: int) -> Tensor:
        """[N, A] float32: the signals of the whole catalogue."""
        return self.signals.of_items(self._raw_items(np.arange(len(self._catalogue)), now))

    def stranger(self, events: Sequence[Done], now: int) -> Tensor:
        """[1, A] float32: the signals of somebody who did `events` and nothing else."""
        chunk, plan = self._told(events, [0] * len(events)), self.signals.plan
        alone = Tally(plan, 1)
        alone.advance(chunk.users, chunk.times, plan.weights(chunk), chunk.item_hashes)
        raw = plan.values(alone.at(np.zeros(1, np.int64), now))
        return self.signals.of_users(self._beside.users(raw, [None], now) if self._beside else raw)

    def of_user(self, user_id: Any, now: int) -> dict[str, float | None]:
        """By column: what people see of a user; None where there is nothing to tell."""
        return _named(self.signals.user_columns, self._raw_users([user_id], now))

    def of_item(self, row: int, now: int) -> dict[str, float | None]:
        """By column: what people see of the item in a catalogue row."""
        return _named(self.signals.item_columns, self._raw_items(np.array([row]), now))

    def tensors(self) -> dict[str, Tensor]:
        """The state, for safetensors. Whose row is whose follows from the events, in their order."""
        with self._lock:
            return self._state.tensors() | (self._beside.tensors() if self._beside else {})

    def _raw_users(self, ids: Sequence[Any], now: int) -> Floats:
        with self._lock:
            rows = np.fromiter(map(self._users.get, ids, repeat(-1)), np.int64)
            raw = self._state.users_at(rows, now)
            return self._beside.users(raw, ids, now) if self._beside else raw

    def _raw_items(self, rows: Ints, now: int) -> Floats:
        with self._lock:
            raw = self._state.items_at(rows, now)
        raw = with_ages(raw, self._births[rows], np.full(len(rows), now))
        return self._beside.items(raw, rows, now) if self._beside else raw

    def _take(self, chunk: Chunk) -> None:
        self._state.take(chunk)
        if self._beside:
            self._beside.take(chunk)

    def _chunk(self, events: pl.DataFrame, users: Ints) -> Chunk:
        rows = self._catalogue.rows(events[ITEM]).numpy()
        return chunk_of(events, users, rows, self.signals.plan)

    def _told(self, events: Sequence[Done], users: list[int]) -> Chunk:
        """The same as `_chunk`, out of single events."""
        places = [self._catalogue.row(event[1]) for event in events]
        known = [number for number, place in enumerate(places) if place is not None]
        some = [events[number] for number in known]
        types = {name: place for place, name in enumerate(self.signals.plan.measures.types)}
        numbers = {VALUE: np.array([event[4] for event in some], np.float64)}
        for name in (DWELL, AMOUNT, QUANTITY):
            numbers[name] = np.array([event[5] and event[5].get(name) for event in some], np.float64)
        return Chunk(
            users=np.array([users[number] for number in known], np.int64),
            items=np.array([places[number] for number in known], np.int64),
            times=np.array([event[2] for event in some], np.int64),
            types=np.array([types.get(event[3], -1) for event in some], np.int64),
            user_hashes=_hashes([event[0] for event in some]),
            item_hashes=_hashes([event[1] for event in some]),
            numbers=numbers,
        )

    def _load(self, events: pl.DataFrame, tensors: Mapping[str, Tensor]) -> None:
        self._users = dict(zip(events[USER].unique(maintain_order=True).to_list(), count(), strict=False))
        self._state.load(tensors)
        if self._beside:
            self._beside.meet(self._users)
            self._beside.load(tensors)
        if len(self._state.users) != len(self._users) or len(self._state.items) != len(self._catalogue):
            raise ValueError("the state of aggregates is not of these users and items")


def _named(columns: tuple[str, ...], raw: Floats) -> dict[str, float | None]:
    numbers = raw[0].tolist()
    return {name: None if math.isnan(number) else number for name, number in zip(columns, numbers, strict=True)}


def _hashes(ids: list[Any]) -> Hashes:
    """[n] uint64: of ids that may be numbers and texts in one list."""
    numbers = np.array([isinstance(one, int) for one in ids], bool)
    found = np.zeros(len(ids), np.uint64)
    for kind, these in ((pl.Int64, numbers), (pl.String, ~numbers)):
        if these.any():
            chosen = [one for one, is_this in zip(ids, these.tolist(), strict=True) if is_this]
            found[these] = stable_hash(pl.Series(chosen, dtype=kind))
    return found
