# SPDX-License-Identifier: Apache-2.0
"""Metrics by hand, on the edges, and against ranx."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.evaluate.metrics import ABSENT, METRICS, Relevant, coverage, hits, per_user

LOG = np.log2


def relevant(*lists):
    return Relevant(
        np.cumsum([0, *map(len, lists)]).astype(np.int64),
        np.array([row for rows in lists for row in rows], np.int64),
    )


def at(ranked, wanted, k):
    found = per_user(hits(np.array(ranked, np.int64), wanted), wanted.counts, [k])
    return {name.split("@")[0]: values for name, values in found.items()}


def random_case(seed, users=60, items=40, width=20):
    random = np.random.default_rng(seed)
    ranked = random.random((users, items)).argsort(axis=1)[:, :width].astype(np.int64)
    lengths = random.integers(1, width + 1, users)
    ranked[np.arange(width) >= lengths[:, None]] = ABSENT
    wanted = [random.choice(items, random.integers(1, 15), replace=False) for _ in range(users)]
    return ranked, wanted


def test_hits_by_hand():
    ranked = np.array([[3, 1, 0, 2], [0, 5, ABSENT, ABSENT], [1, 2, 3, 4]])
    found = hits(ranked, relevant([2, 3], [5, 9], [0]))
    assert found.tolist() == [[True, False, False, True], [False, True, False, False], [False] * 4]


def test_padding_is_never_a_hit_of_the_neighbour():
    # The composite key of user 1 and row -1 is that of user 0 and the last row.
    assert not hits(np.array([[0], [ABSENT]]), relevant([5], [4])).any()


def test_by_hand_at_three():
    found = at([[3, 1, 0, 2], [0, 5, ABSENT, ABSENT]], relevant([2, 3, 0, 8], [5]), 3)
    assert found["recall"].tolist() == [2 / 4, 1.0]
    assert found["precision"] == pytest.approx([2 / 3, 1 / 3])
    assert found["hit_rate"].tolist() == [1.0, 1.0]
    assert found["mrr"].tolist() == [1.0, 0.5]
    assert found["map"] == pytest.approx([(1 + 2 / 3) / 4, 0.5])
    assert found["ndcg"] == pytest.approx([(1 + 1 / LOG(4)) / (1 + 1 / LOG(3) + 1 / LOG(4)), 1 / LOG(3)])


def test_a_perfect_list_is_one_everywhere():
    found = at([[4, 0, 2]], relevant([0, 2, 4]), 3)
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(dict.fromkeys(METRICS, 1.0))


def test_nothing_found_is_zero_everywhere():
    assert all(float(value[0]) == 0 for value in at([[1, 2, 3]], relevant([0]), 3).values())


def test_k_beyond_the_list_counts_the_empty_places():
    found = at([[7, 1]], relevant([1, 2]), 10)
    assert found["recall"][0] == 0.5
    assert found["precision"][0] == pytest.approx(0.1)
    assert found["ndcg"][0] == pytest.approx((1 / LOG(3)) / (1 + 1 / LOG(3)))
    assert found["map"][0] == 0.25


def test_an_absurd_k_costs_no_memory():
    found = at([[7, 1]], relevant([1, 2]), 10**12)
    assert found["ndcg"][0] == pytest.approx((1 / LOG(3)) / (1 + 1 / LOG(3)))


def test_lists_of_no_places_score_zero():
    assert all(float(value[0]) == 0 for value in at(np.zeros((1, 0)), relevant([1]), 5).values())


def test_no_users_give_empty_arrays():
    assert all(value.shape == (0,) for value in at(np.zeros((0, 4)), relevant(), 5).values())


def test_the_order_of_relevant_rows_does_not_matter():
    ranked, wanted = random_case(1)
    a, b = relevant(*wanted), relevant(*[rows[::-1] for rows in wanted])
    assert (hits(ranked, a) == hits(ranked, b)).all()


@pytest.mark.parametrize(
    ("ranked", "wanted", "message"),
    [
        ([[1], [2]], relevant([1]), "2 ranked lists do not match 1 users"),
        ([[1]], Relevant(np.array([0, 2]), np.array([1])), "do not match"),
        ([[1], [2]], relevant([1], []), "user 1 has no relevant row"),
        ([[1, 0, 1]], relevant([1]), "twice in one ranked list"),
        ([[1, 0]], relevant([3, 3]), "twice among one user's relevant rows"),
    ],
)
def test_what_would_spoil_the_numbers_is_refused(ranked, wanted, message):
    with pytest.raises(ValueError, match=message):
        hits(np.array(ranked), wanted)


def test_k_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        per_user(np.ones((1, 2), bool), np.array([1]), [5, 0])


def test_coverage_counts_distinct_rows_of_the_first_k():
    ranked = np.array([[0, 1, 2], [0, 3, ABSENT]])
    assert coverage(ranked, 1, 8) == 1 / 8
    assert coverage(ranked, 2, 8) == 3 / 8
    assert coverage(ranked, 9, 8) == 4 / 8
    assert coverage(np.full((2, 3), ABSENT), 3, 8) == 0


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_metrics_stay_in_bounds_and_grow_with_k(seed, k):
    ranked, wanted = random_case(seed, users=8, items=30, width=12)
    truth = relevant(*wanted)
    now, later = at(ranked, truth, k), at(ranked, truth, k + 1)
    assert all((value >= 0).all() and (value <= 1 + 1e-12).all() for value in now.values())
    for name in ("recall", "hit_rate", "mrr", "map"):
        assert (later[name] >= now[name] - 1e-12).all()


RANX = ("ndcg", "recall", "mrr", "map", "hit_rate", "precision")


def test_ranx_agrees(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # compiling ranx takes a minute in a clean clone, and warns
    from ranx import Qrels, Run, evaluate

    assert set(RANX) == METRICS.keys(), "a new metric is compared here too"
    ks = (1, 5, 10, 25)
    ranked, wanted = random_case(7)
    truth = relevant(*wanted)
    qrels = Qrels({f"u{n:03}": {f"i{row}": 1 for row in rows} for n, rows in enumerate(wanted)})
    run = Run(
        {
            f"u{n:03}": {f"i{row}": float(100 - place) for place, row in enumerate(rows) if row != ABSENT}
            for n, rows in enumerate(ranked)
        }
    )
    theirs = evaluate(qrels, run, [f"{name}@{k}" for name in RANX for k in ks], return_mean=False)
    ours = per_user(hits(ranked, truth), truth.counts, ks)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], atol=1e-12, err_msg=name)
