# SPDX-License-Identifier: Apache-2.0
"""IALS against its objective, written out densely."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import worlds
from penchant.models import ials
from penchant.models.ials import IALS
from penchant.models.interactions import interactions

LONG = {"embedding_size": 5, "iterations": 60, "steps": 10, "reg": 0.02, "unobserved": 1.0, "init_scale": 1.0}


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def solved(board, **choices):
    model = IALS(IALS.Config(**LONG | choices), board.space.sizes)
    model.solve(board.everyone())
    return model


def solve_dense(x, others, model):
    """[R, D]: the rows' least squares solutions, one after the other."""
    rows, config, unobserved = [], model.config, float(model.state()["unobserved"])
    for row in x:
        held = config.reg * (row.sum() + unobserved * (others.any(1)).sum()) ** config.frequency
        gram = (others.T * (row + unobserved)) @ others + held * np.eye(others.shape[1])
        rows.append(np.linalg.solve(gram, others.T @ row))
    return np.stack(rows)


@pytest.mark.parametrize("cells", [1, 64, 2**19])
@pytest.mark.parametrize("frequency", [0.0, 1.0])
def test_a_user_is_the_least_squares_solution_of_the_history(monkeypatch, board, frequency, cells):
    monkeypatch.setattr(ials, "_BLOCK_CELLS", cells)
    model = solved(board, frequency=frequency, iterations=3)
    users = board.everyone()
    x = interactions(users, board.space.sizes.items).toarray().astype(np.float64)
    items = model.state()["items"][1:].double().numpy()
    np.testing.assert_allclose(model.encode_user(users).numpy(), solve_dense(x, items, model), atol=2e-5)


def test_items_are_the_least_squares_solution_of_their_users(board):
    model = solved(board)
    users = board.everyone()
    x = interactions(users, board.space.sizes.items).toarray().astype(np.float64)
    items = model.state()["items"][1:].double().numpy()
    people = model.encode_user(users).double().numpy()
    # At the fixed point each side solves for the other; scores do not depend on the basis.
    again = solve_dense(x.T, people, model)
    np.testing.assert_allclose(people @ again.T, people @ items.T, atol=2e-3)


def test_the_objective_falls(board):
    users = board.everyone()
    x = interactions(users, board.space.sizes.items).toarray().astype(np.float64)
    seen = x.any(0)

    def objective(model):
        items, people = model.state()["items"][1:].double().numpy(), model.encode_user(users).double().numpy()
        scores = people @ items.T
        config, unobserved = model.config, float(model.state()["unobserved"])
        users_held = (x.sum(1) + unobserved * seen.sum()) ** config.frequency @ (people**2).sum(1)
        items_held = (x.sum(0) + unobserved * len(x)) ** config.frequency @ (items**2).sum(1)
        fit = (x * (scores - 1) ** 2).sum() + unobserved * (scores**2).sum()
        return fit + config.reg * (users_held + items_held)

    found = [objective(solved(board, iterations=n)) for n in (1, 3, 10, 60)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.95 * found[0]


def test_the_items_gram_matrix_is_the_diagonal_that_is_kept(board):
    state = solved(board, iterations=2).state()
    gram = (state["items"].T @ state["items"]).numpy()
    np.testing.assert_allclose(gram, np.diag(state["spectrum"].numpy()), atol=1e-4)


def test_seeds(board):
    first, same, other = solved(board), solved(board), solved(board, seed=1)
    assert torch.equal(first.state()["items"], same.state()["items"])
    assert not torch.equal(first.state()["items"], other.state()["items"])


def test_what_nobody_did_has_no_vector_and_no_part_in_a_user(board):
    model = solved(board)
    items = board.pipeline.catalogue.items
    vectors = model.encode_item(items)
    assert not vectors[-worlds.COLD :].any()
    assert vectors[: -worlds.COLD].any(dim=1).all()
    past = worlds.table((7, 500, 1), (7, 503, 2))
    odd = worlds.table((7, 500, 1), (7, 503, 2), (7, 500 + worlds.ITEMS, 3))
    assert torch.equal(model.encode_user(board.users([7], past)), model.encode_user(board.users([7], odd)))


def test_a_row_comes_out_the_same_whatever_is_in_its_block(board):
    model = solved(board)
    long = worlds.table(*((8, 500 + n, n) for n in range(30)))
    short = worlds.table((7, 500, 1), (7, 503, 2))
    alone = model.encode_user(board.users([7], short))
    beside = model.encode_user(board.users([7, 8], short.vstack(long)))[:1]
    torch.testing.assert_close(beside, alone, rtol=1e-6, atol=1e-6)


def test_what_was_not_done_weighs_the_same_in_all_whatever_the_density(board):
    state = solved(board, unobserved=8.0).state()
    pairs = worlds.USERS * int(state["n_items"])
    assert float(state["unobserved"]) * pairs == pytest.approx(8.0 * worlds.USERS * worlds.EACH)


def test_threads_change_nothing(monkeypatch, board):
    monkeypatch.setattr(ials, "_BLOCK_CELLS", 64)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = solved(board, iterations=4)
        torch.set_num_threads(3)
        shared = solved(board, iterations=4)
        users = board.everyone()
        assert torch.equal(alone.state()["items"], shared.state()["items"])
        assert torch.equal(alone.encode_user(users), shared.encode_user(users))
    finally:
        torch.set_num_threads(before)
