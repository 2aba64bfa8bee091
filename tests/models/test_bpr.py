# SPDX-License-Identifier: Apache-2.0
"""BPR: its loss by hand, and that no event sees itself or what came later."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

import worlds
from penchant.batch import TrainBatch
from penchant.models.bpr import BPR


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def model(board, **choices):
    torch.manual_seed(3)
    made = BPR(BPR.Config(**{"embedding_size": 6} | choices), board.space.sizes)
    torch.nn.init.normal_(made.bias.weight)
    made.begin(board.everyone())
    return made


def test_the_loss_is_the_naive_one(board):
    made = model(board, negative_count=3, reg=0.1, length_power=0.7)
    users = board.users([100, 999, 101])
    torch.manual_seed(5)
    found = {name: float(value.detach()) for name, value in made.loss(TrainBatch(users=users)).items()}
    torch.manual_seed(5)
    drawn = torch.randint(len(users.catalogue), (len(users.history.rows), 3)).tolist()
    past, items, bias = (table.weight.detach().double().numpy() for table in (made.past, made.items, made.bias))
    ids, rows, offsets = (t.tolist() for t in (users.catalogue.ids, users.history.rows, users.history.offsets))
    ranking, norms = [], []
    for start, end in pairwise(offsets):
        for event in range(start, end):
            before = [past[ids[row]] for row in rows[start:event]]
            user = np.sum(before, axis=0) / max(len(before), 1) ** 0.7 if before else np.zeros(6)
            positive = ids[rows[event]]
            others = [ids[row] for row in drawn[event]]
            for row, other in zip(drawn[event], others, strict=True):
                if row not in rows[start:end]:
                    better = user @ (items[positive] - items[other]) + (bias[positive] - bias[other])[0]
                    ranking.append(np.log1p(np.exp(-better)))
            norms.append(
                (user**2).sum() + (items[positive] ** 2).sum() + np.mean([(items[o] ** 2).sum() for o in others])
            )
    assert found["ranking"] == pytest.approx(np.mean(ranking), rel=1e-5)
    assert found["norms"] == pytest.approx(0.1 * np.mean(norms), rel=1e-5)


def test_no_event_sees_itself_or_a_later_one(board):
    made = model(board, reg=0.0)
    users = board.users([100])
    made.zero_grad()
    made.loss(TrainBatch(users=users))["ranking"].backward()
    reached = made.past.weight.grad.abs().sum(1)
    ids = users.catalogue.ids[users.history.rows]
    # The last event comes before nothing, so its vector as part of a history takes no part.
    assert reached[ids[-1]] == 0
    assert (reached[ids[:-1]] > 0).all()


def test_a_score_is_the_history_and_the_worth_of_the_item(board):
    made = model(board, length_power=1.0)
    items = board.pipeline.catalogue.items
    past = board.users([7], worlds.table((7, 500, 1), (7, 503, 2)))
    ids = items.ids[past.history.rows]
    wanted = made.items(items.ids) @ made.past(ids).mean(0) + made.bias(items.ids)[:, 0]
    torch.testing.assert_close(made.score(past, items)[0], wanted)
    torch.testing.assert_close(made.score(board.users([999]), items)[0], made.bias(items.ids)[:, 0])


def test_a_user_without_a_negative_left_does_not_break_the_loss(board):
    everything = worlds.table(*((7, item, n) for n, item in enumerate(board.dataset.items["item_id"])))
    loss = model(board).loss(TrainBatch(users=board.users([7], everything)))
    assert float(loss["ranking"].detach()) == 0.0


@pytest.mark.parametrize(("negatives", "cold"), [("uniform", True), ("popularity", False)])
def test_negatives_come_as_they_are_chosen(board, negatives, cold):
    made = model(board, negatives=negatives, negative_count=200, reg=0.0)
    torch.manual_seed(0)
    users = board.users([100])
    made.loss(TrainBatch(users=users))["ranking"].backward()
    # Items that nobody had share the index of the unknown.
    assert bool(made.bias.weight.grad[1].any()) == cold


def test_negatives_need_to_know_whom_the_model_learns_from(board):
    with pytest.raises(RuntimeError, match="begin comes first"):
        BPR(BPR.Config(), board.space.sizes).loss(TrainBatch(users=board.everyone()))
