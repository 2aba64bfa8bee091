# SPDX-License-Identifier: Apache-2.0
"""An external sort: every row once, in order, and never many at a time."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.data.sorting import by_time, write_dealt
from penchant.data.source import Scratch


class Held:
    """Rows in memory that count how many of them are asked for."""

    def __init__(self, times):
        self.rows = pl.DataFrame({"time": times}, schema={"time": pl.Int64}).with_row_index("_at")
        self.rows = self.rows.with_columns(pl.col("_at").cast(pl.Int64))
        self.height = self.rows.height
        self.stretches = []

    def scan(self, first=0, last=None):
        if last is not None:
            self.stretches.append((first, last))
        return self.rows[first:last].lazy()

    def deal(self, frame, which, folder):
        write_dealt(frame, which, folder)

    def collect(self, frame):
        return frame.collect()


def parts(times, most):
    held = Held(times)
    return held, list(by_time(held, held.height, most, Scratch()))


@settings(deadline=None, max_examples=60)
@given(times=st.lists(st.integers(-5, 30), min_size=1, max_size=120), most=st.integers(1, 40))
def test_any_order_becomes_one(times, most):
    held, made = parts(times, most)
    assert pl.concat(made).equals(held.rows.sort("time", "_at"))
    moments = [set(part["time"]) for part in made]
    assert sum(map(len, moments)) == len(set(times)), "rows of one moment stand in two parts"


@pytest.mark.parametrize("nearly", [False, True])
def test_a_log_is_read_in_place(nearly):
    times = np.arange(10_000) // 3
    if nearly:
        times = times + np.random.default_rng(0).integers(0, 40, 10_000)
    held, made = parts(times, 1000)
    assert len(held.stretches) == len(made) == 10
    assert sum(last - first for first, last in held.stretches) < 12_000
    assert max(part.height for part in made) < 1200


def test_a_shuffled_log_is_dealt_out():
    held, made = parts(np.random.default_rng(0).permutation(10_000), 1000)
    assert held.stretches == []
    assert max(part.height for part in made) < 1200


def test_few_rows_are_sorted_in_memory():
    held, made = parts([3, 1, 2], 3)
    assert [part["time"].to_list() for part in made] == [[1, 2, 3]]
    assert held.stretches == []


def test_one_moment_stays_together():
    _, made = parts([7] * 50, 10)
    assert [part["_at"].to_list() for part in made] == [list(range(50))]
