# SPDX-License-Identifier: Apache-2.0
"""RP3beta against walks that are counted one by one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

import worlds
from penchant.models.interactions import interactions
from penchant.models.rp3beta import RP3Beta


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def solved(board, **choices):
    model = RP3Beta(RP3Beta.Config(**choices), board.space.sizes)
    model.solve(board.everyone())
    return model


def walked(history, done, alpha, beta):
    """[V], every walk from a history [V] through done [U, V] by itself."""
    found = np.zeros(done.shape[1])
    for first in np.flatnonzero(history):
        for user in np.flatnonzero(done[:, first]):
            for last in np.flatnonzero(done[user]):
                chance = (1 / done[:, first].sum() / done[user].sum()) ** alpha
                found[last] += chance / done[:, last].sum() ** beta
    return found


@pytest.mark.parametrize(("alpha", "beta"), [(0.7, 0.3), (1.0, 0.0), (0.0, 1.0)])
def test_scores_are_those_of_every_walk(board, alpha, beta):
    model = solved(board, alpha=alpha, beta=beta)
    users, items = board.users([100, 101, 999]), board.pipeline.catalogue.items
    done = interactions(board.everyone(), board.space.sizes.items).toarray()
    past = interactions(users, board.space.sizes.items).toarray()
    wanted = np.stack([walked(row, done, alpha, beta)[items.ids.numpy()] for row in past])
    np.testing.assert_allclose(model.score(users, items).numpy(), wanted, rtol=1e-5, atol=1e-7)
    near = [walked(row, done, alpha, beta)[items.ids.numpy()] for row in np.eye(past.shape[1])[items.ids[:2]]]
    np.testing.assert_allclose(model.affinity(items.take(torch.arange(2)), items).numpy(), near, rtol=1e-5)


def test_more_beta_is_less_popular():
    # Everyone had item 10, and one of the two others as well.
    events = worlds.table((1, 10, 0), (1, 11, 1), (2, 10, 2), (2, 12, 3), (3, 10, 4), (3, 12, 5))
    items, users = pl.DataFrame({"item_id": [10, 11, 12]}), pl.DataFrame({"user_id": [1, 2, 3]})
    small = worlds.train("popularity", worlds.dataset(events, items, users, items={}, users={}))
    asked = small.users([9], worlds.table((9, 10, 6)))
    scores = [solved(small, beta=beta).score(asked, small.pipeline.catalogue.items)[0] for beta in (0.0, 2.0)]
    assert scores[0][2] > scores[0][1] > 0
    assert scores[1][1] > scores[1][2] > 0


def test_before_it_learned_it_knows_of_no_walk(board):
    fresh = RP3Beta(RP3Beta.Config(), board.space.sizes)
    assert not fresh.score(board.everyone(), board.pipeline.catalogue.items).any()


def test_a_bundle_holds_one_number_of_a_pair(board):
    state = solved(board).state()
    assert state["columns"].dtype == torch.int32
    assert len(state["columns"]) == len(board.dataset.events)
