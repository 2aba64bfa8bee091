# SPDX-License-Identifier: Apache-2.0
"""A chunk holds what its plan looks at, and nothing that costs time for nobody."""

import numpy as np
import polars as pl
import pytest

from features.aggregates import naive
from penchant.features.aggregates.chunk import chunk_of
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE

EVENTS = pl.DataFrame(
    {
        USER: [7, 8, 7],
        ITEM: [1, 2, 3],
        TIME: [10, 20, 30],
        TYPE: ["view", "never heard of", "buy"],
        VALUE: [None, 2.0, 3.0],
        "amount": [1.0, None, 5.0],
    }
)


def chunk(*names):
    return chunk_of(EVENTS, np.array([0, 1, 0]), np.array([4, -1, 6]), naive.plan(*names))


@pytest.mark.parametrize(
    ("names", "types", "hashes", "numbers"),
    [
        (("events", "recency"), [-1, -1], 0, set()),
        (("types",), [2, 0], 0, set()),
        (("taste", "value"), [2, 0], 0, {VALUE}),
        (("distinct", "amount", "dwell"), [-1, -1], 2, {"amount"}),
    ],
)
def test_only_what_is_counted_is_made(names, types, hashes, numbers):
    made = chunk(*names)
    assert len(made) == 2  # the second event's item is not here
    assert made.items.tolist() == [4, 6]
    assert made.times.tolist() == [10, 30]
    assert made.types.tolist() == types
    assert len(made.user_hashes) == len(made.item_hashes) == hashes
    assert set(made.numbers) == numbers


def test_a_number_that_is_absent_is_nan():
    assert np.array_equal(chunk("value").numbers[VALUE], [np.nan, 3.0], equal_nan=True)


def test_a_slice_is_the_same_events():
    whole = chunk("types", "distinct")
    first, second = whole.cut(1)
    assert (first.items.tolist(), second.items.tolist()) == ([4], [6])
    assert second.user_hashes.tolist() == whole.user_hashes[1:].tolist()
    assert second.types.tolist() == [0]
