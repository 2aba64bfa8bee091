# SPDX-License-Identifier: Apache-2.0
"""Mult-VAE: its loss by the formulas of the paper, what a bag is pressed into, and two tastes."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch

import worlds
from penchant.batch import TrainBatch
from penchant.models.bags import Bag
from penchant.models.multvae import MultVAE
from penchant.train.fit import fit
from penchant.train.trainer import TrainConfig


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def model(board, **choices):
    torch.manual_seed(3)
    chosen = {"embedding_size": 3, "hidden_size": 5, "kl_steps": 0, "half_life": 0.0} | choices
    made = MultVAE(MultVAE.Config(**chosen), board.space.sizes)
    torch.nn.init.normal_(made.bias.weight)
    torch.nn.init.normal_(made.past_bias)
    return made


def by_hand(made, ids, noise=None, kept=None, loud=1.0):
    """(logits, divergence) of one bag, in float64."""
    w = {name: tensor.double().numpy() for name, tensor in made.state().items()}
    row = np.zeros(len(w["past.weight"]))
    row[ids] = loud
    row /= np.linalg.norm(row)
    if kept is not None:
        row[ids] *= kept / (1 - made.config.dropout)
    wide = np.tanh(row @ w["past.weight"] + w["past_bias"])
    mean, log_var = np.split(w["press.weight"] @ wide + w["press.bias"], 2)
    drawn = mean if noise is None else mean + noise * np.exp(log_var / 2)
    logits = w["items.weight"] @ np.tanh(w["unfold.weight"] @ drawn + w["unfold.bias"]) + w["bias.weight"][:, 0]
    return logits, 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum()


def test_the_loss_is_that_of_the_paper(board, monkeypatch):
    made = model(board, kl_weight=0.3, dropout=0.25)
    users = board.users([100, 999, 101])
    bag = Bag.of(users, board.space.sizes.items)
    kept = torch.rand(len(bag.ids)) < 0.6
    noise = torch.randn(3, 3)
    monkeypatch.setattr("penchant.models.multvae.keep_mask", lambda *_: kept)
    monkeypatch.setattr(torch, "randn_like", lambda _: noise)
    found = made.loss(TrainBatch(users=users))
    wanted = {"bag": 0.0, "divergence": 0.0}
    for user, (start, end) in enumerate(zip(bag.offsets.tolist(), bag.offsets[1:].tolist(), strict=False)):
        ids = bag.ids[start:end].numpy()
        if not len(ids):
            ids = np.zeros(1, int)  # padding, whose vector is zero
        logits, divergence = by_hand(made, ids, noise[user].numpy(), kept[start:end].numpy() if end > start else 0)
        # Padding and unknown are no items to foretell.
        wanted["bag"] += sum(np.logaddexp.reduce(logits[2:]) - logits[i] for i in bag.ids[start:end])
        wanted["divergence"] += 0.3 * divergence
    for name, value in wanted.items():
        assert float(found[name].detach()) == pytest.approx(float(value) / len(bag.ids), rel=1e-5)


def test_what_answers_is_the_middle_of_the_distribution(board):
    made = model(board).eval()
    users = board.users([100, 999])
    items = board.pipeline.catalogue.items
    ids = Bag.of(users, board.space.sizes.items).ids.numpy()
    found = made.score(users, items).detach()
    wanted = torch.from_numpy(by_hand(made, ids)[0])[items.ids]
    torch.testing.assert_close(found[0].double(), wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[1].double(), torch.from_numpy(by_hand(made, [0])[0])[items.ids])


def test_neither_order_nor_repeats_change_an_answer(board):
    made = model(board).eval()
    items = board.pipeline.catalogue.items
    one = board.users([7], worlds.table((7, 500, 1), (7, 503, 2), (7, 509, 3)))
    other = board.users([7], worlds.table((7, 509, 1), (7, 500, 2), (7, 509, 3), (7, 503, 4)))
    assert torch.equal(made.score(one, items), made.score(other, items))


def test_what_was_done_long_ago_speaks_less(board):
    made = model(board, half_life=2.0).eval()
    items = board.pipeline.catalogue.items
    users = board.users([7], worlds.table((7, 500, 1), (7, 503, 2), (7, 509, 3)))
    ids = items.ids[[0, 3, 9]].numpy()
    wanted = by_hand(made, ids, loud=np.array([0.5, math.sqrt(0.5), 1.0]))[0]
    found = made.score(users, items).detach()[0].double()
    torch.testing.assert_close(found, torch.from_numpy(wanted)[items.ids])


def test_the_weight_of_the_divergence_rises_and_is_resumed(board):
    batch = TrainBatch(users=board.users([100, 101, 102]))

    def divergence(made):
        torch.manual_seed(0)
        return float(made.loss(batch)["divergence"].detach())

    made = model(board, kl_steps=4)
    rising = [divergence(made) for _ in range(6)]
    assert rising == pytest.approx([rising[5] * share for share in (0.2, 0.4, 0.6, 0.8, 1, 1)])
    begun = model(board, kl_steps=4)
    assert [divergence(begun) for _ in range(2)] == rising[:2]
    resumed = model(board, kl_steps=4)
    resumed.load_state({name: tensor.clone() for name, tensor in begun.state().items()})
    assert [divergence(resumed) for _ in range(4)] == rising[2:]


def test_a_batch_that_holds_no_known_item_costs_nothing_but_the_divergence(board):
    made = model(board)
    loss = made.loss(TrainBatch(users=board.users([999])))
    assert loss["bag"] == 0.0
    assert torch.isfinite(loss["divergence"])


def test_two_tastes_are_learned_and_a_stranger_is_answered_by_theirs():
    random = np.random.default_rng(0)
    rows = [
        (user, 500 + item, user * 10 + n)
        for user in range(40)
        for n, item in enumerate(random.choice(np.arange(user % 2, 20, 2), 6, replace=False))
    ]
    events = worlds.table(*rows)
    data = worlds.dataset(
        events.sort("time"),
        pl.DataFrame({"item_id": range(500, 520)}),
        pl.DataFrame({"user_id": range(40)}),
        items={},
        users={},
    )
    one = worlds.train("multvae", data, config=worlds.QUICK)
    for taste in (0, 1):
        shown = one.users([999], worlds.table((999, 500 + taste, 1), (999, 502 + taste, 2)))
        assert {item % 2 for item in list(one.lists(shown)[0])[:8]} == {taste}


def test_training_says_what_it_reached(board):
    made = model(board, embedding_size=8, hidden_size=16, kl_weight=0.01)
    start = float(made.loss(TrainBatch(users=board.everyone()))["bag"].detach())
    fit(made, board.everyone(), TrainConfig(epochs=60, learning_rate=0.01, warmup_steps=1, precision="float32"))
    reached = float(made.loss(TrainBatch(users=board.everyone()))["bag"].detach())
    # Whoever knows the taste knows twelve of the items, and seven of them are done.
    assert reached < math.log(12) < start
