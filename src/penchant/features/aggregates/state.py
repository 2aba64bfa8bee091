# SPDX-License-Identifier: Apache-2.0
"""Behaviour aggregates as of an event: THE definition, for training, measuring and the live service.

1. Events are in log order, as `penchant.features.history` has it: by time, and among equal times by arrival.
2. The value at an event is computed from the events of the same user (or the same item) before it in log order,
   and from nothing else. The event itself is not among them.
3. The value at a request is computed from every event that has been recorded when it is answered. An event that
   arrives late counts from then on.
4. An event of an item that the catalogue does not hold counts nowhere.

One class carries a state over chunks of events; it is the same offline and in the service. The result is the same,
to the last bit, however the events are cut into chunks: one by one, or all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from penchant.errors import DataError
from penchant.features.aggregates.grouped import NEVER
from penchant.features.aggregates.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from torch import Tensor

    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.aggregates.measures import Known, Plan


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """What was known just before each of E events: `users` and `items`, [E, A] float64, NaN for nothing."""

    users: Floats
    items: Floats


class Aggregates:
    """Running aggregates of all users and all items.

    Memory is a few arrays with one entry for each user and each item; it does not grow with the events.

    Args:
        plan: what is counted.
        users: how many users there are to begin with; more may come.
        items: how many items.
    """

    def __init__(self, plan: Plan, users: int = 0, items: int = 0) -> None:
        self.plan = plan
        self.users = Tally(plan, users)
        self.items = Tally(plan, items)
        self.clock = NEVER
        """The latest time of any event so far, in microseconds; `NEVER` before the first."""

    @property
    def nbytes(self) -> int:
        """Bytes of the whole state."""
        return self.users.nbytes + self.items.nbytes

    def advance(self, chunk: Chunk) -> AsOf:
        """Take up a chunk in log order, and tell what was known just before each of its events.

        Raises:
            DataError: an event is earlier than one before it, in this chunk or an earlier one.
        """
        self._refuse_disorder(chunk)
        users, items = self._sides(chunk)
        return AsOf(users=self.plan.values(users()), items=self.plan.values(items()))

    def begin(self, chunk: Chunk, users: Executor, items: Executor) -> Callable[[], AsOf]:
        """As `advance`, but the two sides are taken up at the same time.

        They share nothing but what they read, and numpy lets go of the interpreter for long arrays.

        Args:
            chunk: the events.
            users: what works for users and nothing else, one chunk after the other.
            items: the same for items.

        Returns:
            what waits for the result; the next chunk may be begun before.

        Raises:
            DataError: as `advance`.
        """
        self._refuse_disorder(chunk)
        known = self._sides(chunk)
        of_users = users.submit(lambda: self.plan.values(known[0]()))
        of_items = items.submit(lambda: self.plan.values(known[1]()))
        return lambda: AsOf(users=of_users.result(), items=of_items.result())

    def take(self, chunk: Chunk) -> None:
        """Take up events as they arrive, late ones too, and tell nothing."""
        for side in self._sides(chunk):
            side()

    def users_at(self, rows: Ints, now: int) -> Floats:
        """[n, A] float64: what is known of users at a moment; a row that is not here did nothing."""
        return self.plan.values(self.users.at(rows, now))

    def items_at(self, rows: Ints, now: int) -> Floats:
        """[n, A] float64: the same of items."""
        return self.plan.values(self.items.at(rows, now))

    def tensors(self) -> dict[str, Tensor]:
        """The state as named tensors, for safetensors."""
        return {
            f"{side}/{name}": tensor
            for side, tally in (("users", self.users), ("items", self.items))
            for name, tensor in tally.tensors().items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` returned.

        Raises:
            ValueError: it belongs to another plan.
        """
        for side, tally in (("users", self.users), ("items", self.items)):
            prefix = f"{side}/"
            tally.load({name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)})
        last = tensors["users/last"]
        self.clock = int(last.max()) if len(last) else NEVER

    def _refuse_disorder(self, chunk: Chunk) -> None:
        times = chunk.times
        if not len(times):
            return
        falls = np.flatnonzero(times[1:] < times[:-1])
        back = 0 if times[0] < self.clock else int(falls[0]) + 1 if len(falls) else None
        if back is not None:
            raise DataError(
                f"Aggregates: event {back} of this chunk (time {int(times[back])}) is earlier than one before "
                "it: sort the events by time"
            )

    def _sides(self, chunk: Chunk) -> tuple[Callable[[], Known], Callable[[], Known]]:
        """What takes the chunk up for users, and for items: each is called once, in either order."""
        weights = self.plan.weights(chunk)
        if len(chunk):
            self.clock = max(self.clock, int(chunk.times.max()))
        return (
            partial(self.users.advance, chunk.users, chunk.times, weights, chunk.item_hashes),
            partial(self.items.advance, chunk.items, chunk.times, weights, chunk.user_hashes),
        )
