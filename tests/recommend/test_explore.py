# SPDX-License-Identifier: Apache-2.0
"""Exploration shows what it says it shows, as often as it says."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.recommend.explore import ExploreConfig, explore


@given(st.integers(0, 40), st.integers(1, 20), st.integers(1, 12), st.integers(1, 12), st.text())
def test_no_item_stands_twice_and_the_rest_stays_as_it_was(n, k, first, last, seed):
    rows = list(range(100, 100 + n))
    config = ExploreConfig(epsilon=0.7, first=first, last=last)
    shown, propensities = explore(list(rows), k, config, seed)
    assert len(shown) == len(propensities) == len(set(shown)) == min(n, k)
    assert set(shown) <= set(rows)
    assert all(0 < one <= 1 for one in propensities)
    assert (shown, propensities) == explore(list(rows), k, config, seed)
    for place, (item, likely) in enumerate(zip(shown, propensities, strict=True), 1):
        if not first <= place <= last:
            assert (item, likely) == (rows[place - 1], 1.0)


def test_each_place_shows_what_it_says_as_often_as_it_says():
    config = ExploreConfig(epsilon=0.4, first=2, last=3)
    times, counts, said = 6000, Counter(), {}
    for number in range(times):
        shown, propensities = explore(list(range(8)), 3, config, f"request {number}")
        for place, (item, likely) in enumerate(zip(shown, propensities, strict=True)):
            counts[place, item] += 1
            assert said.setdefault((place, item), likely) == likely
    # Item 0 stands; 3, 5, 7 are dealt to the second place, 4 and 6 to the third.
    assert {key for key in said if key[0] == 1} == {(1, item) for item in (1, 3, 5, 7)}
    assert {key for key in said if key[0] == 2} == {(2, item) for item in (2, 4, 6)}
    assert said[0, 0] == 1.0
    assert said[1, 1] == pytest.approx(0.6 + 0.1)
    assert said[2, 4] == pytest.approx(0.4 / 3)
    for place in range(3):
        assert sum(likely for key, likely in said.items() if key[0] == place) == pytest.approx(1)
    for key, likely in said.items():
        assert counts[key] / times == pytest.approx(likely, abs=4 * (likely * (1 - likely) / times) ** 0.5 + 1e-9)


def test_with_nothing_to_explore_all_is_certain():
    config = ExploreConfig(epsilon=1.0)
    assert explore([4, 5], 2, config, "x") == ([4, 5], [1.0, 1.0])
    assert explore([], 2, config, "x") == ([], [])
