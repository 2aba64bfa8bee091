# SPDX-License-Identifier: Apache-2.0
"""Popularity by hand."""

from __future__ import annotations

import pytest
import torch

import worlds
from penchant.models.popularity import Popularity
from penchant.schema import ITEM

DAY = 24 * 60 * worlds.MINUTE


def weights(events, **choices):
    """Raw item id -> score."""
    board = worlds.checkerboard()
    one = worlds.train("popularity", worlds.dataset(events, board.items, board.users), config=worlds.QUICK)
    if choices:
        model = Popularity(Popularity.Config(**choices), one.space.sizes)
        model.solve(one.everyone())
    else:
        model = one.model
    scores = model.score(one.everyone(), one.pipeline.catalogue.items)
    assert torch.equal(scores[0], scores[-1])
    return dict(zip(board.items[ITEM].to_list(), scores[0].tolist(), strict=True))


def test_share_of_events():
    found = weights(worlds.table((1, 500, 1), (2, 500, 2), (1, 501, 3), (1, 500, 4)))
    assert (found[500], found[501], found[502]) == (0.75, 0.25, 0)


def test_half_life():
    events = worlds.table((1, 500, 0), (1, 500, 0), (2, 501, 2 * DAY), (1, 502, 4 * DAY))
    found = weights(events, half_life=2.0)
    # 2 events of age 4 days weigh 1/4 each, one of 2 days 1/2, one of today 1: together 2.
    assert (found[500], found[501], found[502]) == pytest.approx((0.25, 0.25, 0.5))


def test_without_events_all_weigh_nothing():
    model = Popularity(
        Popularity.Config(half_life=1.0), worlds.train("popularity", worlds.checkerboard()).space.sizes
    )
    nobody = worlds.train("popularity", worlds.checkerboard()).users([999])
    model.solve(nobody)
    assert not model.score(nobody, nobody.catalogue).any()


def test_events_of_unknown_items_do_not_count():
    one = worlds.train("popularity", worlds.checkerboard())
    model = Popularity(Popularity.Config(), one.space.sizes)
    cold = one.users([100], worlds.table((100, 537, 1), (100, 500, 2)))
    model.solve(cold)
    assert model.score(cold, cold.catalogue)[0].tolist()[0] == 1


@pytest.mark.parametrize("none", [0.0, None])
def test_by_default_old_events_count_less_and_without_a_half_life_they_do_not(none):
    events = worlds.table((1, 500, 0), (1, 500, 0), (2, 501, 8 * DAY))
    found, plain = weights(events), weights(events, half_life=none)
    assert found[501] > found[500]
    assert plain[500] > plain[501]
