# SPDX-License-Identifier: Apache-2.0
"""LightGCN: its layers and losses by hand, whoever asks, and what it keeps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional

import worlds
from penchant.batch import TrainBatch
from penchant.models.interactions import interactions
from penchant.models.lightgcn import LightGCN
from penchant.train.trainer import Trainer


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def model(board, *, begun=True, **choices):
    torch.manual_seed(3)
    made = LightGCN(LightGCN.Config(**{"embedding_size": 6} | choices), board.space.sizes)
    if begun:
        made.begin(learners(board, board.dataset.events["user_id"].unique().sort()))
    return made


def paper(board, vectors, layers):
    """(users [U, D], items [V, D]) of the paper's full matrix, whose users begin with zeros."""
    done = torch.from_numpy(interactions(board.everyone(), len(vectors)).toarray()).double()
    n_users, n_items = done.shape
    whole = torch.zeros(n_users + n_items, n_users + n_items, dtype=torch.float64)
    whole[:n_users, n_users:], whole[n_users:, :n_users] = done, done.T
    degrees = whole.sum(1).clamp(min=1) ** -0.5
    whole = degrees[:, None] * whole * degrees
    layer = torch.cat([torch.zeros(n_users, vectors.shape[1]), vectors * (done.sum(0) > 0)[:, None]])
    layer = total = layer.double()
    for _ in range(layers):
        layer = whole @ layer
        total = total + layer
    return total[:n_users].float(), total[n_users:].float()


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_users_and_items_are_those_of_the_whole_graph(board, layers):
    made = model(board, layers=layers, cosine=False).eval()
    users, items = paper(board, made.items.weight.detach(), layers)
    catalogue = board.pipeline.catalogue.items
    torch.testing.assert_close(made.encode_user(board.everyone()), users)
    torch.testing.assert_close(made.encode_item(catalogue), items[catalogue.ids])


def test_by_cosine_only_the_direction_of_an_item_counts(board):
    catalogue = board.pipeline.catalogue.items
    turned, plain = (model(board, cosine=cosine).eval().encode_item(catalogue) for cosine in (True, False))
    torch.testing.assert_close(turned, functional.normalize(plain, dim=1))
    assert not turned[catalogue.ids <= 1].any()


def test_half_the_digits_in_training_hardly_change_the_loss(board):
    made, batch = model(board), TrainBatch(users=learners(board, [100, 101, 102]))
    with torch.no_grad():
        torch.nn.init.normal_(made.items.weight)
    found = []
    for rough in (False, True):
        torch.manual_seed(5)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=rough):
            found.append(float(made.loss(batch)["ranking"].detach()))
    assert found[0] != found[1]
    assert found[1] == pytest.approx(found[0], rel=0.02)


def test_more_layers_reach_further():
    # A chain: a and b share a user, b and c share another one; nobody had both a and c.
    chain = worlds.table((1, 10, 0), (1, 11, 1), (2, 11, 2), (2, 12, 3), (3, 13, 4))
    data = worlds.dataset(chain, pl.DataFrame({"item_id": [10, 11, 12, 13]}), pl.DataFrame({"user_id": [1, 2, 3]}),
                          items={}, users={})  # fmt: skip
    small = worlds.train("popularity", data)
    asked = small.users([9], worlds.table((9, 10, 5)))
    found = {}
    for layers in (1, 3):
        made = model(small, layers=layers, embedding_size=small.space.sizes.items).eval()
        torch.nn.init.eye_(made.items.weight)
        found[layers] = made.score(asked, small.pipeline.catalogue.items)[0].tolist()
    assert [score > 0 for score in found[1]] == [True, False, False, False]
    assert [score > 0 for score in found[3]] == [True, True, True, False]
    assert found[3][1] > found[3][2]


def test_two_communities_keep_to_themselves():
    picks = [
        (user, item) for user in range(12) for item in range(8) if item % 2 == user % 2 and item // 2 != user % 4
    ]
    events = worlds.table(*((user, 10 + item, time) for time, (user, item) in enumerate(picks)))
    items, users = pl.DataFrame({"item_id": range(10, 18)}), pl.DataFrame({"user_id": range(12)})
    data = worlds.dataset(events, items, users, items={}, users={})
    world = worlds.train("lightgcn", data)
    best = [next(iter(found)) for found in world.lists(world.everyone())]
    assert best == [10 + user % 2 + 2 * (user % 4) for user in range(12)]
    stranger = world.lists(world.users([99], worlds.table((99, 11, 0))))[0]
    assert {item % 2 for item in list(stranger)[:3]} == {1}


def test_a_repeated_click_counts_once_and_an_unknown_item_never(board):
    made = model(board).eval()
    once = made.encode_user(board.users([999], worlds.table((999, 500, 1), (999, 503, 2))))
    cold = 500 + worlds.ITEMS
    again = worlds.table((999, 500, 1), (999, 503, 2), (999, 500, 3), (999, cold, 4))
    torch.testing.assert_close(made.encode_user(board.users([999], again)), once)
    assert not made.encode_user(board.users([999])).any()


def learners(board, people, events=None):
    """Users over the catalogue that is learned from, in which every item has been had."""
    known = board.space.catalogue(board.dataset.items[: worlds.ITEMS])
    wanted, events = pl.Series("user_id", people), board.dataset.events if events is None else events
    return board.space.users(wanted, events, known, board.dataset.users)


def parts(board, made, people):
    """Replays the draw of the loss: (users [B, D] from what was given, items [V, D], wanted ids of each)."""
    users = learners(board, people)
    brought, items = made._propagate()
    past = interactions(users, board.space.sizes.items)
    given = (torch.rand(past.nnz) < made.config.given).tolist()
    vectors, wanted = [], []
    for start, end in pairwise(past.indptr):
        ids = past.indices[start:end]
        mine = [i for i, told in zip(ids, given[start:end], strict=True) if told]
        vectors.append(sum((brought[i] for i in mine), torch.zeros(brought.shape[1])))
        wanted.append((len(mine), [i for i, told in zip(ids, given[start:end], strict=True) if not told]))
    return users, vectors, items, wanted


def test_the_softmax_is_the_naive_one(board):
    made = model(board, temperature=0.5, reg=0.1)
    torch.manual_seed(5)
    users, vectors, items, wanted = parts(board, made, [100, 999, 101, 102])
    torch.manual_seed(5)
    found = made.loss(TrainBatch(users=users))
    losses = [
        torch.stack(
            [-torch.log_softmax(items[2:] @ functional.normalize(vector, dim=0) / 0.5, 0)[i - 2] for i in ids]
        )
        for vector, (count, ids) in zip(vectors, wanted, strict=True)
        if count and ids
    ]
    assert len(losses) == 3
    torch.testing.assert_close(found["ranking"], torch.stack([loss.mean() for loss in losses]).mean())
    norms = made.items.weight.detach().square().sum(1).mean()
    torch.testing.assert_close(found["norms"].detach(), 0.1 * norms)


def test_the_pairwise_loss_is_the_naive_one(board):
    made = model(board, loss="bpr", negative_count=3, shared_negatives=False, temperature=0.5)
    torch.manual_seed(5)
    users, vectors, items, wanted = parts(board, made, [100, 999, 101])
    pairs = [(b, i) for b, (count, ids) in enumerate(wanted) if count for i in ids]
    ids = users.catalogue.ids
    drawn = ids[torch.randint(worlds.ITEMS, (len(pairs), 3))].tolist()
    torch.manual_seed(5)
    found = made.loss(TrainBatch(users=users))["ranking"]
    losses = []
    for (b, i), others in zip(pairs, drawn, strict=True):
        user = functional.normalize(vectors[b], dim=0) / 0.5
        lost = [functional.softplus(user @ (items[other] - items[i])) for other in others if other != i]
        losses.append(torch.stack(lost).mean())
    torch.testing.assert_close(found, torch.stack(losses).mean())


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_gradients_reach_the_vectors_through_every_layer(board, loss):
    made = model(board, loss=loss)
    sum(made.loss(TrainBatch(users=learners(board, [100]))).values()).backward()
    reached = made.items.weight.grad.abs().sum(1)
    # One user's items reach all of the group's: people alike had them. The other groups are met as negatives only.
    ids = board.pipeline.catalogue.items.ids[: worlds.ITEMS]
    assert (reached[ids[0::3]] > 0).all()
    assert not reached[:2].any()


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
@pytest.mark.parametrize("events", [(), ((7, 500, 1),)])
def test_whoever_has_too_little_teaches_nothing(board, loss, events):
    made = model(board, loss=loss)
    users = learners(board, [7], worlds.table(*events))
    found = made.loss(TrainBatch(users=users))["ranking"]
    found.backward()
    assert float(found.detach()) == 0.0
    assert not made.items.weight.grad.any()


def test_the_graph_is_part_of_the_state(board):
    made = model(board).eval()
    users, items = board.everyone(), board.pipeline.catalogue.items
    fresh = model(board, begun=False).eval()
    assert not fresh.score(users, items).any()
    fresh.load_state(made.state())
    assert torch.equal(fresh.score(users, items), made.score(users, items))
    other = model(board, begun=False)
    other.begin(board.users([100]))
    other.load_state(made.state())
    assert torch.equal(other.eval().score(users, items), made.score(users, items))


def test_what_was_propagated_is_forgotten_when_vectors_change(board):
    made = model(board, cosine=False).eval()
    items = board.pipeline.catalogue.items
    before = made.encode_item(items)
    assert made.encode_item(items).data_ptr() != before.data_ptr()
    assert torch.equal(made.encode_item(items), before)
    made.load_state({name: t * 2 if name == "items.weight" else t for name, t in made.state().items()})
    torch.testing.assert_close(made.encode_item(items), 2 * before)
    made.train()
    made.items.weight.data /= 2
    torch.testing.assert_close(made.eval().encode_item(items), before)


def test_a_checkpoint_is_taken_up_with_its_graph(board, tmp_path):
    config = worlds.replace_struct(worlds.QUICK, epochs=3, checkpoint_every=1)
    whole = model(board, begun=False)
    Trainer(whole, board.everyone(), config, folder=tmp_path / "a").run()
    half = model(board, begun=False)
    Trainer(half, board.everyone(), worlds.replace_struct(config, epochs=2), folder=tmp_path / "b").run()
    again = model(board, begun=False)
    Trainer(again, board.everyone(), config, folder=tmp_path / "b").run(resume=True)
    assert all(torch.equal(again.state()[name], tensor) for name, tensor in whole.state().items())


def test_the_table_of_edges_is_compact(board):
    state = model(board).state()
    assert state["columns"].dtype == torch.int32
    assert len(state["columns"]) == worlds.USERS * worlds.EACH
    assert np.diff(state["offsets"].numpy()).tolist() == [worlds.EACH] * worlds.USERS
