# SPDX-License-Identifier: Apache-2.0
"""Off-policy estimates: on made logs whose truth is known, by hand, and on a real log where one is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.evaluate.offpolicy import estimators, impressions, judging, rewards
from penchant.evaluate.offpolicy.impressions import Columns, Impressions

POSITIONS, ITEMS = 2, 6
RATES = np.array([[0.5, 0.1, 0.3, 0.2, 0.4, 0.05], [0.3, 0.05, 0.2, 0.1, 0.25, 0.02]])
LOGGING = np.array([[0.1, 0.3, 0.1, 0.2, 0.1, 0.2], [0.05, 0.25, 0.2, 0.2, 0.1, 0.2]])
TARGET = np.array([[0.5, 0.02, 0.2, 0.08, 0.2, 0.0], [0.4, 0.1, 0.2, 0.1, 0.2, 0.0]])
TRUTH = float((TARGET * RATES).sum(axis=1).mean())


def drawn(seed, n=2000, policy=LOGGING):
    """A log of `policy`; the context tells half of a row's chance."""
    random = np.random.default_rng(seed)
    positions = random.integers(0, POSITIONS, n)
    items = (random.random(n)[:, None] > policy[positions].cumsum(axis=1)).sum(axis=1)
    mood = random.random(n) < 0.5
    clicked = random.random(n) < RATES[positions, items] * np.where(mood, 1.6, 0.4)
    return Impressions(
        items=items, positions=positions, rewards=clicked.astype(np.float64),
        propensities=policy[positions, items],
        units=np.arange(n), context=pl.DataFrame({"mood": mood}), n_items=ITEMS, n_positions=POSITIONS,
    )  # fmt: skip


def judged(log, policy=TARGET, *, model=True, **choices):
    foretold = rewards.foretell(log, policy) if model else None
    return estimators.judge(log, policy[log.positions, log.items], foretold, resamples=300, **choices)


def test_right_on_average_and_doubly_robust_is_less_noisy():
    found = [judged(drawn(seed)).estimates for seed in range(40)]
    values = {name: np.array([one[name].mean for one in found]) for name in ("ips", "snips", "dr")}
    for name, several in values.items():
        assert several.mean() == pytest.approx(TRUTH, abs=3 * several.std() / np.sqrt(len(several))), name
    assert values["dr"].std() < 0.85 * values["ips"].std()
    for name in values:
        inside = np.mean([one[name].low <= TRUTH <= one[name].high for one in found])
        assert inside >= 0.85, f"95 % intervals of {name} hold the truth {inside:.0%} of the time"


def test_by_hand():
    log = Impressions(
        items=np.array([0, 1, 0, 1]), positions=np.zeros(4, np.int64), rewards=np.array([1.0, 0.0, 0.0, 1.0]),
        propensities=np.array([0.5, 0.25, 0.5, 0.25]), units=np.arange(4), context=pl.DataFrame(), n_items=2,
        n_positions=1,
    )  # fmt: skip
    foretold = rewards.Foretold(np.array([0.6, 0.2, 0.6, 0.2]), np.full(4, 0.3))
    found = estimators.judge(log, np.array([0.25, 0.75, 0.25, 0.75]), foretold, resamples=50)
    weights = [0.5, 3.0, 0.5, 3.0]
    assert found.estimates["ips"].mean == pytest.approx((0.5 + 3) / 4)
    assert found.estimates["snips"].mean == pytest.approx(3.5 / 7)
    assert found.estimates["dr"].mean == pytest.approx(0.3 + (0.5 * 0.4 - 3 * 0.2 - 0.5 * 0.6 + 3 * 0.8) / 4)
    assert found.effective == pytest.approx(49 / np.square(weights).sum())
    assert (found.largest, found.smallest, found.rows) == (3.0, 0.25, 4)
    assert found.logged.mean == 0.5
    clipped = estimators.judge(log, np.array([0.25, 0.75, 0.25, 0.75]), clip=1.0, resamples=50)
    assert clipped.estimates["ips"].mean == pytest.approx(1.5 / 4)
    assert clipped.largest == 3.0, "what was cut is still told"
    assert set(clipped.estimates) == {"ips", "snips"}


def test_a_policy_on_its_own_log_earns_what_was_logged():
    log = drawn(1)
    found = judged(log, LOGGING)
    for name in ("ips", "snips"):
        assert found.estimates[name] == pytest.approx(found.logged)
    assert found.warnings == ()
    assert found.effective == pytest.approx(found.rows)


def test_a_perfect_model_needs_no_weights():
    log = drawn(2)
    known = rewards.Foretold(log.rewards, np.full(len(log.items), 0.25))
    assert estimators.judge(log, TARGET[log.positions, log.items], known).estimates["dr"] == pytest.approx(
        [0.25] * 3
    )


def test_rows_that_belong_together_are_drawn_together():
    log = drawn(3, n=300)
    five = np.tile(np.arange(300), 5)
    copies = Impressions(
        items=log.items[five], positions=log.positions[five], rewards=log.rewards[five],
        propensities=log.propensities[five], units=five, context=log.context[five], n_items=ITEMS,
        n_positions=POSITIONS,
    )  # fmt: skip
    once, together = judged(log, model=False), judged(copies, model=False)
    assert together.estimates["ips"] == pytest.approx(once.estimates["ips"]), "five copies say no more than one"


def test_long_logs_are_drawn_by_stretches(monkeypatch):
    log = drawn(4, n=4000)
    rows = judged(log, model=False).estimates
    monkeypatch.setattr(estimators, "STRETCHES", 300)
    stretches = judged(log, model=False).estimates
    for name in rows:
        assert stretches[name].mean == rows[name].mean
        width = rows[name].high - rows[name].low
        assert stretches[name].high - stretches[name].low == pytest.approx(width, rel=0.25)


def test_what_is_doubtful_is_said():
    log = drawn(5)
    rare = np.where(np.arange(2000) == 7, 1e-5, log.propensities)
    tiny = Impressions(**{**vars(log), "propensities": rare})
    few, one = judged(tiny, model=False, unseen=0.001).warnings
    assert "too small for this policy (down to 1e-05): 2,000 rows say as much as" in few
    assert "One row alone (number 8) has" in one
    wrong = Impressions(**{**vars(log), "propensities": log.propensities / 2})
    (off,) = judged(wrong, model=False).warnings
    assert "where 1 is due" in off
    assert judged(wrong, model=False, clip=50.0).warnings == (), "clipped weights need not average 1"
    assert "3.0% of the time the policy shows what the log never does" in judged(log, unseen=0.03).warnings[0]


def test_a_policy_that_shows_nothing_of_the_log_has_no_ratio():
    log = drawn(6)
    found = estimators.judge(log, np.zeros(2000), resamples=20)
    assert set(found.estimates) == {"ips"}
    assert found.estimates["ips"] == (0.0, 0.0, 0.0)


@pytest.mark.skipif("PENCHANT_DATA" not in os.environ, reason="wants the open bandit data in PENCHANT_DATA")
@pytest.mark.parametrize(("logged", "policy"), [("random", "bts"), ("bts", "random")])
def test_a_real_log_foretells_what_the_other_policy_earned(logged, policy):
    folder = Path(os.environ["PENCHANT_DATA"]) / "open-bandit"
    if not folder.is_dir():
        pytest.skip("no open bandit data there")
    columns = Columns(propensity="propensity_score", context=tuple(f"user_feature_{n}" for n in range(4)))
    paths = (folder / logged / "all.parquet", folder / policy / "all.parquet")
    found = judging.judge(paths[0], columns, policy=str(paths[1]))
    for name, one in found.result.estimates.items():
        assert one.low <= found.measured.mean <= one.high, name


def test_ids_of_both_logs_make_the_tables():
    log = pl.DataFrame({impressions.ITEM: ["b", "a"], impressions.POSITION: ["1", "2"]})
    items, positions = impressions.ids(log, log.with_columns(pl.lit("c").alias(impressions.ITEM)))
    assert (items.to_list(), positions.to_list()) == (["a", "b", "c"], ["1", "2"])
