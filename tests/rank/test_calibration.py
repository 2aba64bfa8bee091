# SPDX-License-Identifier: Apache-2.0
"""Calibration: distorted probabilities come right, and their order stays."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from penchant.evaluate.scores import reliability
from penchant.rank.calibration import Calibration, calibrate


def world(n=40_000, seed=0):
    """(log-odds that are right, what came of them)."""
    random = np.random.default_rng(seed)
    right = random.normal(-3, 1.5, n)
    return right, (random.random(n) < 1 / (1 + np.exp(-right))).astype(np.float64)


def distorted(right):
    """Overconfident and too high, as a network is that learned from fewer negatives."""
    return 2.0 * right + 5


def bent(right):
    """No straight line puts this right."""
    return np.where(right > -3, 3 * right + 6, 0.5 * right - 1.5)


def probability(calibration, logits):
    return torch.sigmoid(calibration(torch.from_numpy(logits))).numpy()


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_straight_distortion_is_undone(method):
    right, came = world()
    found = calibrate(method, distorted(right), came)
    fresh, happened = world(seed=1)
    assert reliability(probability(Calibration(), distorted(fresh)), happened).error > 0.1
    assert reliability(probability(found, distorted(fresh)), happened).error < 0.006


def test_isotonic_undoes_a_bend_and_platt_cannot():
    right, came = world()
    fresh, happened = world(seed=1)
    errors = {
        method: reliability(probability(calibrate(method, bent(right), came), bent(fresh)), happened).error
        for method in ("platt", "isotonic")
    }
    assert errors["isotonic"] < 0.006 < errors["platt"]


def test_platt_finds_the_line():
    right, came = world(200_000)
    found = calibrate("platt", distorted(right), came)
    assert found.slope == pytest.approx(0.5, rel=0.03)
    assert found.meant[0] == pytest.approx(-2.5, rel=0.03)


@pytest.mark.parametrize("method", ["none", "platt", "isotonic"])
@pytest.mark.parametrize("distort", [distorted, bent])
def test_the_order_stays(method, distort):
    right, came = world(5000)
    found = calibrate(method, distort(right), came)
    grid = torch.linspace(-40, 40, 1001, dtype=torch.float64)
    assert (found(grid).diff() > 0).all()


def test_scores_that_say_nothing_keep_their_order_and_mean_the_share():
    random = np.random.default_rng(0)
    logits, came = random.normal(0, 1, 20_000), (random.random(20_000) < 0.05).astype(np.float64)
    for method in ("platt", "isotonic"):
        found = calibrate(method, logits, came)
        assert (found(torch.linspace(-3, 3, 100)).diff() >= 0).all()
        assert probability(found, logits).mean() == pytest.approx(0.05, abs=0.005)


def test_scores_that_are_upside_down_are_not_turned():
    right, came = world(5000)
    assert calibrate("platt", -right, came).slope > 0


@pytest.mark.parametrize("came", [np.zeros(5), np.ones(5), np.zeros(0)])
def test_nothing_to_learn_changes_nothing(came):
    for method in ("platt", "isotonic"):
        assert calibrate(method, np.arange(len(came), dtype=np.float64), came) == Calibration()


def test_few_or_equal_scores():
    for method in ("platt", "isotonic"):
        found = calibrate(method, np.zeros(10), np.array([1.0] * 3 + [0.0] * 7))
        assert probability(found, np.zeros(1))[0] == pytest.approx(1 / 3, abs=0.05)


def test_it_is_kept_as_numbers():
    right, came = world(5000)
    found = calibrate("isotonic", right, came)
    again = msgspec.json.decode(msgspec.json.encode(found), type=Calibration)
    grid = torch.linspace(-10, 10, 100)
    assert torch.equal(again(grid), found(grid))
    assert found(grid).dtype == grid.dtype
