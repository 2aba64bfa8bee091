# SPDX-License-Identifier: Apache-2.0
"""Intervals that may be looked at every day, and after every user: confidence sequences.

An ordinary 95 % interval is right 95 % of the time when it is looked at once. Whoever looks every day and stops
when it leaves zero finds a difference that is not there far more often. A confidence sequence holds the truth at
*all* times at once with 95 %, so stopping whenever one likes does no harm. This is the asymptotic one of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (Annals of Statistics 2024): of any outcome with a variance, a number of purchases as well as yes and
no. Its test is that of Robbins' normal mixture, which is known in A/B testing as mSPRT (Johari, Koomen, Pekelis
and Walsh, KDD 2017): the p that is given is always valid, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

TIGHTEST = 1000
"""Number of units for which the interval is narrowest, next to all others that are valid at any time."""
LEAST = 100
"""Fewer units say nothing yet: the theory is about many."""


class Sequence(NamedTuple):
    """What is known after all units.

    Attributes:
        mean: the estimate.
        low: the interval's lower end; -inf where nothing can be said yet.
        high: its upper end.
        p: the always valid p of a mean of 0: the smallest since the first unit.
    """

    mean: float
    low: float
    high: float
    p: float


def of_mean(values: Floats, alpha: float = 0.05) -> Sequence:
    """The confidence sequence of the mean of independent units, after the last of them.

    Args:
        values: [n] one value of each unit, in the order in which they came.
        alpha: how likely the truth may lie outside at any time at all.
    """
    n = len(values)
    if not n:
        return Sequence(math.nan, -math.inf, math.inf, 1.0)
    times = np.arange(1, n + 1)
    means = np.cumsum(values) / times
    variances = np.maximum(np.cumsum(values**2) / times - means**2, 0.0)
    counts = times >= LEAST
    if not counts[-1] or variances[-1] <= 0:
        return Sequence(float(means[-1]), -math.inf, math.inf, 1.0)
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / TIGHTEST
    spread = times * rho + 1
    radius = np.sqrt(variances * 2 * spread / (times**2 * rho) * np.log(np.sqrt(spread) / alpha))
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = times**2 * rho * means**2 / (2 * spread * variances) - 0.5 * np.log(spread)
    known = counts & (variances > 0)
    largest = float(evidence[known].max(initial=0.0))
    mean, reach = float(means[-1]), float(radius[-1])
    return Sequence(mean, mean - reach, mean + reach, math.exp(-max(largest, 0.0)))


def of_difference(outcomes: Floats, treated: Bools, share: float, alpha: float = 0.05) -> Sequence:
    """The confidence sequence of how much higher the mean outcome is of the treated than of the others.

    Each unit is weighted by the inverse of the probability with which it came into its arm, which is known: so
    the units are independent and of one mean, the difference, whatever order they came in. What was the mean of
    all units before is taken off first (Robins, Rotnitzky and Zhao 1994), which makes it as sharp as a difference
    of means.

    Args:
        outcomes: [n] in the order in which units came.
        treated: [n] which arm each one is in.
        share: the probability of the treated arm.
        alpha: how likely the truth may lie outside at any time at all.
    """
    before = np.concatenate([[0.0], np.cumsum(outcomes)[:-1]]) / np.maximum(np.arange(len(outcomes)), 1)
    weights = np.where(treated, 1 / share, -1 / (1 - share))
    return of_mean((outcomes - before) * weights, alpha)
