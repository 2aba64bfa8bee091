# SPDX-License-Identifier: Apache-2.0
"""Randomness with a name: each purpose draws from a stream of its own.

So one thing can be changed (more pictures, no friends) and all else stays as it was. A stream yields the same
numbers whether they are drawn at once or in pieces, which makes a simulation independent of its chunks.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """The generator for one purpose.

    Args:
        seed: of the whole simulation.
        name: the purpose.
        numbers: what tells streams of the same purpose apart, such as the day; at least 0.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *numbers])


class Streams:
    """The streams of one day, made when they are first asked for.

    Args:
        seed: of the whole simulation.
        day: from 0.
    """

    def __init__(self, seed: int, day: int) -> None:
        self._seed, self._day = seed, day
        self._made: dict[str, np.random.Generator] = {}

    def __getitem__(self, name: str) -> np.random.Generator:
        """The stream of that name; it goes on where it was left."""
        if name not in self._made:
            self._made[name] = stream(self._seed, name, self._day)
        return self._made[name]


class Lottery:
    """Draws rows by weight, any number at once.

    Args:
        weights: of each row, at least 0 and not all 0.
    """

    def __init__(self, weights: NDArray[np.floating]) -> None:
        self._bounds = np.cumsum(weights, dtype=np.float64)

    def draw(self, uniform: NDArray[np.float64], among: int | None = None) -> NDArray[np.int64]:
        """The rows that uniform numbers in [0, 1) fall on.

        Args:
            uniform: of any shape.
            among: only the first so many rows take part.
        """
        last = self._last if among is None else int(among) - 1
        found = np.searchsorted(self._bounds, uniform * self._bounds[last], side="right")
        rows: NDArray[np.int64] = np.minimum(found, last)
        return rows

    @cached_property
    def _last(self) -> int:
        """The last row that has any weight: rounding must not draw one behind it."""
        return int(np.searchsorted(self._bounds, self._bounds[-1], side="left"))
