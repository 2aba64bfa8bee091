# SPDX-License-Identifier: Apache-2.0
"""Programs fall; people who are busy, bored, punctual or in a burst stay."""

import numpy as np
import polars as pl
import pytest

from logs import fell, log, sift
from penchant.data.rules.bots import Bots
from penchant.data.rules.rule import Known

RULE = Bots(Bots.Config(), Known())


def person(seed, events=20_000, days=365):
    """Visits of a heavy user: gaps within a visit are log-normal about 12 seconds, about 60 events a visit."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, days * 86_400, events // 60))
    gaps = rng.lognormal(np.log(12), 0.9, (len(starts), 60))
    return np.sort((starts[:, None] + gaps.cumsum(1)).ravel()).round(3)


@pytest.mark.parametrize("seed", range(3))
def test_a_heavy_user_stays(seed):
    assert fell(RULE, log(seconds=person(seed))) == []


@pytest.mark.parametrize(
    "seconds",
    [
        np.arange(400) * 86_400,  # an order each day at the same minute
        np.repeat(np.arange(30) * 86_400, 200),  # a form of 200 answers, sent at once, each day
        np.repeat(np.arange(5) * 60, 400),  # invoices of 400 lines, five minutes in a row
        np.arange(45) * 3.0,  # regular, but not for long
        np.cumsum(np.random.default_rng(0).normal(210, 30, 2000)),  # music: one song after the other
        [0],
    ],
    ids=["orders", "forms", "invoices", "brief", "songs", "once"],
)
def test_people_stay(seconds):
    assert fell(RULE, log(seconds=seconds)) == []


def test_too_fast_is_a_bot():
    rng = np.random.default_rng(1)
    slow, fast = np.sort(rng.uniform(0, 299, 600)), np.sort(rng.uniform(0, 299, 601))
    events = log(seconds=[*slow, *fast], user_id=["slow"] * 600 + ["fast"] * 601)
    kept, fallen = sift([RULE], events)
    assert kept["user_id"].unique().to_list() == ["slow"]
    assert set(fallen.values()) == {"a bot: more than 600 events of the user within 5 minutes"}


def test_too_regular_is_a_bot_and_falls_as_a_whole():
    rng = np.random.default_rng(2)
    beat = np.arange(120) * 30 + rng.normal(0, 0.1, 120)
    events = log(seconds=[*(beat + 100_000), *person(3, events=600)], user_id=["a"] * 720)
    _, fallen = sift([RULE], events)
    assert len(fallen) == 720
    assert set(fallen.values()) == {"a bot: 50 gaps in a row between the user's events are all but equal"}


def test_regularity_can_be_left_out():
    events = log(seconds=np.arange(200) * 30.0)
    assert len(fell(RULE, events)) == 200
    assert fell(Bots(Bots.Config(slowest=0), Known()), events) == []


def test_users_do_not_add_up():
    seconds = np.tile(np.sort(np.random.default_rng(4).uniform(0, 299, 400)), 5)
    events = log(seconds=seconds, user_id=np.repeat([f"u{i}" for i in range(5)], 400).tolist())
    assert fell(RULE, events) == []


def test_the_order_of_the_file_does_not_matter():
    rng = np.random.default_rng(5)
    events = log(
        seconds=[*rng.uniform(0, 200, 700), *rng.uniform(0, 9000, 300)], user_id=["a"] * 700 + ["b"] * 300
    )
    assert fell(RULE, events.sample(fraction=1, shuffle=True, seed=1)) == fell(RULE, events) == list(range(700))


def test_without_a_clock_nobody_is_fast():
    assert not Bots(Bots.Config(), Known(clock=False)).needs(["time"])


def test_ids_may_be_integers():
    events = log(seconds=np.arange(200) * 30.0).with_columns(user_id=pl.lit(7))
    assert len(fell(RULE, events)) == 200
