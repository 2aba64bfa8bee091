# SPDX-License-Identifier: Apache-2.0
"""BlockEASE against EASE, and against least squares on the candidates."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from penchant.models.block_ease import BlockEASE
from penchant.models.ease import EASE
from penchant.models.interactions import interactions


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def solved(board, **choices):
    model = BlockEASE(BlockEASE.Config(**choices), board.space.sizes)
    model.solve(board.everyone())
    items = board.pipeline.catalogue.items
    return model, model.affinity(items, items).numpy()


@pytest.mark.parametrize("block", [1, 5, 64])
def test_with_all_items_as_candidates_it_is_ease(board, block):
    ease = EASE(EASE.Config(reg=2.0), board.space.sizes)
    ease.solve(board.everyone())
    model, weights = solved(board, reg=2.0, block=block)
    items = board.pipeline.catalogue.items
    np.testing.assert_allclose(weights, ease.affinity(items, items).numpy(), atol=1e-6)
    users = board.everyone()
    np.testing.assert_allclose(model.score(users, items), ease.score(users, items), atol=1e-5)


def test_with_few_candidates_it_is_the_ridge_regression_on_them(board):
    _, weights = solved(board, reg=2.0, block=1, candidates=5)
    items = board.pipeline.catalogue.items.ids[: worlds.ITEMS].numpy()
    x = interactions(board.everyone(), board.space.sizes.items).toarray().astype(np.float64)[:, items]
    for wanted in range(worlds.ITEMS):
        given = np.flatnonzero(weights[: worlds.ITEMS, wanted])
        assert len(given) == 4
        a = x[:, given]
        best = np.linalg.solve(a.T @ a + 2.0 * np.eye(len(given)), a.T @ x[:, wanted])
        np.testing.assert_allclose(weights[given, wanted], best, atol=1e-5)


def test_akin_items_share_a_block(board):
    _, weights = solved(board, block=12, candidates=12)
    rows, columns = np.nonzero(weights)
    assert (rows % worlds.GROUPS == columns % worlds.GROUPS).mean() > 0.9


def test_an_item_keeps_the_weights_furthest_from_zero(board):
    _, every = solved(board, reg=2.0)
    _, some = solved(board, reg=2.0, neighbours=3)
    assert (np.count_nonzero(some[:, : worlds.ITEMS], axis=0) == 3).all()
    kept = np.where(some != 0, np.abs(every), np.inf).min(axis=0)
    left = np.where(some == 0, np.abs(every), 0).max(axis=0)
    assert (kept[: worlds.ITEMS] >= left[: worlds.ITEMS]).all()


def test_an_item_does_not_foretell_itself(board):
    assert not solved(board)[1].diagonal().any()
