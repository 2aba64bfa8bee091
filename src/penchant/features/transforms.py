# SPDX-License-Identifier: Apache-2.0
"""Transforms that bring long-tailed numbers into a shape that a model can use."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

_KNOTS = 257
_TAIL = 1e-3
"""Share of the values beyond which all count as equally extreme: about three deviations."""


class Transform(StrEnum):
    """What is done to a number before it is standardised."""

    STANDARD = "standard"
    """Nothing."""
    LOG = "log"
    """The logarithm of one plus it, its sign kept: for prices and counts."""
    QUANTILE = "quantile"
    """Its rank among the training values, as a deviation of the normal distribution: for whatever is odd."""


def squeeze(numbers: Floats) -> Floats:
    """sign(x) log(1 + |x|); NaN stays."""
    squeezed: Floats = np.copysign(np.log1p(np.abs(numbers)), numbers)
    return squeezed


class Quantiles:
    """From a number to the deviation that a normal distribution has at its rank.

    Args:
        edges: [K] training values, ascending and distinct.
        levels: [K] the share of training values below each, ties in their middle.
    """

    def __init__(self, edges: Floats, levels: Floats) -> None:
        self.edges = edges
        self.levels = levels

    @classmethod
    def fit(cls, numbers: Floats) -> Self:
        """Learn from finite numbers."""
        if not len(numbers):
            return cls(np.zeros(1), np.full(1, 0.5))
        levels = np.linspace(0, 1, min(_KNOTS, max(len(numbers), 2)))
        edges, group = np.unique(np.quantile(numbers, levels), return_inverse=True)
        # A value that stands there often covers a range of ranks: it gets their middle.
        middles = np.bincount(group, weights=levels) / np.bincount(group)
        return cls(edges, middles)

    def encode(self, numbers: Floats) -> Floats:
        """[n]: deviations, between about -3 and 3; NaN stays."""
        shares = np.interp(numbers, self.edges, self.levels)
        found: Floats = ndtri(np.clip(shares, _TAIL, 1 - _TAIL))
        return found
