# SPDX-License-Identifier: Apache-2.0
"""A model of rewards for doubly robust estimates: ridge regression on item, position and context, cross-fitted.

Each row is foretold by a model that did not see it (Chernozhukov et al. 2018), so that a model which learned a
row by heart cannot bias the estimate. Rewards of 0 and 1 get a logistic model, others a linear one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from penchant.errors import DataError
from penchant.evaluate.scores import log_loss

if TYPE_CHECKING:
    from penchant.evaluate.metrics import Floats, Ints
    from penchant.evaluate.offpolicy.impressions import Impressions

FOLDS = 5
RIDGES = (1.0, 10.0, 100.0, 1000.0)
"""Weights of the squared norm that are tried, against the sum of the rows' losses."""
TRIED = 100_000
"""The most rows that the weight is chosen on."""
CELLS = 4_000_000
"""Rewards (rows times items) that are foretold at once."""


class Foretold(NamedTuple):
    """What the model says, each row by a model that did not see it.

    Attributes:
        logged: [n] float64, of what was shown.
        target: [n] float64, of what the policy would have shown there, on average.
    """

    logged: Floats
    target: Floats


def foretell(log: Impressions, policy: Floats, *, seed: int = 0, folds: int = FOLDS) -> Foretold:
    """Fit on all folds but one, foretell that one, for each.

    Args:
        log: n rows.
        policy: [P, A] probabilities of the policy that is judged.
        seed: of the cut into folds.
        folds: into how many.

    Raises:
        DataError: there are fewer than two rows a fold.
    """
    n = len(log.items)
    if n < 2 * folds:
        raise DataError(f"{n} rows are too few for a model of rewards; leave it out")
    # Rewards are dealt out evenly over the folds: few clicks by chance in one would lift what others foretell.
    fold = np.empty(n, dtype=np.int64)
    fold[np.lexsort((np.random.default_rng(seed).random(n), log.rewards))] = np.arange(n) % folds
    context = _context(log.context, n)
    rows = sparse.csr_array(
        sparse.hstack(
            [_one_hot(log.items, log.n_items), _one_hot(log.positions, log.n_positions), context], format="csr"
        )
    )
    binary = bool(np.isin(log.rewards, (0.0, 1.0)).all())
    logged, target = np.empty(n), np.empty(n)
    for number in range(folds):
        inside = fold == number
        ridge = _chosen(rows[~inside], log.rewards[~inside], binary=binary)
        intercept, weights = _fit(rows[~inside], log.rewards[~inside], ridge, binary=binary)
        # A reward is link(item + rest): one number for each item, and one for each row.
        item, rest = weights[: log.n_items], rows[inside][:, log.n_items :] @ weights[log.n_items :] + intercept
        logged[inside] = _link(rest + item[log.items[inside]], binary=binary)
        target[inside] = _expected(rest, item, policy, log.positions[inside], binary=binary)
    return Foretold(logged, target)


def _chosen(rows: sparse.csr_array, rewards: Floats, *, binary: bool) -> float:
    """The ridge that foretells the last fifth of some rows best from the others; the rows are in a log's order."""
    n = min(rows.shape[0], TRIED)
    cut = n * 4 // 5
    losses = []
    for ridge in RIDGES:
        intercept, weights = _fit(rows[:cut], rewards[:cut], ridge, binary=binary)
        guess = _link(rows[cut:n] @ weights + intercept, binary=binary)
        losses.append(_loss(guess, rewards[cut:n], binary=binary))
    # Of equals, the most cautious.
    return RIDGES[len(losses) - 1 - int(np.argmin(losses[::-1]))]


def _loss(guess: Floats, rewards: Floats, *, binary: bool) -> float:
    return log_loss(guess, rewards) if binary else float(((guess - rewards) ** 2).mean())


def _fit(rows: sparse.csr_array, rewards: Floats, ridge: float, *, binary: bool) -> tuple[float, Floats]:
    """(intercept, weights); a reward that never changes needs no weights."""
    if np.ptp(rewards) == 0:
        value = float(rewards[0])
        return (np.log(1e-9) * (1 - 2 * value) if binary else value), np.zeros(rows.shape[1])
    if not binary:
        linear = Ridge(alpha=ridge).fit(rows, rewards)
        return float(linear.intercept_), np.asarray(linear.coef_, dtype=np.float64)
    logistic = LogisticRegression(C=1 / ridge, max_iter=1000).fit(rows, rewards.astype(np.int64))
    return float(logistic.intercept_[0]), np.asarray(logistic.coef_[0], dtype=np.float64)


def _expected(rest: Floats, item: Floats, policy: Floats, positions: Ints, *, binary: bool) -> Floats:
    """[m]: the mean over the policy's choices at each row's position, in chunks of rows."""
    if not binary:
        linear: Floats = rest + (policy @ item)[positions]
        return linear
    step = max(CELLS // len(item), 1)
    parts = [
        (expit(rest[start : start + step, None] + item) * policy[positions[start : start + step]]).sum(axis=1)
        for start in range(0, len(rest), step)
    ]
    return np.concatenate(parts)


def _link(values: Floats, *, binary: bool) -> Floats:
    found: Floats = expit(values) if binary else values
    return found


def _one_hot(codes: Ints, size: int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), size))


def _context(frame: pl.DataFrame, n: int) -> sparse.csr_array:
    """Numbers standardised (0 where missing), everything else one column for each value."""
    blocks = [sparse.csr_array((n, 0))]
    for column in frame.get_columns():
        if column.dtype.is_numeric():
            values = column.cast(pl.Float64).fill_nan(None)
            spread = values.std() or 1.0
            blocks.append(sparse.csr_array(((values - values.mean()) / spread).fill_null(0.0).to_numpy()[:, None]))
        else:
            codes = column.cast(pl.String).rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
            blocks.append(_one_hot(codes, int(codes.max()) + 1))
    return sparse.csr_array(sparse.hstack(blocks, format="csr"))
