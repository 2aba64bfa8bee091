# SPDX-License-Identifier: Apache-2.0
"""Moments: an age against the end of training, and places on the circles of year, week and day."""

import math

import msgspec
import polars as pl
import pytest

from penchant.features.columns import ColumnState
from penchant.features.moments import DAY, OLDEST, MomentColumn

END = 20_000 * DAY


def moments(*days):
    return pl.Series("x", [None if day is None else int(day * DAY) for day in days], dtype=pl.Int64)


def fitted(*days):
    return MomentColumn.fit(moments(*days), END)


def test_older_ones_have_the_greater_age_and_missing_ones_none():
    column = fitted(19_000, 19_900, 20_000)
    made = column.encode(moments(19_000, 19_900, 20_000, None, 20_100))
    ages = made["age"].tolist()
    assert ages[0] > ages[1] > ages[2] > ages[4]
    assert [tensor[3].item() for tensor in made.values()] == [0] * len(column.parts)
    far = column.encode(moments(20_000 - OLDEST - 5, 20_000 - OLDEST))["age"]
    assert far[0] == far[1]


def test_circles_come_round():
    made = fitted(3, 3.5).encode(moments(0, 7, 1, 0.25, 365.2425))
    assert made["week cos"][0] == made["week cos"][1]
    assert made["week cos"][2].item() == pytest.approx(math.cos(2 * math.pi / 7))
    assert made["day sin"][3].item() == pytest.approx(1)
    assert made["year cos"][4].item() == pytest.approx(1)


def test_whole_days_have_no_hour():
    assert "day cos" not in fitted(1, 2, None).parts
    assert "day cos" in fitted(1, 2.5).parts


def test_through_json_it_is_the_same():
    column = fitted(19_000, 19_900.5)
    state = msgspec.json.decode(msgspec.json.encode(column.state()), type=ColumnState)
    again = MomentColumn.load(state)
    for name, made in column.encode(moments(5, None)).items():
        assert again.encode(moments(5, None))[name].tolist() == made.tolist()
