# SPDX-License-Identifier: Apache-2.0
"""TwoTower: content alone decides, for items and users that training never saw, whatever is missing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl
import pytest
import torch
from torch.nn import functional

import worlds
from penchant.batch import Sizes, TrainBatch, Users
from penchant.models import two_tower
from penchant.models.two_tower import TwoTower
from penchant.models.user_tower import known
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, USER
from penchant.train.fit import make

PLAIN = {"dropout": 0.0, "drop_columns": 0.0, "mask_parts": 0.0}


@cache
def world():
    return worlds.train("two_tower", worlds.checkerboard())


def model(seed=0, sizes=None, **choices):
    found = make("two_tower", PLAIN | choices, sizes or world().space.sizes, seed)
    # What starts as nothing would hide whether it is used.
    torch.manual_seed(seed)
    for table in (found.pool.actions, found.pool.gaps, found.pool.values):
        if table is not None:
            torch.nn.init.normal_(table.weight)
    return found.eval()


def prefixes(users):
    """Every event's history just before it, as users of their own."""
    past = users.history
    places = torch.arange(len(past.rows)) - past.offsets[:-1][past.owners]
    whole = users.select(past.owners)
    return replace(whole, history=whole.history.stretch(torch.zeros_like(places), places))


def losses(network, users):
    return {name: float(term.detach()) for name, term in network.loss(TrainBatch(users=users)).items()}


def with_new(items):
    """The same world, its catalogue followed by items that nobody has done."""
    one = world()
    frame = pl.concat([one.dataset.items, items], how="diagonal_relaxed")
    return worlds.with_pipeline(one, Pipeline(one.model, one.space, one.space.catalogue(frame)))


def new(**columns):
    """An item with nothing but what is given."""
    schema = {name: world().dataset.items.schema[name] for name in (ITEM, *columns)}
    return pl.DataFrame({ITEM: [9000]} | {name: [value] for name, value in columns.items()}, schema=schema)


def clicks(*items):
    return worlds.table(*((7, item, worlds.START + n, "view", 4.0) for n, item in enumerate(items)))


# What is learned


@pytest.mark.parametrize("length", [worlds.EACH, 50])
def test_the_loss_is_that_of_the_live_answers_just_before_each_event(length):
    users = world().everyone().select(torch.tensor([0, 3, 58]))
    network = model(history_length=length)
    wanted = functional.cross_entropy(network.score(prefixes(users), users.catalogue), users.history.rows)
    torch.testing.assert_close(network.loss(TrainBatch(users=users))["next_item"], wanted)


def test_negatives_stand_for_the_whole_catalogue():
    users = world().everyone()
    network = model(loss="sampled_softmax", negatives="mixed", negative_count=2000)
    network.begin(users)
    torch.manual_seed(0)
    found = torch.stack([network.loss(TrainBatch(users=users))["next_item"] for _ in range(5)]).mean()
    torch.testing.assert_close(found, model().loss(TrainBatch(users=users))["next_item"], rtol=0.01, atol=0)


def test_only_what_occurs_in_a_batch_is_encoded_where_there_are_negatives(monkeypatch):
    network = model(loss="sampled_softmax", negative_count=2)
    users = world().everyone()
    network.begin(users)
    seen = []
    encode = network.encode_item
    monkeypatch.setattr(network, "encode_item", lambda items: seen.append(len(items)) or encode(items))
    one = users.select(torch.tensor([0]))
    network.loss(TrainBatch(users=one))
    assert len(one.history.rows) <= seen[0] <= len(one.history.rows) + 2


def test_training_learns_from_incomplete_items_and_answers_from_whole_ones():
    users = world().everyone()
    network = model(drop_columns=0.5)
    assert len({losses(network, users)["next_item"] for _ in range(3)}) == 3
    assert torch.equal(network.encode_item(users.catalogue), model().encode_item(users.catalogue))


def test_profiles_are_incomplete_too(monkeypatch):
    monkeypatch.setattr(two_tower, "incomplete", lambda items, *_: items)
    users = world().everyone()
    on = model(drop_columns=0.5)
    assert len({losses(on, users)["next_item"] for _ in range(3)}) == 3
    off = model(drop_columns=0.5, use_user_features=False)
    assert len({losses(off, users)["next_item"] for _ in range(3)}) == 1


def test_two_views_of_an_item_are_to_be_alike():
    users = world().everyone()
    whole, half = (losses(model(contrastive=0.5, drop_columns=rate), users)["contrastive"] for rate in (0.0, 0.6))
    # Where nothing is missing, both views are the same, and yet other items are not quite unlike.
    assert 0 < whole < half
    assert losses(model(contrastive=1.0), users)["contrastive"] == pytest.approx(2 * whole)
    assert "contrastive" not in losses(model(), users)


def test_scores_are_bounded_cosines():
    network = model(temperature=0.01)
    items = world().pipeline.catalogue.items
    torch.testing.assert_close(network.encode_item(items).norm(dim=1), torch.ones(len(items)))
    with torch.no_grad():
        network.log_factor.add_(5)
    lengths = network.encode_user(world().everyone()).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((worlds.USERS,), 100.0))


# What is known


def test_ids_say_nothing():
    users = world().everyone()
    network = model()
    other = replace(
        users, ids=users.ids.flip(0), catalogue=replace(users.catalogue, ids=users.catalogue.ids.flip(0))
    )
    assert torch.equal(network.score(users, users.catalogue), network.score(other, other.catalogue))


def test_a_new_item_of_the_liked_kind_comes_first_for_a_stranger_with_two_clicks():
    for group in range(worlds.GROUPS):
        kind = world().dataset.items.row(group, named=True)
        one = with_new(new(title=kind["title"], genre=kind["genre"]))
        # Of each kind an item that nobody has done, as cold as the other: the liked one is in front of the rest.
        others = with_new(new(title=world().dataset.items["title"][group + 1]))
        first = one.lists(one.users([7], clicks(500 + group, 503 + group)))[0]
        last = others.lists(others.users([7], clicks(500 + group, 503 + group)))[0]
        unliked = [item for item in first if item < 9000 and (item - 500) % worlds.GROUPS != group]
        assert all(first[9000] > first[item] for item in unliked)
        assert first[9000] > last[9000]


@pytest.mark.parametrize("column", ["title", "genre"])
def test_an_item_with_a_single_modality_is_told_by_it(column):
    # The third group has no genre, so an item with nothing but a title might be one of it.
    for group in range(2):
        one = with_new(new(**{column: world().dataset.items[column][group]}))
        ranks = [list(one.lists(one.users([7], clicks(500 + g, 503 + g)))[0]).index(9000) for g in range(2)]
        assert ranks[group] < ranks[1 - group]


def test_an_item_of_which_nothing_is_known_is_like_any_other_of_that_kind():
    one = with_new(new())
    network, items = world().model, one.pipeline.catalogue.items
    bare = network.encode_item(items)[-1]
    nothing = network.encode_item(one.space.items(pl.DataFrame({ITEM: [1, 2]})))
    # The mean stands for a missing number, so to be without columns is to be without each of them.
    assert torch.equal(nothing[0], nothing[1])
    torch.testing.assert_close(bare, nothing[0])
    assert torch.isfinite(bare).all()


@pytest.mark.parametrize("junk", [1e9, -3.0])
def test_what_is_not_present_is_never_read(junk):
    items = world().pipeline.catalogue.items
    raw, present = items.content["title"]
    absent = torch.arange(len(items)) % 2 == 0
    spoilt = raw.masked_fill(absent[:, None], junk)
    clean = replace(items, content={"title": (raw.masked_fill(absent[:, None], 0.0), present & ~absent)})
    dirty = replace(items, content={"title": (spoilt, present & ~absent)})
    users = world().everyone()
    gradients = []
    for catalogue in (clean, dirty):
        network = model()
        loss = network.loss(TrainBatch(users=replace(users, catalogue=catalogue)))["next_item"]
        loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    assert torch.equal(*gradients)
    assert torch.equal(model().encode_item(clean), model().encode_item(dirty))


@pytest.mark.parametrize(("column", "sign"), [("age", 1), ("job", -1)])
def test_a_user_with_no_history_is_who_they_are(column, sign):
    nobody = world().users([100, 101], worlds.table())
    assert nobody.history.lengths.tolist() == [0, 0]
    network = model()
    changed = replace(nobody, features={**nobody.features, column: 2 + sign * nobody.features[column]})
    assert not torch.allclose(network.encode_user(nobody), network.encode_user(changed))
    off = model(use_user_features=False)
    assert torch.equal(off.encode_user(nobody), off.encode_user(changed))


def test_a_profile_alone_decides_where_it_tells_tastes():
    board = worlds.checkerboard()
    jobs = [("smith", "monk", "cook")[user % worlds.GROUPS] for user in range(worlds.USERS)]
    users = pl.DataFrame({USER: range(100, 100 + worlds.USERS), "job": jobs, "age": [30.0] * worlds.USERS})
    extra = pl.DataFrame({USER: [7, 8, 9], "job": ["smith", "monk", "cook"], "age": [30.0] * 3})
    one = worlds.train("two_tower", worlds.dataset(board.events, board.items, users))
    asked = one.space.users(pl.Series(USER, [7, 8, 9]), worlds.table(), one.pipeline.catalogue, extra)
    found = one.pipeline.recommend(asked, 10).rows % worlds.GROUPS
    assert (found == torch.arange(3)[:, None]).float().mean() > 0.9


def test_for_a_stranger_of_whom_nothing_is_known_all_items_are_equal_and_one_fact_is_enough():
    network = model()
    nobody = world().users([7], worlds.table())
    assert not network.score(nobody, nobody.catalogue).any()
    for name, value in (("age", 0.5), ("job", 2)):
        known = nobody.features | {name: torch.full_like(nobody.features[name], value)}
        assert network.score(replace(nobody, features=known), nobody.catalogue).all()
    # A word that training never saw says no more than none.
    unheard = nobody.features | {"job": torch.ones_like(nobody.features["job"])}
    assert not network.score(replace(nobody, features=unheard), nobody.catalogue).any()
    assert network.score(world().users([7], clicks(500)), nobody.catalogue).all()


def test_several_words_of_a_profile_count_as_one_fact():
    network = model(sizes=Sizes(items=9, users=2, actions=4, user_features={"tags": 9}))
    two = replace(world().users([7, 8], worlds.table()), features={"tags": torch.tensor([[0, 0, 0], [0, 4, 1]])})
    assert known(two, network.user_features).tolist() == [False, True]


def test_without_any_column_everything_is_equal_and_nothing_breaks():
    network = model(sizes=Sizes(items=worlds.ITEMS + 2, users=2, actions=4, has_time=False))
    users = world().everyone()
    bare = Users(
        ids=users.ids,
        history=users.history,
        catalogue=replace(users.catalogue, features={}, content={}),
    )
    assert torch.unique(network.encode_item(bare.catalogue), dim=0).shape[0] == 1
    assert torch.isfinite(network.loss(TrainBatch(users=bare))["next_item"])


def test_only_the_last_events_are_looked_at():
    network = model(history_length=3)
    users = world().users([100])
    one = torch.tensor([0])
    assert torch.equal(network.encode_user(users), network.encode_user(users.select(one, last=3)))
    assert not torch.equal(network.encode_user(users), network.encode_user(users.select(one, last=2)))


def test_trains_in_bfloat16():
    config = worlds.replace_struct(worlds.QUICK, precision="bfloat16", epochs=3)
    one = worlds.train("two_tower", world().dataset, config=config)
    assert torch.isfinite(one.pipeline.score(one.everyone())).all()
    assert one.pipeline.score(one.everyone()).dtype == torch.float32
    assert isinstance(one.model, TwoTower)
