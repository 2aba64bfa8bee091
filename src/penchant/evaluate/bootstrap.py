# SPDX-License-Identifier: Apache-2.0
"""How sure a mean over users is: percentile bootstrap (Efron & Tibshirani 1993, chapters 13 and 16).

Users are drawn with replacement. All metrics are judged on the same draws, as counts of how often each user
was drawn, so that a draw costs one matrix product however many metrics there are. The draws are made in
chunks of a fixed size, and the answer does not depend on how much memory there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    means = np.concatenate(list(_means(values, resamples, seed)))
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
    values = a - b
    mean = float(values.mean())
    means = np.concatenate(list(_means(values[None], resamples, seed)))[:, 0]
    low, high = np.quantile(means, _tails(level))
    # Sums in another order differ in the last digits; equal systems must still give p = 1.
    as_far = np.abs(means - mean) >= abs(mean) - 1e-12
    return Difference(mean, float(low), float(high), float((as_far.sum() + 1) / (resamples + 1)))


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
