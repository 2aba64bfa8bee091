# SPDX-License-Identifier: Apache-2.0
"""Columns: what is missing, how many values there are, how they lie."""

import numpy as np
import polars as pl
import pytest

import looks
from logs import log
from penchant.profile.describe import columns, histogram
from penchant.schema import Column, Kind


@pytest.fixture(scope="module")
def found():
    events = log(
        value=[1, 2, None, 4], amount=[10, 20, 30, 1000], session=["a", "a", None, "b"], item_id=list("xyzx"),
        device=["pc", "pc", "tv", " "],
    )  # fmt: skip
    items = pl.DataFrame(
        {
            "item_id": ["x", "y", "z"],
            "name": ["One", "Two", "Two"],
            "genre": ["a", "b", None],
            "tags": [["p", "q"], [], ["p"]],
            "plot": ["long ago", "", "x" * 60],
        }
    )
    users = pl.DataFrame({"user_id": ["u"], "age": [40.0]})
    context = {"device": Column(kind=Kind.CATEGORY)}
    return {
        f"{one.table}.{one.name}": one
        for one in columns(looks.view(events, items, users, title="name", context=context))
    }


def test_which_columns_are_told(found):
    assert list(found) == [
        "events.value", "events.amount", "events.session", "events.device", "items.name", "items.genre",
        "items.tags", "items.plot", "users.age",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "kind", "missing", "distinct"),
    [
        ("events.value", "number", 1, 3),
        ("events.session", "id", 1, 2),
        ("events.device", "category", 1, 2),
        ("items.name", "text", 0, 2),
        ("items.genre", "category", 1, 2),
        ("items.tags", "tags", 1, 2),
        ("items.plot", "text", 1, 2),
        ("users.age", "number", 0, 1),
    ],
)
def test_what_is_missing_and_different(found, column, kind, missing, distinct):
    one = found[column]
    assert (one.kind, one.missing, one.distinct) == (kind, missing, distinct)


def test_how_values_lie(found):
    assert found["events.amount"].quantiles[0] == 10
    assert found["events.amount"].quantiles[3] == 25
    assert found["events.amount"].histogram.counts["all"] == (1, 1, 1, 1)
    assert found["events.device"].values == (("pc", 2), ("tv", 1))
    assert found["items.tags"].values == (("p", 2), ("q", 1))
    assert found["items.tags"].example == "p, q"
    assert found["items.plot"].quantiles[-1] == 60
    assert found["items.plot"].example == "long ago"
    assert found["users.age"].example == "40"


def test_large_tables_are_sampled_for_distributions_but_counted_whole(monkeypatch):
    monkeypatch.setattr("penchant.profile.view.EXACT", 3_000)
    n = 9_000
    events = log(value=[None, *range(n - 1)], amount=[float(k % 7) for k in range(n)])
    view = looks.view(events, sample=100)
    value, amount = columns(view)
    assert (value.rows, value.missing) == (n, 1)
    assert value.sampled == 99
    assert value.distinct == pytest.approx(n - 1, rel=0.1)
    assert amount.distinct == 7, "few values are counted"
    assert view.some.height == 100


def test_examples_are_short():
    items = pl.DataFrame({"item_id": ["i"], "photo": [b"12345"], "plot": ["y" * 50]})
    items = items.with_columns(vector=pl.lit([1.0, 2, 3, 4, 5], pl.List(pl.Float32)))
    photo, plot, vector = (one for one in columns(looks.view(log(value=[1]), items)) if one.table == "items")
    assert photo.example == "<5 bytes>"
    assert plot.example == "y" * 39 + "…"
    assert vector.example == "1.0, 2.0, 3.0, 4.0, ..."


def test_a_histogram_of_few_values_has_a_bin_for_each():
    stars = histogram(np.array([1, 2, 2, 5.0]))
    assert stars.starts == (1, 2, 5, 6)
    assert stars.counts["all"] == (1, 2, 1)
    assert histogram(np.array([7.0, 7.0])).counts["all"] == (2,)


def test_a_histogram_holds_every_value():
    numbers = np.append(np.random.default_rng(0).normal(0, 1, 10_000), [1e9, -1e9])
    found = histogram(numbers)
    assert sum(found.counts["all"]) == len(numbers)
    assert found.starts[0] == pytest.approx(-2.33, abs=0.1)
    assert len(found.counts["all"]) == 20


def test_a_histogram_bears_a_spike():
    found = histogram(np.append(np.zeros(10_000), np.arange(30.0)))
    assert sum(found.counts["all"]) == 10_030
    assert found.starts[-1] > found.starts[0]


def test_a_histogram_of_what_few_have_much_of_grows_by_a_factor():
    found = histogram(np.random.default_rng(0).lognormal(0, 2, 10_000))
    ratios = np.divide(found.starts[1:], found.starts[:-1])
    assert ratios == pytest.approx(np.full(20, ratios[0]))
    assert sum(found.counts["all"]) == 10_000
    assert max(found.counts["all"]) < 2_000
