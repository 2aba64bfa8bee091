# SPDX-License-Identifier: Apache-2.0
"""NeuMF: score and loss by hand, users as they stood before each event, blocks, and two tastes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch

import worlds
from penchant.batch import TrainBatch
from penchant.models import neumf
from penchant.models.neumf import NeuMF


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def model(board, **choices):
    torch.manual_seed(3)
    chosen = {"embedding_size": 4, "dropout": 0.0} | choices
    made = NeuMF(NeuMF.Config(**chosen), board.space.sizes)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    made.begin(board.everyone())
    return made.eval()


def loudness(made, back):
    """Of the event `back` places before the last."""
    return math.exp(float(made.places.weight.detach()[back.bit_length(), 0]))


def user_by_hand(made, ids):
    loud = np.array([loudness(made, back) for back in range(len(ids))])[::-1]
    past = made.past.weight.detach().double().numpy()[ids]
    return (loud[:, None] * past).sum(0) / math.sqrt(loud.sum()) if ids else np.zeros(8)


def score_by_hand(made, user, item):
    w = {name: tensor.double().numpy() for name, tensor in made.state().items()}
    vector, dim = w["items.weight"][item], made.config.embedding_size
    product = (user[:dim] * vector[:dim] * w["product"]).sum()
    wide = w["from_user.weight"] @ user[dim:] + w["from_user.bias"] + w["from_item.weight"] @ vector[dim:]
    for n in range(made.config.layers - 1):
        wide = w[f"deeper.{n}.weight"] @ np.maximum(wide, 0) + w[f"deeper.{n}.bias"]
    return product + (w["last.weight"] @ np.maximum(wide, 0))[0] + w["bias.weight"][item, 0]


@pytest.mark.parametrize("layers", [1, 3])
def test_a_score_is_the_product_the_network_and_the_worth_of_the_item(board, layers):
    made = model(board, layers=layers, history_length=5)
    items = board.pipeline.catalogue.items
    clicked = [500, 503, 506, 501, 502, 500, 505]
    users = board.users([7, 999], worlds.table(*((7, item, n) for n, item in enumerate(clicked))))
    found = made.score(users, items).detach()
    # Only the last five are looked at.
    last = [int(items.ids[item - 500]) for item in clicked[2:]]
    for position, past in enumerate((last, [])):
        wanted = [score_by_hand(made, user_by_hand(made, past), item) for item in items.ids.tolist()]
        assert found[position].tolist() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("cells", [1, 50, 1000])
def test_scores_do_not_depend_on_the_blocks_and_no_block_is_too_large(board, cells, monkeypatch):
    made = model(board)
    users, items = board.everyone(), board.pipeline.catalogue.items
    wanted = made.score(users, items)
    shapes = []
    network = made._network
    monkeypatch.setattr(made, "_network", lambda wide: (shapes.append(wide.numel()), network(wide))[1])
    monkeypatch.setattr(neumf, "_CELLS", cells)
    torch.testing.assert_close(made.score(users, items), wanted)
    assert max(shapes) <= max(cells, made.from_item.out_features)
    assert sum(shapes) == len(users) * len(items) * made.from_item.out_features


def test_the_loss_is_the_naive_one(board):
    made = model(board, negative_count=3)
    users = board.users([100, 999, 101])
    rows, offsets = users.history.rows, users.history.offsets.tolist()
    torch.manual_seed(5)
    (found,) = made.loss(TrainBatch(users=users)).values()
    torch.manual_seed(5)
    drawn = torch.randint(len(users.catalogue), (len(rows), 3))
    ids = users.catalogue.ids.tolist()
    pairs = []
    for start, end in pairwise(offsets):
        own = rows[start:end].tolist()
        for event in range(start, end):
            user = user_by_hand(made, [ids[row] for row in own[: event - start]])
            wanted = score_by_hand(made, user, ids[own[event - start]])
            others = [score_by_hand(made, user, ids[row]) for row in drawn[event].tolist() if row not in own]
            pairs += [np.logaddexp(0, -wanted), *np.logaddexp(0, others)]
    assert float(found.detach()) == pytest.approx(np.mean(pairs), rel=1e-5)


def test_no_event_sees_itself_or_a_later_one(board):
    made = model(board)
    users = board.users([100])
    made.loss(TrainBatch(users=users))["pairs"].backward()
    reached = made.past.weight.grad.abs().sum(1)
    ids = users.catalogue.ids[users.history.rows]
    # The last event comes before nothing, so its vector as part of a history takes no part.
    assert reached[ids[-1]] == 0
    assert (reached[ids[:-1]] > 0).all()


def test_what_a_user_is_in_training_is_what_is_asked_later(board):
    made = model(board, history_length=6)
    users = board.users([100])
    ids = users.catalogue.ids[users.history.rows]
    before = made._before(ids[None, :7])
    for event in range(7):
        events = board.dataset.events.filter(pl.col("user_id") == 100).head(event)
        torch.testing.assert_close(before[0, event], made._asked(board.users([100], events))[0])


def test_affinity_is_what_one_click_adds(board):
    made = model(board)
    items = board.pipeline.catalogue.items
    given, wanted = items.take(torch.tensor([3, 0])), items.take(torch.tensor([1, 5, 6]))
    found = made.affinity(given, wanted)
    nobody = made.score(board.users([999]), wanted)
    clicked = made.score(board.users([7], worlds.table((7, 503, 1))), wanted)
    torch.testing.assert_close(found[0], (clicked - nobody)[0])
    assert found.shape == (2, 3)


def test_negatives_need_a_count_of_events(board):
    fresh = NeuMF(NeuMF.Config(), board.space.sizes)
    with pytest.raises(RuntimeError, match="begin comes first"):
        fresh.loss(TrainBatch(users=board.users([100])))


def test_a_user_without_a_negative_left_does_not_break_the_loss(board):
    everything = worlds.table(*((7, item, n) for n, item in enumerate(board.dataset.items["item_id"])))
    batch = TrainBatch(users=board.users([7], everything))
    assert torch.isfinite(model(board).loss(batch)["pairs"])


def test_two_tastes_are_learned_and_a_stranger_is_answered_by_theirs(monkeypatch):
    random = np.random.default_rng(0)
    rows = [
        (user, 500 + item, user * 10 + n)
        for user in range(40)
        for n, item in enumerate(random.choice(np.arange(user % 2, 20, 2), 6, replace=False))
    ]
    tables = pl.DataFrame({"item_id": range(500, 520)}), pl.DataFrame({"user_id": range(40)})
    data = worlds.dataset(worlds.table(*rows).sort("time"), *tables, items={}, users={})
    monkeypatch.setitem(worlds.SMALL, "neumf", {"embedding_size": 16})
    one = worlds.train("neumf", data, config=worlds.QUICK)
    for taste in (0, 1):
        shown = one.users([999], worlds.table((999, 500 + taste, 1), (999, 502 + taste, 2)))
        assert {item % 2 for item in list(one.lists(shown)[0])[:8]} == {taste}
