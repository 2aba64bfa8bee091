# SPDX-License-Identifier: Apache-2.0
"""How good scores are that claim to be probabilities: AUC, log-loss, and calibration.

Shape legend: n cases, each with a probability p [n] float64 and an outcome y [n] that is 0 or 1. Definitions agree
with scikit-learn's. A rank can be right while a probability is wrong: AUC sees only the order, log-loss both,
calibration only whether 2 % happen twice in a hundred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from penchant.evaluate.metrics import Floats

Numbers = npt.NDArray[np.generic]
SMALL = float(np.finfo(np.float64).eps)


class Reliability(NamedTuple):
    """What was promised and what happened, in bins of about equally many cases.

    Attributes:
        promised: [b] mean probability of each bin, ascending.
        happened: [b] share of ones among its cases.
        counts: [b] int64, cases.
    """

    promised: Floats
    happened: Floats
    counts: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of the two, weighed by cases (Naeini et al., AAAI 2015)."""
        return float(np.abs(self.promised - self.happened) @ self.counts / self.counts.sum())


def auc(scores: Floats, outcomes: Numbers) -> float:
    """Probability that a case that came true scores above one that did not; ties count half.

    Raises:
        ValueError: the two differ in length, an outcome is neither 0 nor 1, or all outcomes are alike.
    """
    y = _outcomes(scores, outcomes)
    ones, zeros = int(y.sum()), int((~y).sum())
    if not ones or not zeros:
        raise ValueError("AUC needs cases of both outcomes")
    # Mann and Whitney: from the ranks of the ones, equal scores sharing their mean rank.
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    return float((ranks[y].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def log_loss(probabilities: Floats, outcomes: Numbers) -> float:
    """Mean of -log of the probability that was given to what happened, in nats; never infinite.

    Raises:
        ValueError: as `auc`, or a probability is outside 0 to 1.
    """
    y = _outcomes(probabilities, outcomes)
    p = _probabilities(probabilities).clip(SMALL, 1 - SMALL)
    return float(-np.where(y, np.log(p), np.log1p(-p)).mean())


def reliability(probabilities: Floats, outcomes: Numbers, bins: int = 10) -> Reliability:
    """Cases in order of their probability, cut into at most `bins` parts of equal size.

    Bins of equal size, not equal width: click rates lie in a corner of 0 to 1, where equal widths leave one bin.
    Equal probabilities are never parted.

    Raises:
        ValueError: as `log_loss`, or `bins` is below 1.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    y, p = _outcomes(probabilities, outcomes), _probabilities(probabilities)
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    before = counts.cumsum() - counts
    _, group = np.unique(before * bins // len(p), return_inverse=True)
    members = group[place]
    sizes = np.bincount(members)
    return Reliability(
        np.bincount(members, weights=p) / sizes, np.bincount(members, weights=y) / sizes, sizes.astype(np.int64)
    )


def calibration_error(probabilities: Floats, outcomes: Numbers, bins: int = 10) -> float:
    """ECE over bins of equal size; arguments and errors as `reliability`."""
    return reliability(probabilities, outcomes, bins).error


def _outcomes(scores: Floats, outcomes: Numbers) -> npt.NDArray[np.bool_]:
    if scores.shape != outcomes.shape or scores.ndim != 1 or not len(scores):
        raise ValueError(f"there must be one outcome for each score, not {outcomes.shape} for {scores.shape}")
    if not np.isin(outcomes, (0, 1)).all():
        raise ValueError("an outcome must be 0 or 1")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    return outcomes.astype(np.bool_)


def _probabilities(scores: Floats) -> Floats:
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"a probability lies between 0 and 1; here they span {scores.min():g} to {scores.max():g}"
        )
    return scores
