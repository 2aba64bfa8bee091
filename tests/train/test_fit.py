# SPDX-License-Identifier: Apache-2.0
"""Making and fitting, whichever way a model learns."""

from __future__ import annotations

from functools import cache

import pytest
import torch

import worlds
from penchant.errors import ConfigError
from penchant.train.fit import fit, make


@cache
def world():
    return worlds.train("popularity", worlds.checkerboard())


def test_a_model_is_made_by_name_with_its_choices():
    model = make("ease", {"reg": 7}, world().space.sizes)
    assert type(model).__name__ == "EASE"
    assert model.config.reg == 7


def test_a_model_of_one_seed_is_one_model():
    def weights(seed):
        torch.rand(seed + 1)
        return make("sasrec", {}, world().space.sizes, seed).state()["ids.weight"]

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize(
    ("kind", "choices", "message"),
    [
        ("eas", {}, r"no model 'eas' \(did you mean 'ease'\?\)"),
        ("ease", {"regs": 1}, r"\[model\] of kind 'ease': unknown key 'regs' \(did you mean 'reg'\?\)"),
        ("ease", {"reg": 0}, r"\[model\] of kind 'ease': reg: Expected `float` > 0"),
        ("sasrec", {"dropout": 1.0}, r"dropout: Expected `float` < 1"),
    ],
)
def test_bad_choices_are_named(kind, choices, message):
    with pytest.raises(ConfigError, match=message):
        make(kind, choices, world().space.sizes)


def test_a_solved_model_takes_no_steps():
    result = fit(make("popularity", {}, world().space.sizes), world().everyone())
    assert (result.steps, result.epochs, result.best) == (0, 0, {})
    assert result.seconds >= 0


def test_a_learned_model_goes_through_the_loop():
    model = make("sasrec", worlds.SMALL["sasrec"], world().space.sizes)
    result = fit(model, world().everyone(), worlds.QUICK, steps=3)
    assert result.steps == 3


def test_what_is_neither_is_a_mistake():
    with pytest.raises(TypeError, match="neither solved nor learned"):
        fit(object(), world().everyone())
