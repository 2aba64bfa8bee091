# SPDX-License-Identifier: Apache-2.0
"""The items: priced by category, launched over time, and never none on the first day."""

import numpy as np
import pytest

from penchant.simulate import words
from penchant.simulate.config import ShopConfig
from penchant.simulate.world import draw_world


def things(**sizes):
    return draw_world(ShopConfig(**{"users": 1, "items": 5000, "events": 1, "seed": 8} | sizes)).things


def test_something_is_there_on_the_first_day():
    for seed in range(12):
        assert things(items=1, seed=seed).launched[0] < 0
    assert (things(days=1).launched < 0).all()


def test_ids_grow_with_the_launch():
    shop = things()
    assert sorted(shop.id) == list(range(1, 5001))
    assert (np.diff(shop.launched[np.argsort(shop.id)]) >= 0).all()
    assert (shop.launched >= 0).mean() == pytest.approx(0.4, abs=0.03)
    assert shop.launched.max() < 365


def test_prices_are_those_of_the_category():
    shop = things()
    for code, usual in enumerate(words.CATEGORY_PRICES):
        prices = shop.price[shop.category == code]
        assert np.exp(np.log(prices).mean()) == pytest.approx(usual, rel=0.1)
    assert shop.dearness(np.arange(5000), np.zeros(5000)).mean() == pytest.approx(0, abs=0.03)
    assert shop.price.min() >= 1
    assert set(shop.rebate) == {0.0, 0.1, 0.2, 0.3, 0.4}


def test_vectors_are_told_by_attributes():
    shop = things()
    assert np.linalg.norm(shop.vector, axis=1) == pytest.approx(1, abs=1e-5)
    like = shop.vector[:300] @ shop.vector[:300].T
    colour = shop.codes["colour"][:300]
    same = colour[:, None] == colour
    assert like[same].mean() > like[~same].mean() + 0.1
