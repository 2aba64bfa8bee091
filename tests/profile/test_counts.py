# SPDX-License-Identifier: Apache-2.0
"""Sizes, bins of time and the long tail, with numbers that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import looks
from logs import log
from penchant.profile import counts
from penchant.schema import EventType, Meaning


def test_sizes():
    events = log(user_id=list("aabb"), item_id=list("xxyz"), seconds=[1, 2, 3, 9])
    sized = counts.sizes(looks.view(events, cuts=(0.5, 0.75)))
    assert (sized.events, sized.users, sized.items, sized.catalogue, sized.pairs) == (4, 2, 3, 3, 3)
    assert (sized.first, sized.last) == (1_000_000, 9_000_000)
    assert sized.parts == {"train": 2, "validation": 1, "test": 1}
    assert sized.density == 0.5
    assert sized.pairs_exact
    assert sized.reviews is None


def test_many_pairs_are_estimated(monkeypatch):
    monkeypatch.setattr("penchant.profile.view.EXACT", 30_000)
    monkeypatch.setattr(counts, "EXACT", 30_000)
    n = 90_000
    events = log(user_id=[f"u{k % 301}" for k in range(n)], item_id=[f"i{k % 307}" for k in range(n)])
    sized = counts.sizes(looks.view(events))
    assert not sized.pairs_exact
    assert sized.pairs == pytest.approx(n, rel=0.05)
    assert (sized.users, sized.items) == (301, 307)


def test_types_carry_their_meaning():
    events = log(type=["buy", "look", "look"], value=[3, None, None], user_id=list("aab"))
    view = looks.view(events, meanings={"look": EventType(meaning=Meaning.VIEW, strength=0.2, sign=0)})
    look, buy = counts.types(view)
    assert (look.name, look.meaning, look.strength, look.sign, look.events, look.users, look.values) == (
        "look", "view", 0.2, 0, 2, 2, 0,
    )  # fmt: skip
    assert (buy.name, buy.meaning, buy.values) == ("buy", "other", 1)


@pytest.mark.parametrize(
    ("span", "unit", "bins"),
    [
        (100 * 60, "minute", 101),
        (100 * 3600, "hour", 101),
        (100 * 86_400, "day", 101),
        (1000 * 86_400, "week", 144),
        (4000 * 86_400, "month", 132),
        (12_000 * 86_400, "quarter", 132),
        (40_000 * 86_400, "year", 110),
    ],
)
def test_bins_of_time_are_as_fine_as_can_be_read(span, unit, bins):
    view = looks.view(log(seconds=[0, 1, span]), cuts=(0.5, 0.7))
    histogram, found = counts.over_time(view, counts.sizes(view))
    assert found == unit
    assert len(histogram.starts) == bins + 1
    assert {name: sum(n) for name, n in histogram.counts.items()} == {"train": 1, "validation": 1, "test": 1}
    assert histogram.counts["train"][0] == 1
    assert histogram.counts["test"][-1] == 1
    assert list(histogram.starts) == sorted(histogram.starts)


def test_without_a_clock_bins_are_runs_of_events():
    view = looks.view(log(time=range(1000)), has_time=False)
    sized = counts.sizes(view)
    assert sized.first is None
    histogram, unit = counts.over_time(view, sized)
    assert unit == "position"
    assert sum(map(sum, histogram.counts.values())) == 1000
    assert histogram.starts[-1] == 1000
    assert counts.hours(view, sized) == ()


def test_hours():
    view = looks.view(log(seconds=[0, 3599, 3600, 86_400 + 7200]))
    found = counts.hours(view, counts.sizes(view))
    assert found[:4] == (2, 1, 1, 0)
    assert sum(found) == 4


def test_all_alike_is_no_inequality():
    found = counts.tail(looks.view(log(user_id=list("abcd") * 3)), "user_id")
    assert found.gini == pytest.approx(0)
    assert found.lorenz == pytest.approx(np.linspace(0, 1, 21))
    assert found.quantiles == (3,) * 7
    assert found.once == 0
    assert found.lengths.counts["all"] == (0, 4)


def test_one_has_nearly_all():
    found = counts.tail(looks.view(log(user_id=["a"] * 97 + list("bcd"))), "user_id")
    assert found.gini == pytest.approx(0.72)
    assert found.once == 0.75
    assert found.top == 0.97
    assert found.leaders[0] == ("a", 97)
    assert found.lengths.counts["all"] == (3, 0, 0, 0, 0, 0, 1)
    assert found.lengths.starts[:3] == (1, 2, 4)


def test_items_are_named_by_their_title():
    events = log(item_id=list("xxxyyz"))
    items = (
        events.select("item_id").unique(maintain_order=True).with_columns(name=looks.words(["Ex", "Why", None]))
    )
    found = counts.tail(looks.view(events, items, title="name"), "item_id")
    assert found.leaders == (("Ex", 3), ("Why", 2), ("z", 1))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_gini_is_the_mean_difference(sizes):
    users = [f"u{n}" for n, size in enumerate(sizes) for _ in range(size)]
    found = counts.tail(looks.view(log(user_id=users)), "user_id")
    gaps = np.abs(np.subtract.outer(sizes, sizes)).mean()
    assert found.gini == pytest.approx(gaps / (2 * np.mean(sizes)), abs=1e-9)
    assert sum(found.lengths.counts["all"]) == len(sizes)
