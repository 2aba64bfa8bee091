# SPDX-License-Identifier: Apache-2.0
"""Drift, against what its two numbers are by definition."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

import looks
from logs import log
from penchant.profile import drift
from penchant.schema import Column, Kind


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=50), st.lists(st.integers(-5, 5), min_size=2, max_size=50)
)
def test_ks_is_that_of_scipy(a, b):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    assert drift.ks(a, b) == pytest.approx(ks_2samp(a, b, method="asymp").statistic)


def test_psi_by_hand():
    assert drift.psi(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert drift.psi(np.array([0.8, 0.2]), np.array([0.2, 0.8])) == pytest.approx(2 * 0.6 * np.log(4))
    assert drift.psi(np.array([1.0, 0.0]), np.array([0.9, 0.1])) == pytest.approx(
        -0.1 * np.log(0.9) + (0.1 - 1e-4) * np.log(1000)
    )


@pytest.mark.parametrize(
    ("measure", "value", "word"),
    [("PSI", 0.09, "alike"), ("PSI", 0.1, "shifted"), ("PSI", 0.25, "different"), ("KS", 0.2, "different")],
)
def test_verdicts(measure, value, word):
    assert drift.verdict(measure, value) == word


def test_rare_words_count_as_one():
    train = looks.words(["a"] * 50 + [f"w{n}" for n in range(50)])
    test = looks.words(["a"] * 50 + [f"v{n}" for n in range(50)])
    found = drift.of_words("x", train, test, most=1)
    assert [word for word, _, _ in found.shares] == ["a", "(others)"]
    assert found.value == 0
    assert drift.of_words("x", train, test, most=200).value > 1


def test_shares_of_numbers_sum_to_one():
    rng = np.random.default_rng(0)
    found = drift.of_numbers("x", rng.normal(0, 1, 1000), rng.normal(3, 1, 500))
    assert found.measure == "KS"
    assert found.verdict == "different"
    assert sum(p for _, p, _ in found.shares) == pytest.approx(1)
    assert sum(q for _, _, q in found.shares) == pytest.approx(1)


def test_newcomers():
    events = log(user_id=list("aaaaaaaabz"), item_id=list("xxxxxxxxyx"), time=range(10))
    found = drift.newcomers(looks.view(events, cuts=(0.8, 0.8)))
    assert (found.users, found.user_events, found.items, found.item_events) == (1, 1, 0.5, 0.5)
    assert drift.newcomers(looks.view(events, cuts=(0.5, 1.0))) is None


def test_what_is_compared_and_in_which_order():
    n = 1000
    late = np.arange(n) >= 900
    events = log(
        time=(np.arange(n) * 3_600_000_000).tolist(),
        item_id=np.where(late, "new", "old").tolist(),
        user_id=[f"u{k % 7}" for k in range(n)],
        type=np.where(np.arange(n) % 2, "view", "buy").tolist(),
        value=np.where(late, 5.0, 1.0).tolist(),
        amount=[float(k % 10) for k in range(n)],
        device=[["tv", "pc"][k % 2] for k in range(n)],
    )
    items = pl.DataFrame(
        {"item_id": ["old", "new"], "genre": ["a", "b"], "price": [1.0, 1.0], "tags": [["p"], ["p", "q"]]}
    )
    users = pl.DataFrame({"user_id": [f"u{k}" for k in range(7)], "age": [float(k) for k in range(7)]})
    view = looks.view(events, items, users, context={"device": Column(kind=Kind.CATEGORY)})
    found = {one.name: one for one in drift.drift(view)}
    verdicts = {name: one.verdict for name, one in found.items()}
    assert verdicts == {
        "items' genre": "different", "items' tags": "different", "value": "different", "event type": "alike",
        "amount": "alike", "device": "alike", "users' age": "alike", "hour of the day": "alike",
    }  # fmt: skip
    assert [one.verdict for one in drift.drift(view)] == sorted(
        verdicts.values(), key=["different", "alike"].index
    )


def test_few_rows_are_not_compared():
    assert drift.drift(looks.view(log(value=[1] * 100 + [2] * 40))) == ()
