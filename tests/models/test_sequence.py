# SPDX-License-Identifier: Apache-2.0
"""Sequence models: what they are trained to foretell is what they answer, step by step."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional

import worlds
from penchant.batch import TrainBatch, Users
from penchant.errors import ConfigError
from penchant.features import history
from penchant.models.negatives import Drawn
from penchant.models.sasrec import SASRec
from penchant.models.sequence import _ahead, _gap_buckets
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, MICROSECONDS, USER
from penchant.train.fit import fit, make

KINDS = ("sasrec", "hstu")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@cache
def world(kind="sasrec"):
    return worlds.train(kind, worlds.checkerboard())


def model(kind, seed=0, **choices):
    found = make(kind, {**worlds.SMALL[kind], **choices}, world().space.sizes, seed)
    # What starts as nothing would hide whether it is used.
    torch.manual_seed(seed)
    further = [table for bias in found.relative for table in (bias.places, bias.gaps)]
    for table in (found.actions, found.gaps, found.values, *further):
        torch.nn.init.normal_(table.weight)
    return found.eval()


def prefixes(users):
    """Every event's history just before it, as users of their own, and the rows that came then."""
    parts, profile, targets = [], [], []
    past = users.history
    for user in range(len(users)):
        start, end = int(past.offsets[user]), int(past.offsets[user + 1])
        for event in range(start, end):
            parts.append(torch.arange(start, event))
            profile.append(user)
            targets.append(int(past.rows[event]))
    flat = torch.cat(parts)
    owners = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(part) for part in parts]))
    columns = (column[flat] for column in (past.rows, past.actions, past.times, past.values))
    whole = Users(
        ids=users.ids[profile],
        history=history.build(owners, *columns, len(parts)),
        catalogue=users.catalogue,
        features={name: value[profile] for name, value in users.features.items()},
    )
    return whole, torch.tensor(targets)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("length", [worlds.EACH, 50])
def test_the_loss_is_that_of_the_live_answers_just_before_each_event(kind, length, relative):
    users = world().everyone().select(torch.tensor([0, 3, 59]))
    network = model(kind, history_length=length, use_relative=relative)
    before, targets = prefixes(users)
    wanted = functional.cross_entropy(network.score(before, users.catalogue), targets)
    torch.testing.assert_close(network.loss(TrainBatch(users=users))["next_item"], wanted)


@pytest.mark.parametrize("relative", [False, True])
def test_a_user_in_a_batch_with_longer_ones_is_encoded_the_same(kind, relative):
    users = world().users([100, 101, 999], world().dataset.events.filter(pl.col(USER) != 101))
    network = model(kind, use_relative=relative)
    for user in range(3):
        alone = network.encode_user(users.select(torch.tensor([user])))[0]
        torch.testing.assert_close(network.encode_user(users)[user], alone)


def test_items_begin_as_far_apart_as_is_said_and_all_else_as_it_would(kind):
    usual, near = model(kind), model(kind, id_spread=0.01)
    scale = 0.01 * usual.config.embedding_size**0.5
    torch.testing.assert_close(near.ids.weight, usual.ids.weight * scale)
    assert torch.equal(near.positions.weight, usual.positions.weight)


def test_only_the_last_events_are_looked_at(kind):
    network = model(kind, history_length=3)
    assert network.history_length == 3
    users = world().users([100])
    assert torch.equal(network.encode_user(users), network.encode_user(users.select(torch.tensor([0]), last=3)))
    assert not torch.equal(
        network.encode_user(users), network.encode_user(users.select(torch.tensor([0]), last=2))
    )


def changed(users, **columns):
    past = users.history
    kept = {name: getattr(past, name) for name in ("offsets", "rows", "actions", "times", "values")}
    return Users(
        ids=users.ids,
        history=type(past)(**kept | columns),
        catalogue=users.catalogue,
        features=users.features,
    )


@pytest.mark.parametrize(
    ("choice", "change"),
    [
        ("use_time", lambda users: changed(users, times=users.history.times * 3)),
        ("use_action", lambda users: changed(users, actions=5 - users.history.actions)),
        ("use_value", lambda users: changed(users, values=-users.history.values)),
        (
            "use_user_features",
            lambda users: Users(
                ids=users.ids,
                history=users.history,
                catalogue=users.catalogue,
                features={"age": users.features["age"] + 1, "job": 2 - users.features["job"]},
            ),
        ),
        (
            "use_item_features",
            lambda users: Users(
                ids=users.ids,
                history=users.history,
                catalogue=world().space.items(world().dataset.items.select("item_id")),
                features=users.features,
            ),
        ),
    ],
)
def test_each_source_counts_unless_it_is_switched_off(kind, choice, change):
    users = world().users([100])
    on, off = model(kind, **{choice: True}), model(kind, **{choice: False})
    assert not torch.allclose(on.encode_user(users), on.encode_user(change(users)))
    assert torch.equal(off.encode_user(users), off.encode_user(change(users)))


def test_gaps_say_nothing_where_the_source_gives_only_an_order(kind):
    sizes = worlds.replace_sizes(world().space.sizes, has_time=False)
    network = SASRec(SASRec.Config(**worlds.SMALL["sasrec"]), sizes).eval()
    torch.nn.init.normal_(network.gaps.weight)
    users = world().users([100])
    late = changed(users, times=users.history.times * 3)
    assert torch.equal(network.encode_user(users), network.encode_user(late))


def test_buckets_of_gaps():
    seconds = torch.tensor([[50, 50, 51, 54, 50, 50 + 2**40]])
    assert _gap_buckets(seconds * MICROSECONDS).tolist() == [[0, 0, 1, 2, 0, 31]]


def test_padding_learns_nothing(kind):
    assert not world(kind).model.ids.weight[0].any()
    assert not world(kind).model.actions.weight[0].any()


def test_dropout_is_drawn_in_training_only(kind):
    users = world().users([100, 101])
    network = model(kind)
    assert torch.equal(network.encode_user(users), network.encode_user(users))
    network.train()
    assert not torch.equal(network.encode_user(users), network.encode_user(users))


@pytest.mark.parametrize("ahead", [(), (0.0,), (0.0, 1.0)])
def test_the_next_event_must_count(kind, ahead):
    with pytest.raises(ConfigError, match="ahead: the first number"):
        make(kind, {"ahead": ahead}, world().space.sizes)


def test_several_events_ahead_by_hand():
    rows = torch.tensor([[5, 6, 7, 8], [9, 4, 0, 0]])
    targets, shares = _ahead(rows, torch.tensor([[True] * 4, [True, True, False, False]]), (3.0, 0.0, 1.0))
    assert targets[0].tolist() == [[5, 6, 7], [6, 7, 8], [7, 8, 8], [8, 8, 8]]
    assert shares[0].tolist() == [[0.75, 0, 0.25], [0.75, 0, 0.25], [1, 0, 0], [1, 0, 0]]
    assert targets[1, :2, 0].tolist() == [9, 4]
    assert shares[1].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_the_loss_of_several_events_ahead_is_the_mixture(kind):
    users = world().users([100])
    network = model(kind, ahead=(1.0, 1.0))
    before, targets = prefixes(users)
    chances = network.score(before, users.catalogue).log_softmax(1)
    each = torch.arange(worlds.EACH)
    later = (each + 1).clamp(max=worlds.EACH - 1)
    wanted = -(chances[each, targets] + chances[each, targets[later]]).mean() / 2
    torch.testing.assert_close(network.loss(TrainBatch(users=users))["next_item"], wanted)


def test_heads_must_divide_the_size(kind):
    with pytest.raises(ConfigError, match=r"heads: 3 heads do not divide embedding_size 16"):
        make(kind, {"embedding_size": 16, "heads": 3}, world().space.sizes)


def test_trains_in_bfloat16(kind):
    one = worlds.train(
        kind, world().dataset, config=worlds.replace_struct(worlds.QUICK, precision="bfloat16", epochs=3)
    )
    assert torch.isfinite(one.pipeline.score(one.everyone())).all()
    assert all(tensor.dtype != torch.bfloat16 for tensor in one.model.state().values())


def test_state_with_a_missing_name_is_refused(kind):
    state = world(kind).model.state()
    state.pop("start")
    with pytest.raises(RuntimeError, match="start"):
        model(kind).load_state(state)


def apart(network, *, gap=0, blocks=1):
    """What the bias of one block makes of the users' histories, stretched in time."""
    times = torch.arange(4)[None] * (1 + gap) * MICROSECONDS
    return network._bias(network._far(times), blocks - 1)


def test_attention_knows_how_many_places_two_events_are_apart(kind):
    bias = apart(model(kind, use_relative=True, use_time=False))
    assert bias.shape == (1, 2, 5, 5)
    assert torch.equal(bias[0, :, 3, 3], bias[0, :, 4, 4])
    assert torch.equal(bias[0, :, 3, 1], bias[0, :, 4, 2])
    assert not torch.equal(bias[0, :, 4, 4], bias[0, :, 4, 3])


def test_attention_knows_how_long_ago_an_event_was(kind):
    network = model(kind, use_relative=True)
    near, far = apart(network), apart(network, gap=1000)
    assert not torch.equal(near[0, :, 4, 1], far[0, :, 4, 1])
    assert torch.equal(near[0, :, 4, 4], far[0, :, 4, 4])
    still = model(kind, use_relative=True, use_time=False)
    assert torch.equal(apart(still)[0], apart(still, gap=1000)[0])


def test_relative_places_start_as_nothing(kind):
    plain, relative = (
        make(kind, {**worlds.SMALL[kind], "use_relative": on}, world().space.sizes, 0).eval()
        for on in (False, True)
    )
    relative.load_state({**relative.state(), **plain.state()})
    users = world().everyone()
    torch.testing.assert_close(plain.encode_user(users), relative.encode_user(users))


def test_hidden_states_are_those_of_the_answers_and_a_varied_past_is_taken_as_it_is(kind):
    users = world().users([100, 101])
    network = model(kind, use_relative=True)
    past, table = users.history.padded(50), network.encode_item(users.catalogue)
    hidden = network.hidden(table, past, users)
    assert hidden.shape == (2, past.rows.shape[1] + 1, 16)
    torch.testing.assert_close(hidden[torch.arange(2), past.lengths], network.encode_user(users))
    turned = replace(past, rows=past.rows.flip(1))
    varied = network.hidden(table, turned, users)
    torch.testing.assert_close(varied[:, 0], hidden[:, 0])
    assert not torch.allclose(varied[:, 1], hidden[:, 1])


@pytest.mark.parametrize("ahead", [(1.0,), (0.6, 0.4)])
def test_all_items_as_negatives_are_the_whole_catalogue(kind, ahead):
    users = world().everyone().select(torch.tensor([0, 3, 59]))
    whole, sampled = model(kind, ahead=ahead), model(kind, ahead=ahead, loss="sampled_softmax")
    rows = torch.randperm(len(users.catalogue))
    sampled.objective.draw = lambda _: Drawn(rows=rows, log_count=torch.zeros(len(rows)))
    wanted, found = (network.loss(TrainBatch(users=users))["next_item"] for network in (whole, sampled))
    torch.testing.assert_close(found, wanted)


def test_with_negatives_only_items_that_occur_are_encoded(kind):
    users = world().everyone().select(torch.tensor([0, 3]))
    network = model(kind, loss="bpr", negative_count=2)
    network.begin(world().everyone())
    encode, seen = network.encode_item, []
    network.encode_item = lambda items: seen.append(items.ids) or encode(items)
    network.loss(TrainBatch(users=users))
    occurring = users.catalogue.ids[users.history.rows].unique()
    assert torch.isin(occurring, seen[0]).all()
    assert len(seen[0]) <= len(occurring) + 2 + 1  # and padding's row


LOSSES = [
    {"label_smoothing": 0.1},
    {"loss": "sampled_softmax", "negatives": "mixed", "negative_count": 12},
    {"loss": "gbce", "negative_count": 12, "shared_negatives": False},
    {"loss": "bpr", "negatives": "popularity", "negative_count": 4},
]


@pytest.mark.parametrize("choices", LOSSES, ids=lambda choices: "-".join(map(str, choices.values())))
def test_tastes_are_learned_by_every_loss(kind, choices):
    one = world()
    network = make(kind, {**worlds.SMALL[kind], **choices}, one.space.sizes)
    seen = one.everyone()
    # Binary cross-entropy first learns that everything is unlikely.
    fit(network, seen, worlds.replace_struct(worlds.QUICK, epochs=90 if choices.get("loss") == "gbce" else 30))
    left = worlds.ITEMS // worlds.GROUPS - worlds.EACH
    ranked = Pipeline(network, one.space, one.pipeline.catalogue).recommend(seen, left).rows
    groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
    assert float((ranked % worlds.GROUPS == groups).float().mean()) > 0.95


DAY = 86_400 * MICROSECONDS


@cache
def ruled(kind, follows):
    """A world of 60 users who each do ten of eight items: `follows` says by how much an event moves on."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(60):
        item, time = int(random.integers(8)), worlds.START
        for _ in range(10):
            rested, bought = random.random(2) < 0.5
            time += DAY if rested else MICROSECONDS
            rows.append((user, item, time, "buy" if bought else "view"))
            item = (item + follows(rested, bought)) % 8
    events = worlds.table(*rows)
    everyone, items = events.select(USER).unique().sort(USER), pl.DataFrame({ITEM: range(8)})
    data = worlds.dataset(events, items, everyone, items={}, users={}, title=None)
    return worlds.train(kind, data, config=worlds.replace_struct(worlds.QUICK, epochs=60))


def foretold(one, *past):
    """What comes after a stranger's (item, since the one before, action), items that were done included."""
    times = worlds.START + np.cumsum([since for _, since, _ in past])
    done = ((999, item, int(time), action) for (item, _, action), time in zip(past, times, strict=True))
    return int(one.pipeline.score(one.users([999], worlds.table(*done))).argmax())


def onwards(rested, bought):
    return 1


def by_action(rested, bought):
    return 1 if bought else 3


def by_time(rested, bought):
    return 1 if rested else 3


def test_it_learns_what_only_the_order_tells(kind):
    one = ruled(kind, onwards)
    assert foretold(one, (3, 0, "view"), (5, DAY, "view")) == 6
    assert foretold(one, (5, 0, "view"), (3, DAY, "view")) == 4


def test_it_learns_what_only_the_last_action_tells(kind):
    one = ruled(kind, by_action)
    assert [foretold(one, (2, 0, "view"), (5, DAY, action)) for action in ("buy", "view")] == [6, 0]


def test_it_learns_what_only_the_time_tells(kind):
    one = ruled(kind, by_time)
    assert [foretold(one, (2, 0, "view"), (5, since, "view")) for since in (DAY, MICROSECONDS)] == [6, 0]
