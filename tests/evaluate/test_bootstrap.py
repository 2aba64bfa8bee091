# SPDX-License-Identifier: Apache-2.0
"""Bootstrap intervals: right on average, repeatable, the same however they are cut into chunks."""

from __future__ import annotations

import numpy as np
import pytest

from penchant.evaluate import bootstrap
from penchant.evaluate.bootstrap import holm, intervals, paired, pairs


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


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0], "never above 1, never out of order"
    assert holm([]) == []


def test_all_pairs_on_the_draws_of_a_single_one():
    random = np.random.default_rng(0)
    values = random.random((3, 50)) + np.array([0.0, 0.5, 0.3])[:, None]
    found = pairs(values, resamples=400, seed=3)
    assert [(one.better, one.worse) for one in found] == [(1, 2), (1, 0), (2, 0)]
    for one in found:
        alone = paired(values[one.better], values[one.worse], resamples=400, seed=3)
        assert one.difference == pytest.approx(alone)
    assert [one.holm for one in found] == pytest.approx(holm([one.difference.p for one in found]))


def test_equal_systems_are_never_told_apart():
    values = np.tile(np.random.default_rng(1).random(30), (3, 1))
    found = pairs(values, resamples=100)
    assert [(one.better, one.worse, one.holm) for one in found] == [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0)]


def test_holm_keeps_its_promise_where_nothing_differs():
    random = np.random.default_rng(5)
    claims = [
        any(one.holm < 0.05 for one in pairs(random.normal(size=(4, 40)), resamples=300, seed=trial))
        for trial in range(150)
    ]
    assert np.mean(claims) < 0.12, "about one in twenty, and the bootstrap of 40 users is a little bold"


def test_pairs_need_users():
    with pytest.raises(ValueError, match="no user"):
        pairs(np.zeros((2, 0)))
