# SPDX-License-Identifier: Apache-2.0
"""What is known of users beyond which items they did."""

from __future__ import annotations

from dataclasses import replace

import torch

from penchant.batch import History, Items, Users
from penchant.models.layers import FeatureEmbedding
from penchant.models.user_tower import Signals, StepContext, known


def test_the_context_of_each_step_is_that_of_the_step():
    torch.manual_seed(0)
    context = StepContext({"device": 4, "price": 0, "labels": 5}, 8)
    columns = {
        "device": torch.tensor([[2, 3, 0], [3, 0, 0]]),
        "price": torch.tensor([[0.5, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
        "labels": torch.tensor([[[2, 3], [0, 0], [0, 0]], [[4, 0], [0, 0], [0, 0]]]),
    }
    found = context(columns)
    assert found.shape == (2, 3, 8)
    for user, step in ((0, 0), (0, 1), (1, 0)):
        alone = context.columns({name: value[user, step][None] for name, value in columns.items()})
        torch.testing.assert_close(found[user, step], alone[0])
    # Padding says nothing.
    assert not found[0, 2].any()


def test_without_columns_there_is_no_context():
    assert StepContext({}, 8)({"device": torch.zeros(2, 3, dtype=torch.int64)}) == 0.0


def test_signals_start_as_nothing_and_are_taken_place_by_place():
    torch.manual_seed(0)
    signals = Signals(3, 8)
    given = torch.randn(2, 5, 3)
    assert not signals(given).any()
    torch.nn.init.normal_(signals.contract.weight)
    torch.testing.assert_close(signals(given)[1, 2], signals(given[1, 2]))


def test_whoever_did_something_or_of_whom_a_word_is_known_is_known():
    nothing = torch.zeros(0, dtype=torch.int64)
    past = History(
        offsets=torch.tensor([0, 0, 0, 1]),
        rows=torch.zeros(1, dtype=torch.int64),
        actions=torch.ones(1, dtype=torch.int64),
        times=torch.zeros(1, dtype=torch.int64),
        values=torch.zeros(1),
    )
    users = Users(ids=torch.ones(3, dtype=torch.int64), history=past, catalogue=Items(ids=nothing))
    assert known(users, FeatureEmbedding({}, 4)).tolist() == [False, False, True]
    told = replace(users, features={"job": torch.tensor([1, 2, 0])})
    assert known(told, FeatureEmbedding({"job": 4}, 4)).tolist() == [False, True, True]
