# SPDX-License-Identifier: Apache-2.0
"""The model of rewards: learns what is there, never from the row that it foretells."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from penchant.errors import DataError
from penchant.evaluate.offpolicy import rewards
from penchant.evaluate.offpolicy.impressions import Impressions
from penchant.evaluate.scores import auc

POLICY = np.array([[0.7, 0.2, 0.1]])


def log(clicked, items, **context):
    n = len(items)
    return Impressions(
        items=np.array(items), positions=np.zeros(n, np.int64), rewards=np.array(clicked, np.float64),
        propensities=np.full(n, 0.5), units=np.arange(n), context=pl.DataFrame(context), n_items=3, n_positions=1,
    )  # fmt: skip


def made(n=6000, seed=0, *, binary=True):
    random = np.random.default_rng(seed)
    items, warm = random.integers(0, 3, n), random.random(n) < 0.5
    age = random.normal(40, 10, n)
    chance = np.array([0.1, 0.3, 0.6])[items] + np.where(warm, 0.2, 0.0)
    clicked = random.random(n) < chance if binary else chance + random.normal(0, 0.1, n)
    return log(clicked, items, warm=["yes" if w else "no" for w in warm], age=age), chance, warm


@pytest.mark.parametrize("binary", [True, False])
def test_learns_what_is_there(binary):
    shown, chance, warm = made(binary=binary)
    found = rewards.foretell(shown, POLICY)
    assert np.abs(found.logged - chance).mean() < 0.03
    of_policy = POLICY[0] @ [0.1, 0.3, 0.6] + np.where(warm, 0.2, 0.0)
    assert np.abs(found.target - of_policy).mean() < 0.03


def test_in_chunks_as_in_one(monkeypatch):
    shown, _, _ = made(200)
    whole = rewards.foretell(shown, POLICY)
    monkeypatch.setattr(rewards, "CELLS", 10)
    assert rewards.foretell(shown, POLICY).target == pytest.approx(whole.target)


def test_a_row_is_never_foretold_from_itself():
    random = np.random.default_rng(0)
    clicked = random.random(400) < 0.5
    shown = log(clicked, np.zeros(400, np.int64), name=[f"n{n}" for n in range(400)])
    found = rewards.foretell(shown, POLICY)
    # Each name occurs once: who had learned a row by heart would know its outcome.
    assert auc(found.logged, shown.rewards) == pytest.approx(0.5, abs=0.05)


def test_noise_alone_foretells_the_mean():
    random = np.random.default_rng(1)
    shown = log(random.random(4000) < 0.02, random.integers(0, 3, 4000), dull=random.random(4000))
    found = rewards.foretell(shown, POLICY)
    assert np.abs(found.logged - shown.rewards.mean()).mean() < 0.005


@pytest.mark.parametrize(("value", "close"), [(0.0, 1e-6), (1.0, 1e-6), (2.5, 1e-6)])
def test_rewards_that_never_change(value, close):
    found = rewards.foretell(log([value] * 20, [0, 1] * 10), POLICY)
    assert found.logged == pytest.approx(np.full(20, value), abs=close)
    assert found.target == pytest.approx(np.full(20, value), abs=close)


def test_missing_context_is_the_mean():
    shown = log([0, 1] * 20, [0, 1] * 20, age=[None, 3.0] * 20, same=[1.0] * 40, place=[None, "x"] * 20)
    assert np.isfinite(rewards.foretell(shown, POLICY).logged).all()


def test_too_few_rows_are_said():
    with pytest.raises(DataError, match="9 rows are too few for a model of rewards"):
        rewards.foretell(log([0] * 9, [0] * 9), POLICY)
