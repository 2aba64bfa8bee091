# SPDX-License-Identifier: Apache-2.0
"""The calendar, and what it does to a year of events."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from penchant.simulate import words
from penchant.simulate.seasons import Calendar

WAVES = np.array([[1.0, 10.0], [0.5, 100.0]])


def test_days_and_midnights():
    calendar = Calendar(date(2025, 3, 1), 5, WAVES)
    midnight = datetime(2025, 3, 3, tzinfo=UTC)
    assert calendar.begin(2) == midnight.timestamp() * 1_000_000
    assert calendar.day_of(np.array([calendar.begin(2) - 1, calendar.begin(2)])).tolist() == [1, 2]


def test_a_wave_peaks_on_its_day():
    calendar = Calendar(date(2025, 1, 1), 365, WAVES)
    days = np.arange(365)
    for category, (height, peak) in enumerate(WAVES):
        wave = calendar.season(np.full(365, category), days)
        assert np.argmax(wave) == peak
        assert wave.max() == pytest.approx(height)
        assert wave.min() == pytest.approx(-height, rel=1e-3)


def test_sales_end_each_quarter():
    calendar = Calendar(date(2025, 1, 1), 365, WAVES)
    on = [day for day in range(364) if calendar.sale(day)]
    assert len(on) == 4 * 14
    assert on[:2] == [77, 78]


def test_weekends_are_busy():
    share = Calendar(date(2025, 1, 1), 28, WAVES).traffic()
    assert share.sum() == pytest.approx(1)
    assert share[3] > 1.2 * share[2]  # 4 January 2025 was a Saturday


def test_seasons_are_seen_in_the_log(shop):
    pages = (
        shop.events.filter(pl.col("type") == "impression", pl.col("page") != "home")
        .unique(["session", "time"])
        .with_columns(day=pl.col("time").dt.ordinal_day() - 1)
    )
    months = pages.with_columns(month=pl.col("day") // 73)
    seen = months.pivot("page", index="month", values="day", aggregate_function="len").sort("month")
    waves = np.array(shop.truth.record.seasons)
    shares = seen.select(words.CATEGORIES).to_numpy()
    shares = shares / shares.sum(axis=1, keepdims=True)
    middle = np.arange(5) * 73 + 36
    truth = np.stack([h * np.cos(2 * np.pi * (middle - p) / 365.25) for h, p in waves], axis=1)
    truth = np.exp(truth) / np.exp(truth).mean(axis=0)
    found = shares / shares.mean(axis=0)
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.8
