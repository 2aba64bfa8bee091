# SPDX-License-Identifier: Apache-2.0
"""The same moment in every usual writing is the same number."""

from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest

from penchant.data.times import TimeUnit, guess_unit, parse_times
from penchant.errors import DataError

MOMENT = 1_291_191_960_000_000
"""2010-12-01 08:26 UTC."""


def parse(*cells, unit=TimeUnit.AUTO, writing=None):
    return parse_times(pl.Series("at", cells, strict=False), unit, writing).to_list()


@pytest.mark.parametrize(
    "cell",
    [
        "2010-12-01T08:26:00",
        "2010-12-01 08:26:00",
        "2010-12-01 08:26",
        "2010/12/01 08:26:00.000",
        "2010-12-01T08:26:00Z",
        "2010-12-01 08:26:00 UTC",
        "2010-12-01T10:26:00+02:00",
        " 2010-12-01T02:56:00-0530 ",
        "1291191960",
        "1291191960.0",
        "1.29119196e9",
        "1291191960000",
        "1291191960000000",
        "1291191960000000000",
        1291191960,
        1291191960.0,
        1291191960000,
        datetime(2010, 12, 1, 8, 26),  # noqa: DTZ001 (a naive time is what is tried)
        datetime(2010, 12, 1, 10, 26, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_writings_of_one_moment(cell):
    assert parse(cell) == [MOMENT]


def test_days():
    day = 1_291_161_600_000_000
    assert parse("2010-12-01") == parse(date(2010, 12, 1)) == parse("20101201") == parse(20101201) == [day]
    assert parse("2010-12-01T08:26:00", "2010-12-01") == [MOMENT, day]


def test_fractions_of_a_second_survive():
    assert parse("2010-12-01T08:26:00.25", "1970-01-01T00:00:00") == [MOMENT + 250_000, 0]
    assert parse("1291191960.5", "1291191960") == [MOMENT + 500_000, MOMENT]


@pytest.mark.parametrize(
    ("cells", "unit", "times"),
    [
        ((5, 6), TimeUnit.SECONDS, [5_000_000, 6_000_000]),
        (("5", None, "x"), TimeUnit.MILLISECONDS, [5_000, None, None]),
        ((5, 6), TimeUnit.MICROSECONDS, [5, 6]),
        ((5_000, 6_999), TimeUnit.NANOSECONDS, [5, 6]),
        (("7", "-2"), TimeUnit.ORDER, [7, -2]),
        ((7.0, None), TimeUnit.ORDER, [7, None]),
        ((2**62, 1), TimeUnit.SECONDS, [None, 1_000_000]),
    ],
)
def test_units_that_are_said(cells, unit, times):
    assert parse(*cells, unit=unit) == times


def test_what_is_no_time_is_null():
    assert parse("2010-12-01 08:26", "soon", None, "2010-13-45") == [MOMENT, None, None, None]
    assert parse("1291191960", "soon", "1291191960") == [MOMENT, None, MOMENT]


def test_own_writing():
    assert parse("12/1/2010 8:26", "x", writing="%m/%d/%Y %H:%M") == [MOMENT, None]
    assert parse("2010", writing="nonsense") == [None]


def test_numbers_too_small_to_be_times():
    with pytest.raises(DataError, match=r"'at': numbers such as 2.0 are too small.*time_unit = \"order\""):
        parse("1", "2", "3")


def test_not_all_numbers_that_look_like_days_are():
    assert guess_unit(pl.Series([20101201, 20101399])) is None
    with pytest.raises(DataError, match="too small"):
        parse(20101201, 20101399)
