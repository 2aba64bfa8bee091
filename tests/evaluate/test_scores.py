# SPDX-License-Identifier: Apache-2.0
"""Scores as probabilities: by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from penchant.evaluate.scores import auc, calibration_error, log_loss, reliability


def cases(seed, n=500, decimals=2):
    random = np.random.default_rng(seed)
    p = random.random(n).round(decimals)
    return p, (random.random(n) < p**2).astype(np.int64)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [1, 8])
def test_the_same_as_scikit_learn(seed, decimals):
    p, y = cases(seed, decimals=decimals)
    assert auc(p, y) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert log_loss(p, y) == pytest.approx(sklearn_log_loss(y, p), abs=1e-12)


def test_bins_are_those_of_scikit_learn_where_no_two_cases_tie():
    p, y = cases(3, decimals=12)
    happened, promised = calibration_curve(y, p, n_bins=10, strategy="quantile")
    found = reliability(p, y)
    assert found.promised == pytest.approx(promised)
    assert found.happened == pytest.approx(happened)
    assert found.counts.tolist() == [50] * 10
    assert found.error == pytest.approx(np.abs(happened - promised).mean())


def test_by_hand():
    p, y = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 1, 0, 1])
    assert auc(p, y) == (1 + 0.5 + 1 + 1) / 4
    assert log_loss(p, y) == pytest.approx(-np.log(0.9 * 0.4 * 0.6 * 0.8) / 4)
    found = reliability(p, y, bins=2)
    assert found.promised.tolist() == pytest.approx([0.3, 0.8]), "equal probabilities stay together"
    assert found.counts.tolist() == [3, 1]
    assert calibration_error(p, y, bins=2) == pytest.approx((3 * (1 / 3 - 0.3) + 0.2) / 4)


def test_a_wrong_certainty_is_bad_but_finite():
    assert 30 < log_loss(np.array([0.0, 1.0]), np.array([1, 0])) < 40


def test_perfect_calibration_is_zero_and_a_constant_is_one_bin():
    p, y = np.full(100, 0.25), np.arange(100) % 4 == 0
    assert reliability(p, y).counts.tolist() == [100]
    assert calibration_error(p, y) == pytest.approx(0.0)


@pytest.mark.parametrize("order", [1, -1])
def test_auc_knows_only_the_order(order):
    y = np.array([0, 0, 1, 1])
    assert auc(np.array([-3.0, 0.0, 5.0, 70.0]) * order, y) == (1.0 if order > 0 else 0.0)


@pytest.mark.parametrize(
    ("scores", "outcomes", "message"),
    [
        ([0.1, 0.2], [1], "one outcome for each score"),
        ([], [], "one outcome for each score"),
        ([0.1, 0.2], [1, 2], "0 or 1"),
        ([0.1, np.nan], [1, 0], "not a number"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores, outcomes, message):
    for judge in (auc, log_loss, reliability):
        with pytest.raises(ValueError, match=message):
            judge(np.array(scores, np.float64), np.array(outcomes, np.int64))


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"between 0 and 1; here they span -1 to 2"):
        log_loss(np.array([-1.0, 2.0]), np.array([0, 1]))
    with pytest.raises(ValueError, match="both outcomes"):
        auc(np.array([0.5, 0.6]), np.array([1, 1]))
    with pytest.raises(ValueError, match="bins must be at least 1"):
        reliability(np.array([0.5]), np.array([1]), bins=0)
