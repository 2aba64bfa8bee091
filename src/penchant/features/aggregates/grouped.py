# SPDX-License-Identifier: Apache-2.0
"""Running totals within groups, over a whole chunk of events at once.

A chunk is put in order of (owner, arrival), and before each owner's events stands a *head*: what the owner brought
along from earlier chunks. So one array of E + G entries holds, for G owners, a head and the events after it, and a
running total over it needs to know nothing of chunks: what stands one place before an event is what was known just
before it, what stands last is what the owner takes along.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Array = NDArray[Any]

NEVER = -(2**62)
"""A time before all times. Differences to it still fit into 64 bits."""


class Groups:
    """Events by owner.

    Args:
        owners: [E] int64, at least 0: whom each event belongs to, in order of arrival.

    Attributes:
        members: [G] int64, the owners, ascending.
        order: [E] int64, which event stands at each place once they are grouped.
        group: [E] int64, which group that one belongs to.
        head_places: [G] int64, where heads stand among E + G entries.
    """

    def __init__(self, owners: Ints) -> None:
        count = len(owners)
        bits = max(count - 1, 0).bit_length()
        if count and int(owners.max()) >= 2 ** (63 - bits):
            raise ValueError(f"owners must be below 2^{63 - bits} in a chunk of {count} events")
        # Owner and place in one number: plain sorting is then stable, and ten times as fast as a stable argsort.
        packed = np.sort((owners << bits) | np.arange(count))
        self.order: Ints = packed & ((1 << bits) - 1)
        sorted_owners = packed >> bits
        first = np.ones(count, dtype=bool)
        first[1:] = sorted_owners[1:] != sorted_owners[:-1]
        self.heads: Ints = np.flatnonzero(first)
        self.members: Ints = sorted_owners[self.heads]
        self.group: Ints = np.cumsum(first) - 1
        places = np.arange(1, count + 1) + self.group
        self.head_places = self.heads + np.arange(len(self.heads))
        self._last_places = np.append(self.head_places[1:], count + len(self.heads))[: len(self.heads)] - 1
        # Every measure goes these ways, there and back: laid out once, each is a single gathering.
        self._source = np.empty(count + len(self.heads), dtype=np.int64)
        self._source[places] = self.order
        self._source[self.head_places] = np.arange(count, count + len(self.heads))
        self._before = np.empty(count, dtype=np.int64)
        self._before[self.order] = places - 1

    def with_heads(self, heads: Array, events: Array) -> Array:
        """[E + G]: heads [G] and the events' values [E, in order of arrival], interleaved."""
        whole: Array = np.concatenate([events, heads]).take(self._source)
        return whole

    def before(self, whole: Array) -> Array:
        """[E] in order of arrival: what stands just before each event."""
        found: Array = whole.take(self._before)
        return found

    def at(self, whole: Array) -> Array:
        """[E] in order of arrival: what stands at each event."""
        found: Array = whole[1:].take(self._before)
        return found

    def last(self, whole: Array) -> Array:
        """[G]: what stands at the end of each group."""
        found: Array = whole[self._last_places]
        return found

    def running_sum(self, heads: Ints, events: Ints) -> Ints:
        """[E + G] int64: each head, plus the events after it up to each of them."""
        whole: Ints = self.with_heads(heads, events)
        if len(whole):
            # A head takes back what stood at the end of the group before it: then one sum runs through them all.
            whole[self.head_places[1:]] -= np.add.reduceat(whole, self.head_places)[:-1]
        return np.cumsum(whole, out=whole)

    def running_max(self, heads: Ints, events: Ints) -> Ints:
        """[E + G] int64: the greatest of the head and the events up to each place."""
        whole: Ints = self.with_heads(heads, events)
        rising = whole[1:] >= whole[:-1]
        rising[self.head_places[1:] - 1] = True
        if rising.all():  # the usual case: events come in the order of time
            return whole
        # Ranks are small, so owner and rank fit into one number, which never falls from one owner to the next.
        known, rank = np.unique(whole, return_inverse=True)
        offset = np.zeros(len(whole), dtype=np.int64)
        offset[self.head_places[1:]] = len(known)
        offset = np.cumsum(offset)
        return known[np.maximum.accumulate(rank + offset) - offset]

    def running_min(self, heads: Ints, events: Ints, *, rising: bool) -> Ints:
        """[E + G] int64: the least of the head and the events up to each place.

        Args:
            heads: [G].
            events: [E] in order of arrival.
            rising: whether no group's events ever fall: then the first of them is the least.
        """
        if not rising:
            return -self.running_max(-heads, -events)
        entries = self._last_places - self.head_places + 1
        whole: Ints = np.repeat(np.minimum(heads, events[self.order[self.heads]]), entries)
        whole[self.head_places] = heads
        return whole

    def running_decay(self, heads: Floats, decays: Floats, weights: Floats) -> Floats:
        """[E + G] float64: y[i] = decay[i] * y[i-1] + weight[i], beginning anew at each head.

        A linear recurrence is a bidiagonal system of equations: LAPACK's forward substitution does exactly these
        operations in exactly this order, so the result does not depend, to the last bit, on where chunks begin.

        Args:
            heads: [G].
            decays: [E + G]; those of heads are not looked at.
            weights: [E] in order of arrival.
        """
        right = self.with_heads(heads, weights)
        below = -decays
        below[self.head_places] = 0.0
        size = len(right)
        if size < 2:
            return right
        nothing = np.zeros(size - 1)
        pivots = np.arange(1, size + 1, dtype=np.int32)
        if size == 2:  # LAPACK's wrapper wants a second superdiagonal, which two equations do not have
            below, right = np.append(below, 0.0), np.append(right, 0.0)
            nothing, pivots = np.zeros(2), np.arange(1, 4, dtype=np.int32)
        solved, _ = lapack.dgttrs(below[1:], np.ones(len(right)), nothing, nothing[1:], pivots, right)
        found: Floats = solved[:size]
        return found
