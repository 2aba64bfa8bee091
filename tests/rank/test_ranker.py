# SPDX-License-Identifier: Apache-2.0
"""Ranker: whom and what it sees, and that nothing hangs on who else is asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import worlds
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.rank.cases import FIGURES, Cases
from penchant.rank.config import RankConfig
from penchant.rank.ranker import Ranker, with_signals_for
from penchant.rank.tasks import TaskConfig

TASKS = (TaskConfig(name="click"), TaskConfig(name="buy", after="click"), TaskConfig(name="n", kind="count"))


def board(**features):
    data = worlds.checkerboard()
    space = FeatureSpace.fit(data, data.events, FeatureConfig(**features))
    return data, space, space.catalogue(data.items)


def cases(ids=(100, 101, 999), each=5, **features):
    data, space, catalogue = board(**features)
    users = space.users(worlds.pl.Series("user_id", ids), data.events, catalogue, data.users)
    torch.manual_seed(1)
    count = len(ids) * each
    return space, Cases(
        users=users,
        owners=torch.arange(len(ids)).repeat_interleave(each),
        rows=torch.randint(len(catalogue), (count,)),
        standing=torch.rand(count, 2, FIGURES),
    )


def ranker(space, positions=0, **choices):
    torch.manual_seed(0)
    made = Ranker(RankConfig(tasks=TASKS, **choices), space.sizes, 2, positions)
    # Zeros would hide what is not looked at.
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


@pytest.mark.parametrize(
    "choices", [{}, {"experts": "ple", "layers": 2}, {"experts": "shared_bottom"}, {"use_ids": True}]
)
@pytest.mark.parametrize("features", [{}, {"aggregates": True}])
def test_every_weight_is_reached(choices, features):
    space, some = cases(**features)
    made = ranker(space, positions=3, **choices)
    assert made.uses_signals == bool(features)
    said = made(replace(some, positions=torch.arange(len(some)) % 4))
    assert said.values.shape == (len(some), 3)
    assert len(said.shared) == len(some)
    said.values.sum().backward()
    assert not [name for name, p in made.named_parameters() if p.grad is None]


def test_nothing_hangs_on_who_else_is_asked_about():
    space, some = cases(aggregates=True)
    made = ranker(space, use_ids=True)
    with torch.no_grad():
        together = made(some).values
        for question in range(3):
            alone = made(some.select(torch.tensor([question]))).values
            assert torch.allclose(alone, together[some.owners == question], atol=1e-5)


def test_a_click_a_profile_and_a_source_change_the_answer():
    space, some = cases()
    made = ranker(space)
    data, _, catalogue = board()
    with torch.no_grad():
        before = made(some).values
        clicked = worlds.pl.concat([data.events, worlds.table((999, 500, worlds.START * 2))])
        users = space.users(worlds.pl.Series("user_id", [100, 101, 999]), clicked, catalogue, data.users)
        after = made(replace(some, users=users)).values
        assert torch.allclose(before[:10], after[:10], atol=1e-6)
        assert not torch.allclose(before[10:], after[10:], atol=1e-3)
        known = {**some.users.features, "age": some.users.features["age"] + 1}
        assert not torch.allclose(made(replace(some, users=replace(some.users, features=known))).values, before)
        assert not torch.allclose(made(replace(some, standing=some.standing + 1)).values, before)


def test_items_that_came_after_training_have_a_vector_that_was_learned():
    space, some = cases()
    made = ranker(space, use_ids=True).train()
    made.ids.weight.grad = None
    torch.manual_seed(0)
    made(some).values.sum().backward()
    assert made.ids.weight.grad[1].any()
    assert not made.ids.weight.grad[0].any()


def test_a_longer_catalogue_has_signals_of_nothing_for_what_came_since():
    _, some = cases(aggregates=True)
    catalogue = some.users.catalogue
    size = len(catalogue)
    shorter = replace(some.users, catalogue=catalogue.take(torch.arange(size - 3)))
    found = with_signals_for(shorter, replace(catalogue, signals=None))
    assert len(found.catalogue) == size
    assert torch.equal(found.catalogue.signals[: size - 3], catalogue.signals[: size - 3])
    assert not found.catalogue.signals[size - 3 :].any()
    plain = replace(some.users, catalogue=replace(catalogue, signals=None))
    assert with_signals_for(plain, catalogue).catalogue.signals is None


def test_without_signals_at_hand_those_of_the_mean_stand_there():
    space, some = cases(aggregates=True)
    bare = replace(some.users, signals=None, catalogue=replace(some.users.catalogue, signals=None))
    zero = replace(
        some.users,
        signals=torch.zeros_like(some.users.signals),
        catalogue=replace(some.users.catalogue, signals=torch.zeros_like(some.users.catalogue.signals)),
    )
    made = ranker(space)
    assert torch.equal(made(replace(some, users=bare)).values, made(replace(some, users=zero)).values)


def test_state_there_and_back():
    space, some = cases()
    made = ranker(space)
    fresh = Ranker(made.config, space.sizes, 2)
    fresh.eval().load_state({name: tensor.clone() for name, tensor in made.state().items()})
    assert torch.equal(fresh(some).values, made(some).values)
    assert not any(tensor.requires_grad for tensor in made.state().values())


def test_items_of_which_nothing_was_learned_are_as_unknown_ones():
    space, _ = cases()
    made = ranker(space, use_ids=True)
    before = made.ids.weight.detach().clone()
    made.forget_all_but(torch.tensor([1, 5, 6, 5]))
    after = made.ids.weight.detach()
    assert torch.equal(after[[0, 1, 5, 6]], before[[0, 1, 5, 6]])
    assert torch.equal(after[2:5], before[1].expand(3, -1))
    ranker(space).forget_all_but(torch.tensor([1]))  # without vectors there is nothing to forget
