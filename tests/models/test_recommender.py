# SPDX-License-Identifier: Apache-2.0
"""The contract's own pieces: vectors score by dot product, and state is strict."""

from __future__ import annotations

import msgspec
import pytest
import torch

from penchant import registry
from penchant.batch import Items, Sizes
from penchant.models.recommender import Learned, Range, VectorRecommender, known, zero_unknown
from penchant.train.trainer import SPACE, TrainConfig


class Fixed(VectorRecommender):
    """User and item vectors that are given."""

    def encode_user(self, users):  # noqa: ARG002
        return torch.tensor([[1.0, 0.0], [0.0, 2.0]])

    def encode_item(self, items):
        return torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 5.0]])[items.ids]

    def state(self):
        return {}

    def load_state(self, state):
        pass


MODEL = Fixed(None, Sizes(items=3, users=2, actions=2))


def test_score_is_the_dot_product():
    assert MODEL.score(None, Items(ids=torch.tensor([1, 2]))).tolist() == [[3, 0], [8, 10]]


def test_affinity_is_the_cosine():
    items = Items(ids=torch.tensor([1, 2, 0]))
    near = MODEL.affinity(items, items)
    torch.testing.assert_close(near[0], torch.tensor([1.0, 0.8, 0.0]))
    assert torch.equal(near, near.T)


def test_items_never_seen_weigh_nothing():
    items = Items(ids=torch.tensor([0, 1, 2]))
    assert known(items).tolist() == [False, False, True]
    assert zero_unknown(torch.ones(2, 3), items).tolist() == [[0, 0, 1]] * 2


def test_the_contract_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        VectorRecommender(None, MODEL.sizes)


def spaces():
    """(key, its range, the struct that reads it) of everything that is tuned."""
    for kind in registry.MODELS:
        model = registry.load(registry.MODELS, kind, "model")
        for key, where in model.space.items():
            yield pytest.param(key, where, model.Config, id=f"{kind} {key}")
    for key, where in SPACE.items():
        yield pytest.param(key, where, TrainConfig, id=key)


@pytest.mark.parametrize(("key", "where", "config"), list(spaces()))
def test_a_key_is_tuned_within_what_it_may_be(key, where, config):
    assert isinstance(where, Range), "write Range(low, high, log=True) or Range(choices=(32, 64))"
    field = next(field for field in msgspec.structs.fields(config) if field.name == key)
    for value in where.choices or (where.low, where.high):
        msgspec.convert({key: value}, config)
    default = field.default
    if default is not None:
        assert default in where.choices if where.choices else where.low <= default <= where.high


@pytest.mark.parametrize("kind", registry.MODELS)
def test_every_model_says_what_is_worth_tuning(kind):
    model = registry.load(registry.MODELS, kind, "model")
    assert model.space or issubclass(model, Learned)
    assert not set(model.space) & {field.name for field in msgspec.structs.fields(TrainConfig)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "give low and high"),
        ({"low": 1}, "give low and high"),
        ({"low": 2, "high": 1}, "low being lower"),
        ({"low": 0, "high": 1, "log": True}, "above 0 where log = true, not 0"),
        ({"choices": [1]}, "two choices or more"),
        ({"choices": [1, 1]}, "that differ"),
        ({"choices": [1, 2], "high": 3}, "either low and high, or"),
        ({"lowest": 1}, "unknown field `lowest`"),
    ],
)
def test_a_range_leaves_something_to_choose(table, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(table, Range)
