# SPDX-License-Identifier: Apache-2.0
"""How sure a mean over users is: percentile bootstrap (Efron & Tibshirani 1993, chapters 13 and 16).

Users are drawn with replacement. All metrics are judged on the same draws, as counts of how often each user
was drawn, so that a draw costs one matrix product however many metrics there are. The draws are made in
chunks of a fixed size, and the answer does not depend on how much memory there is.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penchant.evaluate.metrics import Floats

CELLS = 4_000_000
"""Draws times users that are held at once (32 MB)."""


class Interval(NamedTuple):
    """A mean and the interval that holds it with the asked probability."""

    mean: float
    low: float
    high: float


class Difference(NamedTuple):
    """The mean of a - b over the same users, its interval, and how likely chance alone goes as far."""

    mean: float
    low: float
    high: float
    p: float


class Pair(NamedTuple):
    """Two systems, the better one first, by their place among those compared.

    Attributes:
        better, worse: places.
        difference: better - worse.
        holm: the difference's p, corrected for all the pairs that were looked at.
    """

    better: int
    worse: int
    difference: Difference
    holm: float


def intervals(values: Floats, *, resamples: int = 1000, seed: int = 0, level: float = 0.95) -> list[Interval]:
    """One interval for each row of `values`.

    Args:
        values: [M, B] float64, M metrics of the same B users.
        resamples: how many times the users are drawn.
        seed: the same seed gives the same intervals.
        level: probability inside the interval.

    Raises:
        ValueError: there are no users, no resamples, or `level` is not between 0 and 1.
    """
    _check(values.shape[1], resamples, level)
    means = resampled(values, resamples=resamples, seed=seed)
    low, high = np.quantile(means, _tails(level), axis=0)
    return [Interval(*map(float, row)) for row in zip(values.mean(axis=1), low, high, strict=True)]


def paired(a: Floats, b: Floats, *, resamples: int = 10_000, seed: int = 0, level: float = 0.95) -> Difference:
    """Is `a` better than `b`? Both are [B], one metric of the same users in the same order.

    p is two-sided: the share of draws whose mean strays from the observed difference by at least the
    observed difference itself, that is, how often pure chance would do as much if there were none. It is
    never below 1 / (resamples + 1).

    Raises:
        ValueError: as `intervals`, or the two are not of one length.
    """
    if a.shape != b.shape:
        raise ValueError(f"a paired comparison needs the same users twice, not {a.shape} and {b.shape}")
    _check(len(a), resamples, level)
    means = resampled((a - b)[None], resamples=resamples, seed=seed)[:, 0]
    return _difference(float((a - b).mean()), means, level)


def pairs(values: Floats, *, resamples: int = 10_000, seed: int = 0, level: float = 0.95) -> list[Pair]:
    """Every system against every other, on the same draws of the same users, with Holm's correction.

    All pairs, not the best against the rest: which system is best was read off the same users, so a test of "the"
    best alone would flatter it. Holm (1979) holds the chance of a single false claim among all pairs at 1 - level,
    whatever their dependence.

    Args:
        values: [S, B] float64, one metric of the same B users for each of S systems.
        resamples: how many times the users are drawn. A p is never below 1 / (resamples + 1), nor a corrected one
            below that times the number of pairs.
        seed: the same seed gives the same answer.
        level: probability inside the intervals.

    Returns:
        sorted by the better system's mean, then by the worse one's, both falling; equal means keep their order.

    Raises:
        ValueError: as `intervals`.
    """
    _check(values.shape[1], resamples, level)
    means = resampled(values, resamples=resamples, seed=seed)
    order = np.argsort(-values.mean(axis=1), kind="stable").tolist()
    chosen = list(combinations(order, 2))
    found = [
        _difference(float((values[a] - values[b]).mean()), means[:, a] - means[:, b], level) for a, b in chosen
    ]
    corrected = holm([one.p for one in found])
    return [Pair(a, b, one, p) for (a, b), one, p in zip(chosen, found, corrected, strict=True)]


def holm(ps: Sequence[float]) -> list[float]:
    """Each p after Holm's step-down correction for all of them, in the order given (Holm 1979), at most 1."""
    raw = np.asarray(ps, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.minimum(np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)), 1.0)
    corrected = np.empty_like(raw)
    corrected[order] = steps
    return [float(p) for p in corrected]


def resampled(values: Floats, *, resamples: int, seed: int) -> Floats:
    """[resamples, M]: the means of M rows of `values` [M, B] in each draw of their B users."""
    return np.concatenate(list(_means(values, resamples, seed)))


def _difference(mean: float, means: Floats, level: float) -> Difference:
    low, high = np.quantile(means, _tails(level))
    # Sums in another order differ in the last digits; equal systems must still give p = 1.
    as_far = np.abs(means - mean) >= abs(mean) - 1e-12
    return Difference(mean, float(low), float(high), float((as_far.sum() + 1) / (len(means) + 1)))


def _means(values: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """The metrics' means in each draw, in chunks of [r, M]."""
    random = np.random.default_rng(seed)
    users = values.shape[1]
    step = max(CELLS // users, 1)
    for start in range(0, resamples, step):
        draws = min(step, resamples - start)
        picked = random.integers(users, size=(draws, users))
        picked += np.arange(draws)[:, None] * users
        counts = np.bincount(picked.ravel(), minlength=draws * users).reshape(draws, users)
        yield counts @ values.T / users


def _check(users: int, resamples: int, level: float) -> None:
    if users < 1:
        raise ValueError("there is no user to average over")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
