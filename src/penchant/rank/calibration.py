# SPDX-License-Identifier: Apache-2.0
"""Probabilities that mean what they say: of what is promised at 2 %, two in a hundred come.

A calibration is a rising line through log-odds, learned on cases that the network did not learn from, and kept as
numbers. It never changes an order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import torch
from sklearn.isotonic import IsotonicRegression

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    Floats = npt.NDArray[np.float64]

Method = Literal["none", "platt", "isotonic"]

_BINS = 50
_FEWEST_IN_A_BIN = 50
_STEPS = 50
_FLATTEST = 1e-3


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A line from log-odds to log-odds, straight between its knots.

    Attributes:
        given: log-odds that the network says, rising.
        meant: what they come to, rising with them.
        slope: of the line before the first knot and after the last.
    """

    given: tuple[float, ...] = (0.0,)
    meant: tuple[float, ...] = (0.0,)
    slope: float = 1.0

    def __call__(self, logits: Tensor) -> Tensor:
        """Calibrated log-odds of the same shape."""
        x = logits.double()
        given, meant = (torch.tensor(knots, dtype=torch.float64) for knots in (self.given, self.meant))
        inside = x.clamp(given[0], given[-1])
        if len(given) > 1:
            right = torch.searchsorted(given, inside.contiguous(), right=True).clamp(1, len(given) - 1)
            left = right - 1
            share = (inside - given[left]) / (given[right] - given[left])
            found = meant[left] + share * (meant[right] - meant[left])
        else:
            found = meant[0].expand(x.shape)
        return (found + self.slope * (x - inside)).to(logits.dtype)


def calibrate(method: Method, logits: Floats, outcomes: Floats) -> Calibration:
    """The line that makes probabilities of log-odds.

    Where all outcomes are alike, or there are no cases, nothing can be learned and nothing is changed.

    Args:
        method: "platt" is a straight line (Platt, 1999, with his smoothed targets); "isotonic" goes through the
            shares of bins of about equally many cases, made to rise (Zadrozny and Elkan, KDD 2002).
        logits: [n] that the network says of cases which it did not learn from.
        outcomes: [n] 0 or 1.
    """
    ones = float(outcomes.sum())
    if method == "none" or not 0 < ones < len(outcomes):
        return Calibration()
    if method == "platt":
        slope, offset = _platt(logits, outcomes)
        return Calibration(given=(0.0,), meant=(offset,), slope=slope)
    return _isotonic(logits, outcomes)


def _platt(x: Floats, outcomes: Floats) -> tuple[float, float]:
    """(slope, offset) of the straight line with the least log-loss, by Newton's method; the slope above 0."""
    ones, zeros = outcomes.sum(), len(outcomes) - outcomes.sum()
    targets = np.where(outcomes > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    centre, spread = x.mean(), max(x.std(), 1e-9)
    z = np.column_stack([(x - centre) / spread, np.ones_like(x)])
    line = np.array([spread, centre])

    def loss(line: Floats) -> float:
        logits = z @ line
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))

    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(z @ line, -500, 500)))
        gradient = z.T @ (p - targets) / len(x)
        curvature = (z * (p * (1 - p))[:, None]).T @ z / len(x) + 1e-9 * np.eye(2)
        step, before = np.linalg.solve(curvature, gradient), loss(line)
        # Halved until it helps: far off, Newton's step may leap over the hill.
        while loss(line - step) > before and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-10:
            break
    slope = max(line[0] / spread, _FLATTEST)
    return float(slope), float(line[1] - slope * centre)


def _isotonic(x: Floats, outcomes: Floats) -> Calibration:
    """Through the bins' means and shares, where those rise."""
    order = np.argsort(x, kind="stable")
    bins = int(np.clip(len(x) // _FEWEST_IN_A_BIN, 1, _BINS))
    edges = np.linspace(0, len(x), bins + 1).astype(np.int64)
    counts = np.diff(edges)
    centres = np.add.reduceat(x[order], edges[:-1]) / counts
    # Half a case of each outcome: no share is 0 or 1, whose log-odds have no end.
    shares = (np.add.reduceat(outcomes[order], edges[:-1]) + 0.5) / (counts + 1)
    rising = IsotonicRegression().fit_transform(centres, shares, sample_weight=counts)
    # One knot for each level, where its cases lie on average: between levels the line rises.
    levels, member = np.unique(rising.round(12), return_inverse=True)
    weight = np.bincount(member, counts)
    middle = np.bincount(member, counts * centres) / weight
    kept = np.concatenate([[True], np.diff(middle) > 1e-9])
    return Calibration(
        given=tuple(middle[kept].tolist()), meant=tuple(np.log(levels / (1 - levels))[kept].tolist())
    )
