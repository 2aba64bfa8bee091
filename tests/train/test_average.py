# SPDX-License-Identifier: Apache-2.0
"""WeightAverage by hand."""

# ruff: noqa: ARG002 - overridden methods

from __future__ import annotations

import pytest
import torch
from torch import nn

from penchant.batch import Sizes
from penchant.models.recommender import Learned
from penchant.train.average import WeightAverage


class Tiny(Learned):
    """One weight and one buffer."""

    def __init__(self):
        super().__init__(None, Sizes(items=2, users=2, actions=2))
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_buffer("count", torch.tensor(5.0))

    def score(self, users, items):
        return self.weight

    def affinity(self, given, wanted):
        return None

    def loss(self, batch):
        return {}


def put(model, value):
    with torch.no_grad():
        model.weight.fill_(value)


def test_the_average_by_hand():
    model = Tiny()
    average = WeightAverage(model, 0.5)
    wanted = 0.0
    for step, value in enumerate([1.0, 2.0, -4.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]):
        put(model, value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * value
        assert average.state()["weight"].tolist() == pytest.approx([wanted] * 2)
    assert average.state()["count"] == 5


def test_without_decay_it_is_the_weights_themselves():
    model = Tiny()
    average = WeightAverage(model, 0.0)
    put(model, 3.0)
    average.update(0)
    average.load({"weight": torch.zeros(2)})
    assert average.state()["weight"].tolist() == [3, 3]
    with average.applied(model):
        assert model.weight.tolist() == [3, 3]


def test_applied_inside_and_taken_back_after():
    model = Tiny()
    average = WeightAverage(model, 0.5)
    put(model, 4.0)
    with average.applied(model):
        assert model.weight.tolist() == [0, 0]
    assert model.weight.tolist() == [4, 4]

    def fail():
        with average.applied(model):
            raise ValueError("within")

    with pytest.raises(ValueError, match="within"):
        fail()
    assert model.weight.tolist() == [4, 4]
    assert model.weight.requires_grad


def test_what_was_saved_is_taken_up():
    model = Tiny()
    average = WeightAverage(model, 0.5)
    put(model, 4.0)
    average.update(0)
    other = WeightAverage(Tiny(), 0.5)
    other.load({name: tensor.clone() for name, tensor in average.state().items()})
    assert torch.equal(other.state()["weight"], average.state()["weight"])
