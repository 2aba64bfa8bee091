# SPDX-License-Identifier: Apache-2.0
"""The logging policy shows items exactly as often as its propensities say, and only what is launched."""

import numpy as np
import pytest

from penchant.simulate.config import ShopConfig
from penchant.simulate.policy import HOME, Policy
from penchant.simulate.world import draw_world

LISTS, PLACES = 60_000, 4


@pytest.fixture
def world():
    return draw_world(ShopConfig(users=5, items=40, events=10, seed=2, list_length=PLACES, exploration=0.2))


@pytest.fixture
def policy(world):
    policy = Policy(world.config, world.things)
    policy.clicked(np.repeat(np.arange(40), np.arange(40) % 7))
    policy.morning(30)
    return policy


@pytest.mark.parametrize("page", [0, 5, HOME])
def test_propensities_are_frequencies(world, policy, page):
    lots = np.random.default_rng(0).random((LISTS, PLACES))
    rows, propensity, filled = policy.fill(np.full(LISTS, page), lots)
    for place in range(PLACES):
        shown = rows[filled[:, place], place]
        seen = np.bincount(shown, minlength=40) / LISTS
        told = np.zeros(40)
        told[shown] = propensity[filled[:, place], place]
        assert np.abs(seen - told).max() < 4 * np.sqrt(told.max() / LISTS)
        assert np.corrcoef(seen, told)[0, 1] > 0.99
    # Whoever divides by the propensity counts every item once a list.
    weight = np.bincount(rows[filled[:, 1], 1], 1 / propensity[filled[:, 1], 1], 40) / LISTS
    assert weight[weight > 0] == pytest.approx(1, abs=0.15)
    assert len(np.unique(rows)) == (policy.stock[page] if page < HOME else policy.stock.sum())


def test_pages_hold_what_they_say(world, policy):
    stocked = [*np.flatnonzero(policy.stock)[-3:].tolist(), HOME]
    pages = np.array(stocked * 50)
    rows, _, filled = policy.fill(pages, np.random.default_rng(1).random((200, PLACES)))
    assert (world.things.launched[rows] <= 30).all()
    own = pages[:, None] != HOME
    assert (world.things.category[rows] == pages[:, None])[np.broadcast_to(own, rows.shape)].all()
    for row, full in zip(rows, filled, strict=True):
        assert full[0]
        assert len(set(row[full])) == full.sum() == len(set(row))


def test_rounding_draws_no_neighbour(world, policy):
    lots = np.array([[0.0] * PLACES, [np.nextafter(1, 0)] * PLACES])
    for page in np.flatnonzero(policy.stock):
        rows, _, _ = policy.fill(np.array([page, page]), lots)
        assert (world.things.category[rows] == page).all()


def test_clicks_are_shown_more_and_fade(world):
    policy = Policy(world.config, world.things)
    policy.morning(0)
    favourite = int(policy.rows[3])
    before = policy.on_home[3]
    policy.clicked(np.full(50, favourite))
    policy.morning(1)
    after = policy.on_home[list(policy.rows).index(favourite)]
    assert after > 2 * before
    for _ in range(300):
        policy.clicked(np.empty(0, np.int64))
    policy.morning(1)
    assert policy.on_home[list(policy.rows).index(favourite)] == pytest.approx(before, rel=0.2)


def test_exploration_alone_shows_all_alike():
    config = ShopConfig(users=5, items=40, events=10, exploration=1.0)
    policy = Policy(config, draw_world(config).things)
    policy.morning(400)
    assert policy.on_home == pytest.approx(1 / 40)
