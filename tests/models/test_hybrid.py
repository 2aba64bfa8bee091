# SPDX-License-Identifier: Apache-2.0
"""Hybrid: ids where there are ids, content where there is content, and whoever asks as they stand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl
import pytest
import torch
from torch.nn import functional

import signalled
import worlds
from penchant.batch import TrainBatch
from penchant.errors import ConfigError
from penchant.features.catalogue import Catalogue
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.models.hybrid import Hybrid
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, USER
from penchant.train.fit import fit, make

PLAIN = {**worlds.SMALL["hybrid"], "dropout": 0.0, "id_dropout": 0.0, "modality_dropout": 0.0, "mask_parts": 0.0}
FUSIONS = ("sum", "concat", "gated", "attention", "bilinear")


@cache
def world(fusion="sum", **choices):
    one = worlds.train("hybrid", worlds.checkerboard(), config=worlds.replace_struct(worlds.QUICK, epochs=1))
    network = make("hybrid", {**worlds.SMALL["hybrid"], "fusion": fusion, **choices}, one.space.sizes)
    fit(network, one.everyone(), worlds.QUICK)
    return worlds.with_pipeline(one, Pipeline(network, one.space, one.pipeline.catalogue))


def model(seed=0, sizes=None, **choices):
    found = make("hybrid", PLAIN | choices, sizes or world().space.sizes, seed)
    # What starts as nothing would hide whether it is used.
    torch.manual_seed(seed)
    for parameter in (found.actions.weight, found.gaps.weight, found.values.weight, found.item_tower.anything):
        torch.nn.init.normal_(parameter)
    return found.eval()


def with_new(one, *rows):
    """The same world, its catalogue followed by items that nobody has done, as 9000, 9001 and so on."""
    schema = {name: kind for name, kind in one.dataset.items.schema.items() if any(name in row for row in rows)}
    new = pl.DataFrame(
        [{ITEM: 9000 + n, **row} for n, row in enumerate(rows)],
        schema={ITEM: one.dataset.items.schema[ITEM], **schema},
    )
    frame = pl.concat([one.dataset.items, new], how="diagonal_relaxed")
    return worlds.with_pipeline(one, Pipeline(one.model, one.space, one.space.catalogue(frame)))


def clicks(*items):
    return worlds.table(*((7, item, worlds.START + n, "view", 4.0) for n, item in enumerate(items)))


def losses(network, users):
    return {name: float(term.detach()) for name, term in network.loss(TrainBatch(users=users)).items()}


def places(found):
    return {item: place for place, item in enumerate(found)}


# Items


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_new_item_whose_content_is_like_that_of_liked_ones_comes_before_the_rest(fusion):
    one = world(fusion)
    kinds = [one.dataset.items.row(group, named=True) for group in range(worlds.GROUPS)]
    grown = with_new(one, *({"title": kind["title"], "genre": kind["genre"]} for kind in kinds))
    for group in range(worlds.GROUPS):
        found = places(grown.lists(grown.users([7], clicks(500 + group, 503 + group)))[0])
        others = [found[9000 + other] for other in range(worlds.GROUPS) if other != group]
        assert found[9000 + group] < min(others)
        unliked = [place for item, place in found.items() if item < 9000 and (item - 500) % worlds.GROUPS != group]
        # In front of all but a few: what people did says more of an item than its words.
        assert sum(found[9000 + group] < place for place in unliked) > 0.8 * len(unliked)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("column", ["title", "genre"])
def test_an_item_with_a_single_modality_is_told_by_it(fusion, column):
    one = world(fusion)
    # The third group has no genre, so an item with nothing but a title might be one of it.
    grown = with_new(one, *({column: one.dataset.items[column][group]} for group in range(2)))
    for group in range(2):
        found = places(grown.lists(grown.users([7], clicks(500 + group, 503 + group)))[0])
        assert found[9000 + group] < found[9001 - group]


@pytest.mark.parametrize("fusion", FUSIONS)
def test_with_a_modality_knocked_out_tastes_are_still_known(fusion):
    one = world(fusion)
    items = one.pipeline.catalogue.items
    raw, present = items.content["title"]
    bare = {
        "no title": replace(items, content={"title": (torch.zeros_like(raw), torch.zeros_like(present))}),
        "no columns": replace(
            items, features={name: torch.zeros_like(value) for name, value in items.features.items()}
        ),
    }
    left = worlds.ITEMS // worlds.GROUPS - worlds.EACH
    groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
    for poorer in bare.values():
        users = replace(one.everyone(), catalogue=poorer)
        pipeline = Pipeline(one.model, one.space, Catalogue(one.pipeline.catalogue.frame, poorer))
        rows = pipeline.recommend(users, left).rows
        assert (rows % worlds.GROUPS == groups).float().mean() > 0.9


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_item_of_which_nothing_is_known_has_a_finite_score_behind_those_that_are_liked(fusion):
    grown = with_new(world(fusion), {"title": None})
    found = grown.lists(grown.users([7], clicks(500, 503)))[0]
    assert torch.isfinite(torch.tensor(list(found.values()))).all()
    liked = [score for item, score in found.items() if item < 9000 and (item - 500) % worlds.GROUPS == 0]
    assert found[9000] < min(liked)


def test_without_ids_content_alone_counts():
    network = model(id_dropout=1.0)
    users = world().everyone()
    other = replace(users, catalogue=replace(users.catalogue, ids=users.catalogue.ids.flip(0)))
    assert torch.equal(network.score(users, users.catalogue), network.score(other, other.catalogue))
    assert not torch.equal(model().score(users, users.catalogue), model().score(other, other.catalogue))


def test_whatever_the_id_of_an_item_that_training_never_saw_it_says_nothing():
    items = replace(world().everyone().catalogue, ids=torch.full((worlds.ITEMS + worlds.COLD,), 1))
    network = model()
    before = network.encode_item(items)
    torch.nn.init.normal_(network.ids.weight)
    assert torch.equal(network.encode_item(items), before)


def test_without_columns_it_says_nothing_of_new_items():
    sizes = worlds.replace_sizes(world().space.sizes, item_features={}, content={})
    assert not model(sizes=sizes).cold_items
    assert not model(use_item_features=False).cold_items
    assert model().cold_items


# Training


@pytest.mark.parametrize("block", ["sasrec", "hstu"])
def test_the_loss_is_that_of_the_live_answers_just_before_each_event(block):
    users = world().everyone().select(torch.tensor([0, 3, 58]))
    network = model(block=block)
    past = users.history
    steps = torch.arange(len(past.rows)) - past.offsets[:-1][past.owners]
    whole = users.select(past.owners)
    before = replace(whole, history=whole.history.stretch(torch.zeros_like(steps), steps))
    wanted = functional.cross_entropy(network.score(before, users.catalogue), past.rows)
    torch.testing.assert_close(network.loss(TrainBatch(users=users))["next_item"], wanted)


@pytest.mark.parametrize("choice", ["id_dropout", "modality_dropout", "mask_parts"])
def test_training_learns_from_items_that_lack_something_and_answers_from_whole_ones(choice):
    users = world().everyone()
    network = model(**{choice: 0.5})
    assert len({losses(network, users)["next_item"] for _ in range(3)}) == 3
    assert len({losses(model(), users)["next_item"] for _ in range(3)}) == 1
    assert torch.equal(network.encode_item(users.catalogue), model().encode_item(users.catalogue))


def test_profiles_lack_something_too():
    users = world().everyone()
    bare = replace(users, catalogue=replace(users.catalogue, features={}, content={}))
    sizes = worlds.replace_sizes(world().space.sizes, item_features={}, content={})
    network = model(sizes=sizes, modality_dropout=0.5)
    assert len({losses(network, bare)["next_item"] for _ in range(3)}) == 3


def test_aligned_ids_say_what_their_content_says():
    users = world().everyone()
    assert "alignment" not in losses(model(), users)
    half, whole = (losses(model(alignment=weight), users)["alignment"] for weight in (0.5, 1.0))
    assert 0 < half == pytest.approx(whole / 2)
    network = model(alignment=1.0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        term = network.loss(TrainBatch(users=users))["alignment"]
        term.backward()
        optimiser.step()
    items = users.catalogue
    ids = functional.normalize(network.ids(items.ids), dim=1)
    nobody = torch.zeros(len(items), dtype=torch.bool)
    content = functional.normalize(network.item_tower(ids, nobody, items), dim=1)
    nearest = (ids @ content.T)[: worlds.ITEMS].argmax(1)
    assert (nearest == torch.arange(worlds.ITEMS)).float().mean() > 0.8


def test_there_is_nothing_to_align_without_content():
    assert "alignment" not in losses(model(alignment=1.0, use_item_features=False), world().everyone())


def test_only_what_occurs_in_a_batch_is_encoded_where_there_are_negatives():
    network = model(loss="sampled_softmax", negative_count=2)
    users = world().everyone()
    network.begin(users)
    encode, seen = network.encode_item, []
    network.encode_item = lambda items: seen.append(len(items)) or encode(items)
    one = users.select(torch.tensor([0]))
    network.loss(TrainBatch(users=one))
    assert len(seen) == 1
    assert seen[0] <= len(one.history.rows) + 3


# Users


def test_of_whom_nothing_is_known_all_items_are_equal():
    network = model()
    nobody = world().users([7], worlds.table())
    assert not network.score(nobody, nobody.catalogue).any()
    told = replace(nobody, features=nobody.features | {"age": torch.tensor([0.5])})
    assert network.score(told, nobody.catalogue).any()
    assert network.score(world().users([7], clicks(500)), nobody.catalogue).any()


def test_signals_of_a_user_move_what_is_foretold_and_in_training_each_event_has_its_own():
    data = signalled.dataset()
    space = FeatureSpace.fit(data, data.events, FeatureConfig(aggregates=("events", "recency")))
    catalogue, sizes = space.catalogue(data.items), space.sizes
    everyone = data.events[USER].unique().sort()
    asked = space.users(everyone, data.events, catalogue, data.users)
    trained = space.training_users(everyone, data.events, catalogue, data.users)
    on, off = (make("hybrid", PLAIN | {"use_signals": use}, sizes).eval() for use in (True, False))
    later = replace(asked, signals=asked.signals + 1)
    assert torch.equal(on.encode_user(asked), on.encode_user(later))
    torch.nn.init.normal_(on.signals.contract.weight)
    assert not torch.allclose(on.encode_user(asked), on.encode_user(later))
    assert torch.equal(off.encode_user(asked), off.encode_user(later))
    without = replace(asked, signals=None)
    assert torch.equal(on.informed(torch.ones(1, 16), None), torch.ones(1, 16))
    assert torch.isfinite(on.encode_user(without)).all()
    # A later event's signals are none of an earlier one's business, and the first event's own are.
    changed = trained.history.user_signals.clone()
    changed[trained.history.offsets[:-1]] += 1
    moved = replace(trained, history=replace(trained.history, user_signals=changed))
    assert losses(on, trained) != losses(on, moved)
    assert losses(off, trained) == losses(off, moved)


def test_what_was_known_when_a_step_began_counts():
    sizes = worlds.replace_sizes(world().space.sizes, context={"device": 4})
    users = world().everyone()
    devices = torch.arange(len(users.history.rows)) % 2 + 2
    here, there = (
        replace(users, history=replace(users.history, context={"device": values}))
        for values in (devices, 5 - devices)
    )
    on, off = model(sizes=sizes), model(sizes=sizes, use_context=False)
    assert not torch.allclose(on.encode_user(here), on.encode_user(there))
    assert torch.equal(off.encode_user(here), off.encode_user(there))


def test_a_set_has_no_order():
    network = model(block="set", use_relative=True)
    torch.nn.init.normal_(network.blocks[0].weigh.weight)
    users = world().users([100])
    past = users.history
    turned = replace(
        users,
        history=replace(
            past,
            rows=past.rows.flip(0),
            actions=past.actions.flip(0),
            values=past.values.flip(0),
            times=past.times * 3,
        ),
    )
    torch.testing.assert_close(network.encode_user(users), network.encode_user(turned))
    ordered = model()
    assert not torch.allclose(ordered.encode_user(users), ordered.encode_user(turned))
    # Each step of training deals it anew.
    assert len({losses(network, users)["next_item"] for _ in range(4)}) > 1


def test_a_set_is_read_by_one_block():
    with pytest.raises(ConfigError, match=r"blocks: .* set blocks = 1, not 2"):
        model(block="set", blocks=2)


def test_tastes_are_learned_from_sets():
    one = world(block="set")
    left = worlds.ITEMS // worlds.GROUPS - worlds.EACH
    groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
    rows = one.pipeline.recommend(one.everyone(), left).rows
    assert (rows % worlds.GROUPS == groups).float().mean() > 0.95


@pytest.mark.parametrize("block", ["sasrec", "hstu", "set"])
def test_trains_in_bfloat16(block):
    one = world()
    network = make("hybrid", {**worlds.SMALL["hybrid"], "block": block, "fusion": "gated"}, one.space.sizes)
    fit(network, one.everyone(), worlds.replace_struct(worlds.QUICK, precision="bfloat16", epochs=2))
    scores = Pipeline(network, one.space, one.pipeline.catalogue).score(one.everyone())
    assert torch.isfinite(scores).all()
    assert scores.dtype == torch.float32
    assert isinstance(network, Hybrid)
