# SPDX-License-Identifier: Apache-2.0
"""The truth agrees with what happened, and answers only for this shop."""

import shutil
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from penchant.errors import DataError
from penchant.simulate.config import Habits, ShopConfig
from penchant.simulate.shop import simulate_shop
from penchant.simulate.tastes import SIZE, match
from penchant.simulate.truth import Truth


@pytest.fixture(scope="session")
def judged(shop):
    """Every impression with what was to be expected of it."""
    shown = shop.events.filter(pl.col("type") == "impression").with_columns(day=pl.col("time").dt.date())
    days = []
    for (_,), day in shown.group_by("day", maintain_order=True):
        told = shop.truth.expected(day["user_id"], day["item_id"], day["time"][0])
        days.append(day.select("day", "position").with_columns(**{n: getattr(told, n) for n in told._fields}))
    table = pl.concat(days)
    look = pl.Series(shop.truth.look(table["position"]))
    return table.with_columns(pl.col(name) * look for name in ("click", "cart", "purchase"))


@pytest.mark.parametrize("what", ["click", "cart", "purchase"])
def test_as_much_happened_as_was_to_be_expected(shop, judged, what):
    happened = shop.events.filter(pl.col("type") == what).height
    told = judged[what].sum()
    assert abs(happened - told) < 4 * np.sqrt(told)


def test_what_is_likely_happens_often(shop, judged):
    """Impressions in ten bands of expected clicks: each band was clicked as often as was told."""
    clicked = shop.events.filter(pl.col("type") == "click").select("session", "item_id", "position").unique()
    shown = shop.events.filter(pl.col("type") == "impression").with_columns(told=judged["click"])
    shown = shown.unique(["session", "item_id", "position"], keep="none")  # each impression with its own click
    found = shown.join(clicked.with_columns(hit=1), on=["session", "item_id", "position"], how="left")
    bands = found.with_columns(band=pl.col("told").rank("ordinal") * 10 // (pl.len() + 1))
    rates = bands.group_by("band").agg(pl.col("told").mean(), hit=pl.col("hit").fill_null(0).mean())
    assert rates["hit"].to_numpy() == pytest.approx(rates["told"].to_numpy(), rel=0.15, abs=0.004)


def test_tastes_drift(shop):
    users = np.arange(1, 1501)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    first, last = shop.truth.tastes(users, begin), shop.truth.tastes(users, begin + timedelta(days=364))
    assert match(first, first) == pytest.approx(1, abs=1e-4)  # nobody has bought yet
    turn = shop.true_users["turn"].to_numpy()
    assert 365 * turn.mean() == pytest.approx(1.0, rel=0.1)
    assert match(first, last).mean() < 0.8
    # It shows: late clicks fit what users like by then better than what they liked at first.
    late = shop.events.filter(pl.col("type") == "click", pl.col("time") > datetime(2025, 11, 1, tzinfo=UTC))
    vectors = np.array(shop.true_items.sort("item_id")["vector"].to_list())[late["item_id"] - 1]
    row = late["user_id"].to_numpy() - 1
    assert match(last[row], vectors).mean() > match(first[row], vectors).mean() + 0.05


def test_the_pull_of_friends_is_that_of_the_simulation(tmp_path):
    """With influence alone to tell users from one another, the truth still expects what happened."""
    habits = Habits(friend_effect=1.0, drift=0.0)
    folder = simulate_shop(
        ShopConfig(users=80, items=60, events=40_000, days=60, seed=1, habits=habits), tmp_path / "s"
    )
    truth, events = Truth.open(folder), pl.read_parquet(folder / "events" / "*.parquet").sort("time")
    begin, users = events["time"].min(), np.arange(1, 81)
    pull = truth.tastes(users, begin + timedelta(days=50)) - truth.tastes(users, begin)
    assert np.linalg.norm(pull, axis=1).max() == pytest.approx(0.8, abs=1e-3)
    shown = events.filter(pl.col("type") == "impression").with_columns(day=pl.col("time").dt.date())
    told = 0.0
    for (_,), day in shown.group_by("day", maintain_order=True):
        chance = truth.expected(day["user_id"], day["item_id"], day["time"][0]).click
        told += float(chance @ truth.look(day["position"]))
    assert abs(told - events.filter(pl.col("type") == "click").height) < 4 * np.sqrt(told)


def test_the_best_lists(shop):
    time = datetime(2025, 6, 1, 12, tzinfo=UTC)
    best = shop.truth.best([7, 3], time, k=5)
    assert best["user_id"].to_list() == [7] * 5 + [3] * 5
    assert best["rank"].to_list() == [1, 2, 3, 4, 5] * 2
    everything = shop.truth.expected(np.full(400, 7), np.arange(1, 401), time).purchase
    assert best["probability"][:5].to_list() == pytest.approx(np.sort(everything)[::-1][:5])
    assert best["item_id"][0] == np.argmax(everything) + 1
    by_click = shop.truth.best([7], time, k=1000, what="click")
    assert by_click.height == 400
    assert by_click["probability"].is_sorted(descending=True)
    assert shop.truth.best([], time).is_empty()


def test_blocks_change_nothing(shop, monkeypatch):
    time = datetime(2025, 6, 1, tzinfo=UTC)
    whole = shop.truth.best(range(1, 8), time, k=3)
    monkeypatch.setattr("penchant.simulate.truth._BLOCK", 900)
    assert_frame_equal(shop.truth.best(range(1, 8), time, k=3), whole)


def test_nothing_is_expected_before_a_launch(shop):
    new = shop.items.filter(pl.col("launched") > shop.events["time"].min()).row(0, named=True)
    before, after = (
        shop.truth.expected([1], [new["item_id"]], new["launched"] + timedelta(hours=hours)) for hours in (-1, 1)
    )
    assert [part.item() for part in before] == [0, 0, 0]
    assert after.click > after.cart > after.purchase > 0


def test_times_are_one_moment_in_any_writing(shop):
    naive = datetime(2025, 6, 1, 12)  # noqa: DTZ001 - that is the question
    ticks = 1_748_779_200_000_000
    assert shop.truth.expected([5], [6], naive) == shop.truth.expected([5], [6], ticks)
    assert shop.truth.tastes([1], ticks).shape == (1, SIZE)


def test_strangers(shop):
    with pytest.raises(DataError, match="has no user 1501: ids are 1 to 1,500"):
        shop.truth.expected([1, 1501], [1, 1], 0)
    with pytest.raises(DataError, match="has no item 0"):
        shop.truth.expected([1], [0], 0)
    with pytest.raises(DataError, match="2 users cannot be paired with 1 items"):
        shop.truth.expected([1, 2], [1], 0)
    with pytest.raises(DataError, match="whole numbers"):
        shop.truth.tastes(["7"], 0)


def test_what_is_no_simulation(shop, tmp_path):
    with pytest.raises(DataError, match="is no simulated shop"):
        Truth.open(tmp_path)
    for name in ("simulation.json", "truth", "social.parquet"):
        source = shop.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "truth" / "users.parquet").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"truth/users.parquet cannot be read"):
        Truth.open(tmp_path).tastes([1], 0)
    record = msgspec.json.decode((tmp_path / "simulation.json").read_bytes())
    (tmp_path / "simulation.json").write_bytes(msgspec.json.encode(record | {"version": 99}))
    with pytest.raises(DataError, match="version 99"):
        Truth.open(tmp_path)
    (tmp_path / "simulation.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        Truth.open(tmp_path)
