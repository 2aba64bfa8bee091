# SPDX-License-Identifier: Apache-2.0
"""The loop of a ranker: it finds what is there to be found, stops when that is done, and chance is seeded."""

from __future__ import annotations

import pytest
import torch

import worlds
from penchant.features.space import FeatureSpace
from penchant.rank.cases import FIGURES, Cases
from penchant.rank.config import RankConfig
from penchant.rank.heads import levels_of
from penchant.rank.ranker import Ranker
from penchant.rank.tasks import TaskConfig
from penchant.train.callbacks import Callback
from penchant.train.ranking import fit_ranker, say

TASKS = (TaskConfig(name="taken"), TaskConfig(name="worth", kind="regression", of="value", scale="standard"))
CHOICES = {"embedding_size": 4, "expert_size": 8, "n_experts": 2, "learning_rate": 0.01, "batch_size": 16}
EACH = 12


def blocks(seed, *, useful=True, count=2):
    """Cases of which the source's standing tells everything, or nothing."""
    data = worlds.checkerboard()
    space = FeatureSpace.fit(data, data.events)
    catalogue = space.catalogue(data.items)
    users = space.users(data.users["user_id"], data.events, catalogue, data.users)
    made = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        owners = torch.arange(len(users)).repeat_interleave(EACH)
        standing = torch.randn(len(owners), 1, FIGURES, generator=made)
        truth = standing[:, 0, 0] if useful else torch.randn(len(owners), generator=made)
        taken = (torch.rand(len(owners), generator=made) < torch.sigmoid(3 * truth - 1)).float()
        worth = torch.where(taken > 0, 2 * truth + 5, torch.nan)
        rows = torch.randint(len(catalogue), (len(owners),), generator=made)
        labels = torch.stack([taken, worth], 1)
        found.append(Cases(users=users, owners=owners, rows=rows, standing=standing, labels=labels))
    return space, found


def learn(space, train, held, seed=0, callbacks=(), **choices):
    torch.manual_seed(seed)
    ranker = Ranker(RankConfig(tasks=TASKS, **{**CHOICES, **choices}), space.sizes, 1)
    levels = levels_of(TASKS, torch.cat([one.labels for one in train]))
    return ranker, fit_ranker(ranker, levels, train, held, seed=seed, callbacks=callbacks)


@pytest.mark.parametrize("balance", ["fixed", "uncertainty", "gradient_norm"])
def test_what_a_source_tells_is_learned(balance):
    space, train = blocks(0)
    _, held = blocks(1)
    ranker, found = learn(space, train, held, epochs=6, balance=balance)
    assert found.losses["taken"] < 0.85
    assert found.losses["worth"] < 0.6
    said = say(ranker, held)
    assert said.shape == (2 * EACH * (worlds.USERS - 1), 2)
    assert not ranker.training


def test_it_stops_where_there_is_nothing_to_learn():
    space, train = blocks(0, useful=False, count=1)
    _, held = blocks(1, useful=False, count=1)
    _, found = learn(space, train, held, epochs=60, patience=2, learning_rate=0.03)
    assert found.epochs < 40
    assert found.losses["taken"] > 0.95


def test_the_seed_decides_and_callbacks_are_told():
    class Told(Callback):
        def __init__(self):
            self.steps, self.started = [], None

        def on_start(self, epochs, steps_per_epoch, done):
            self.started = (epochs, steps_per_epoch, done)

        def on_step(self, step, _loss):
            self.steps.append(step)

    space, train = blocks(0, count=1)
    _, held = blocks(1, count=1)
    told = Told()
    states = [learn(space, train, held, epochs=1, seed=seed, callbacks=[told])[0].state() for seed in (0, 0, 1)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])
    assert told.started == (1, 4, 0)
    assert told.steps == [1, 2, 3, 4] * 3


def test_an_answer_knows_no_place():
    space, train = blocks(0, count=1)
    placed = [Cases(**{**vars(one), "positions": torch.ones(len(one), dtype=torch.int64)}) for one in train]
    torch.manual_seed(0)
    ranker = Ranker(RankConfig(tasks=TASKS, **CHOICES), space.sizes, 1, positions=2)
    with torch.no_grad():
        ranker.heads.place.weight[1:] = 5.0
    assert torch.equal(say(ranker, placed), say(ranker, train))
