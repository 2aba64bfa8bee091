# SPDX-License-Identifier: Apache-2.0
"""Parts of a question: by hand, complete, and never overlapping."""

from __future__ import annotations

import numpy as np
import pytest

from penchant.evaluate import segments
from penchant.evaluate.metrics import Relevant
from penchant.schema import MICROSECONDS

DAY = 86_400 * MICROSECONDS


def sizes(parts):
    return {part.name: int(part.targets.sum()) for part in parts}


def test_by_history():
    found = segments.by_history(np.array([0, 1, 5, 6, 20, 21, 100, 101, 5000]))
    assert sizes(found) == {"none": 1, "1 to 5": 2, "6 to 20": 2, "21 to 100": 2, "over 100": 2}
    assert list(sizes(segments.by_history(np.array([7, 7])))) == ["6 to 20"]


def test_by_popularity():
    # Of 20 events the first item has half, the next two a quarter and a fifth, the last the rest.
    popularity = np.array([10, 1, 5, 4, 0])
    found = segments.by_popularity(np.array([0, 0, 2, 3, 1, 4, 5, 99]), popularity)
    assert sizes(found) == {"head": 2, "middle": 2, "tail": 1, "new": 3}
    assert found[0].targets.tolist() == [True, True, *[False] * 6]


def test_by_time_in_quarters():
    times = np.arange(8) * DAY
    found = segments.by_time(times, dated=True)
    assert sizes(found) == {"1970-01-01": 2, "1970-01-03": 2, "1970-01-05": 2, "1970-01-07": 2}
    assert list(sizes(segments.by_time(times, dated=False))) == [f"quarter {n}" for n in range(1, 5)]
    tied = segments.by_time(np.array([0, 0, 0, 1, 2, 3]) * DAY, dated=True)
    assert sizes(tied) == {"1970-01-01": 3, "1970-01-02": 2, "1970-01-04": 1}, "ties stay together"
    same_day = segments.by_time(np.arange(8), dated=True)
    assert list(sizes(same_day)) == [f"quarter {n}" for n in range(1, 5)], "a day cannot name four parts"
    assert sizes(segments.by_time(np.zeros(5, np.int64), dated=True)) == {"1970-01-01": 5}


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_one_aspect_are_the_whole_and_do_not_overlap(seed):
    random = np.random.default_rng(seed)
    popularity = random.integers(0, 50, 30)
    for parts in (
        segments.by_history(random.integers(0, 300, 200)),
        segments.by_popularity(random.integers(0, 35, 200), popularity),
        segments.by_time(random.integers(0, 10 * DAY, 200), dated=True),
    ):
        assert (np.sum([part.targets for part in parts], axis=0) == 1).all()


def test_only_some_of_what_is_to_be_found():
    relevant = Relevant(np.array([0, 2, 3, 5]), np.array([4, 5, 6, 7, 8]))
    members, left = segments.only(relevant, np.array([True, False, False, True, True]))
    assert members.tolist() == [True, False, True]
    assert left.offsets.tolist() == [0, 1, 3]
    assert left.rows.tolist() == [4, 7, 8]
