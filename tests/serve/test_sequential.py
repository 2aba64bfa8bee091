# SPDX-License-Identifier: Apache-2.0
"""Intervals that are looked at all the time hold the truth as often as they say; ordinary ones do not."""

import math

import numpy as np
import pytest

from penchant.serve.sequential import LEAST, of_difference, of_mean

LOOKS = range(200, 3001, 200)


def trials(times, effect, share=0.5, base=0.3):
    """(outcomes, treated) of yes and no."""
    for seed in range(times):
        random = np.random.default_rng(seed)
        treated = random.random(3000) < share
        yield (random.random(3000) < base + effect * treated).astype(float), treated


def ordinary(outcomes, treated):
    """Whether a z test at 5 % finds a difference."""
    arms = outcomes[treated], outcomes[~treated]
    error = math.sqrt(sum(arm.var() / len(arm) for arm in arms))
    return abs(arms[0].mean() - arms[1].mean()) > 1.96 * error


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_looking_every_day_finds_nothing_where_nothing_is(share):
    found = naive = 0
    for outcomes, treated in trials(100, 0.0, share):
        seen = [of_difference(outcomes[:n], treated[:n], share) for n in LOOKS]
        found += any(one.low > 0 or one.high < 0 for one in seen)
        assert (seen[-1].p < 0.05) == any(of_difference(outcomes[:n], treated[:n], share).p < 0.05 for n in LOOKS)
        naive += any(ordinary(outcomes[:n], treated[:n]) for n in LOOKS)
    assert found <= 100 * 0.05
    assert naive > 100 * 0.15


def test_a_difference_is_found_and_its_size_is_right():
    found, inside = 0, 0
    for outcomes, treated in trials(40, 0.15):
        last = of_difference(outcomes, treated, 0.5)
        found += last.low > 0 and last.p < 0.05
        inside += last.low <= 0.15 <= last.high
        assert last.mean == pytest.approx(0.15, abs=0.08)
    assert found >= 38
    assert inside >= 38


def test_it_is_as_sharp_as_a_difference_of_means():
    outcomes, treated = next(trials(1, 0.1, base=0.8))
    plain = outcomes[treated].mean() - outcomes[~treated].mean()
    assert of_difference(outcomes, treated, 0.5).mean == pytest.approx(plain, abs=0.01)


def test_the_interval_of_a_mean_holds_it_at_all_times():
    missed = 0
    for seed in range(100):
        values = np.random.default_rng(seed).exponential(2.0, 2000)
        missed += any(
            not one.low <= 2.0 <= one.high for one in (of_mean(values[:n]) for n in range(100, 2001, 200))
        )
    assert missed <= 100 * 0.07  # the outcome is far from normal, and the theory is about many


def test_few_units_and_units_that_are_all_alike_say_nothing():
    assert of_mean(np.zeros(0)).p == 1.0
    assert math.isnan(of_mean(np.zeros(0)).mean)
    assert of_mean(np.arange(LEAST - 1.0))[1:] == (-math.inf, math.inf, 1.0)
    assert of_mean(np.ones(1000))[:3] == (1.0, -math.inf, math.inf)
    assert of_mean(np.arange(LEAST * 1.0)).low > -math.inf
