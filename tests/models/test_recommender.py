# SPDX-License-Identifier: Apache-2.0
"""The contract's own pieces: vectors score by dot product, and state is strict."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import Items, Sizes
from penchant.models.recommender import VectorRecommender, known, zero_unknown


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
