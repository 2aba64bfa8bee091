# SPDX-License-Identifier: Apache-2.0
"""Friends are alike, and what they buy is felt afterwards."""

import numpy as np
import polars as pl
import pytest

from penchant.simulate.config import Habits, ShopConfig
from penchant.simulate.friends import LONGEST_PULL, Pull, both_sides, draw_friends, spread
from penchant.simulate.shop import simulate_shop
from penchant.simulate.tastes import SIZE
from simulated import pulled

EAST = np.eye(SIZE, dtype=np.float32)[:1]


def test_spread():
    start = np.array([0, 2, 2, 5])
    asked, place = spread(start, np.array([2, 1, 0, 2]))
    assert asked.tolist() == [0, 0, 0, 2, 2, 3, 3, 3]
    assert place.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]


def test_the_graph():
    config = ShopConfig(users=4000, items=1, events=1, habits=Habits(friends=6.0, homophily=0.8))
    group = np.random.default_rng(0).integers(0, 8, 4000).astype(np.int8)
    friends = draw_friends(config, group)
    user = np.repeat(np.arange(4000), np.diff(friends.start))
    pairs = set(zip(user.tolist(), friends.friend.tolist(), strict=True))
    assert len(pairs) == len(user) == pytest.approx(4000 * 6, rel=0.02)
    assert all((b, a) in pairs and a != b for a, b in pairs)
    alike = (group[user] == group[friends.friend]).mean()
    assert alike == pytest.approx(0.8 + 0.2 / 8, abs=0.02)
    assert 0.2 <= friends.weight.min() < friends.weight.max() <= 1


def test_a_purchase_pulls_friends_from_the_next_day_on_and_fades():
    friends = both_sides(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 0.5], np.float32), users=4)
    pull = Pull(friends, Habits(friend_effect=0.4, friend_days=10.0))
    pull.bought(np.array([0]), EAST, day=3)
    now = pull.of(np.arange(4), 4)[:, 0]
    assert now == pytest.approx([0, 0.4 * np.exp(-0.1), 0.2 * np.exp(-0.1), 0], rel=1e-5)
    assert pull.of(np.array([1]), 13)[0, 0] == pytest.approx(0.4 * np.exp(-1), rel=1e-5)
    pull.bought(np.array([0]), EAST, day=1000)  # far later: stored anew, nothing overflows
    assert pull.of(np.array([1]), 1001)[0, 0] == pytest.approx(0.4 * np.exp(-0.1), rel=1e-5)
    for day in range(1001, 1020):
        pull.bought(np.array([0, 0]), np.repeat(EAST, 2, axis=0), day=day)
    assert pull.of(np.array([1]), 1020)[0, 0] == pytest.approx(LONGEST_PULL)


def test_influence_is_seen_against_a_shop_without_it(tmp_path):
    """People click what is like their friends' purchases of the last days, more than without influence."""
    found = {}
    for effect in (0.0, 0.6):
        config = ShopConfig(
            users=300, items=300, events=120_000, days=100, seed=9, habits=Habits(friend_effect=effect, drift=0.0)
        )
        found[effect] = pulled(simulate_shop(config, tmp_path / str(effect)))
    assert found[0.6] > found[0.0] + 0.05


def test_the_table_has_both_sides(shop):
    turned = shop.social.select(user_id="friend_id", friend_id="user_id", weight="weight")
    assert shop.social.sort("user_id", "friend_id").equals(turned.sort("user_id", "friend_id"))
    assert (shop.social["user_id"] != shop.social["friend_id"]).all()
    assert shop.social["user_id"].is_sorted()
    group = dict(shop.true_users.select("user_id", "group").iter_rows())
    same = shop.social.select(
        pl.col("user_id").replace_strict(group) == pl.col("friend_id").replace_strict(group)
    ).to_series()
    assert same.mean() > 0.6
