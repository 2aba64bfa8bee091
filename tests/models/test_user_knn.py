# SPDX-License-Identifier: Apache-2.0
"""UserKNN against a computation user by user."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import worlds
from penchant.models import user_knn
from penchant.models.interactions import interactions
from penchant.models.user_knn import UserKNN


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def solved(board, **choices):
    model = UserKNN(UserKNN.Config(**choices), board.space.sizes)
    model.solve(board.everyone())
    return model


def naive(past, seen, own, config):
    """[B, V], one user after the other; `own` is each user's row of `seen`, or -1."""
    popularity = seen.sum(0)
    worth = np.maximum(popularity, 1) ** -config.popularity
    worth *= popularity.sum() / (worth @ popularity)
    scores = []
    for row, self_row in zip(past, own, strict=True):
        length = np.sqrt(row @ worth)
        similar = [
            0.0 if other == self_row else (row * them) @ worth / (length * np.sqrt(them @ worth) + config.shrink)
            for other, them in enumerate(seen)
        ]
        best = sorted(range(len(seen)), key=lambda other: (-np.float32(similar[other]), other))
        scores.append(sum(similar[other] * seen[other] for other in best[: config.neighbours]))
    return np.stack(scores)


@pytest.mark.parametrize("cells", [1, 150, 2**24])
@pytest.mark.parametrize("choices", [{}, {"neighbours": 5, "shrink": 1.5}, {"popularity": 1.0, "neighbours": 7}])
def test_scores_are_the_naive_ones(monkeypatch, board, cells, choices):
    monkeypatch.setattr(user_knn, "_CHUNK_CELLS", cells)
    model = solved(board, **choices)
    users, items = board.everyone(), board.pipeline.catalogue.items
    seen = interactions(users, board.space.sizes.items).toarray().astype(np.float64)
    wanted = naive(seen, seen, range(len(seen)), model.config)[:, items.ids.numpy()]
    np.testing.assert_allclose(model.score(users, items).numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_a_stranger_is_compared_with_everyone(board):
    model = solved(board, neighbours=1, shrink=0.0)
    users = board.users(
        [999], board.dataset.events.filter(worlds.pl.col("user_id") == 103).with_columns(user_id=999)
    )
    items = board.pipeline.catalogue.items
    # The nearest to one who did just what user 103 did is user 103.
    found = model.score(users, items)[0]
    assert torch.equal(found > 0, torch.isin(torch.arange(len(items)), board.users([103]).history.rows))


def test_affinity_is_the_cosine_of_the_items_users(board):
    model = solved(board)
    x = interactions(board.everyone(), board.space.sizes.items).toarray()
    items = board.pipeline.catalogue.items
    norms = np.maximum(np.sqrt(x.sum(0)), 1e-9)
    wanted = ((x.T @ x) / np.outer(norms, norms))[items.ids.numpy()][:, items.ids.numpy()]
    np.testing.assert_allclose(model.affinity(items, items).numpy(), wanted, atol=1e-6)


def test_what_is_kept_is_who_did_what(board):
    state = solved(board).state()
    assert state.keys() == {"offsets", "columns"}
    assert len(state["columns"]) == worlds.USERS * worlds.EACH
