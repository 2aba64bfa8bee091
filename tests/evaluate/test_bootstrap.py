# SPDX-License-Identifier: Apache-2.0
"""Bootstrap intervals: right on average, repeatable, the same however they are cut into chunks."""

from __future__ import annotations

import numpy as np
import pytest

from penchant.evaluate import bootstrap
from penchant.evaluate.bootstrap import intervals, paired


def normal(seed, users, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1.0, users)


def test_agrees_with_the_normal_interval_on_many_users():
    values = normal(0, 4000, mean=0.3)
    (found,) = intervals(values[None], resamples=4000, seed=1)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_holds_the_true_mean_about_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        (found,) = intervals(normal(seed, 60)[None], resamples=300, seed=seed, level=0.8)
        inside += found.low <= 0 <= found.high
    assert 0.7 < inside / 200 < 0.88


def test_metrics_judged_together_are_judged_as_alone():
    values = np.stack([normal(1, 50), normal(2, 50, mean=5)])
    together = intervals(values, resamples=100, seed=3)
    alone = [intervals(row[None], resamples=100, seed=3)[0] for row in values]
    assert np.asarray(together) == pytest.approx(np.asarray(alone))


def test_seed_and_level():
    values = normal(4, 80)[None]
    wide, again, narrow = (intervals(values, resamples=200, seed=5, level=level)[0] for level in (0.95, 0.95, 0.5))
    assert wide == again
    assert wide != intervals(values, resamples=200, seed=6)[0]
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_chunks_do_not_change_the_answer(monkeypatch):
    values = normal(5, 30)[None]
    whole = intervals(values, resamples=101, seed=2)
    monkeypatch.setattr(bootstrap, "CELLS", 70)
    assert np.asarray(intervals(values, resamples=101, seed=2)) == pytest.approx(np.asarray(whole))
    monkeypatch.setattr(bootstrap, "CELLS", 1)
    assert np.asarray(intervals(values, resamples=101, seed=2)) == pytest.approx(np.asarray(whole))


def test_one_user_has_no_spread():
    assert intervals(np.array([[0.25]]), resamples=10) == [(0.25, 0.25, 0.25)]


def test_paired_finds_a_small_steady_difference_that_intervals_hide():
    hard = normal(6, 300)
    a, b = hard + 0.05 + 0.01 * normal(7, 300), hard
    apart = intervals(np.stack([a, b]), resamples=500)
    assert apart[0].low < apart[1].high, "the two intervals overlap"
    found = paired(a, b, resamples=2000)
    assert found.low > 0.04
    assert found.high < 0.06
    assert found.p == pytest.approx(1 / 2001)


def test_paired_of_equals_is_certain_of_nothing():
    a = normal(8, 40)
    assert paired(a, a.copy(), resamples=50) == (0, 0, 0, 1)


def test_paired_is_antisymmetric_and_p_is_not_small_under_noise():
    a, b = normal(9, 200), normal(10, 200)
    one, two = paired(a, b, resamples=1000), paired(b, a, resamples=1000)
    assert one.mean == pytest.approx(-two.mean)
    assert one.low == pytest.approx(-two.high)
    assert one.p == two.p
    small = [paired(normal(s, 100), normal(s + 500, 100), resamples=200).p < 0.05 for s in range(200)]
    assert np.mean(small) < 0.12


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.zeros((2, 0)), {}, "no user"),
        (np.zeros((1, 3)), {"resamples": 0}, "at least 1, not 0"),
        (np.zeros((1, 3)), {"level": 1.0}, "between 0 and 1, not 1.0"),
    ],
)
def test_nonsense_is_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        intervals(values, **options)


def test_paired_needs_the_same_users():
    with pytest.raises(ValueError, match="same users twice"):
        paired(np.zeros(3), np.zeros(4))
