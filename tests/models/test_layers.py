# SPDX-License-Identifier: Apache-2.0
"""Building blocks: masks, embeddings of features and content, and a block that cannot see ahead."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import ContentSize
from penchant.models import attention, layers
from penchant.models.layers import CausalBlock, Dropout, FeatureEmbedding, keep_mask
from penchant.models.readers import ContentProjection


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_keep_mask_drops_its_share_everywhere(rate):
    mask = keep_mask(torch.Size([400, 80]), rate)
    assert mask.dtype == torch.bool
    assert mask.shape == (400, 80)
    assert abs(float(mask.float().mean()) - (1 - rate)) < 0.02
    assert (mask.float().mean(0) - (1 - rate)).abs().max() < 0.15


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4)])
def test_keep_mask_of_any_shape(shape):
    assert keep_mask(torch.Size(shape), 0.5).shape == shape
    assert keep_mask(torch.Size(shape), 0.0).all()


def test_keep_mask_follows_the_seed():
    first = keep_mask(torch.Size([100]), 0.5)
    assert not torch.equal(first, keep_mask(torch.Size([100]), 0.5))
    torch.manual_seed(0)
    assert torch.equal(first, keep_mask(torch.Size([100]), 0.5))


@pytest.mark.parametrize("rate", [0.25, 0.999])
def test_dropout_keeps_the_mean(rate):
    found = Dropout(rate)(torch.ones(400, 500))
    assert abs(float(found.mean()) - 1) < 0.1
    assert len(found.unique()) == 2
    assert float(found.min()) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_keeps_the_type(dtype):
    assert Dropout(0.5)(torch.ones(9, dtype=dtype)).dtype == dtype


def test_dropout_is_off_when_evaluated_or_zero():
    x = torch.randn(20)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_features_are_summed_and_absent_ones_add_nothing():
    layer = FeatureEmbedding({"genre": 4, "tags": 5, "year": 0}, 6)
    genre, tags, year = layer.tables
    features = {
        "genre": torch.tensor([2, 0]),
        "tags": torch.tensor([[2, 4, 0], [0, 0, 0]]),
        "year": torch.tensor([1.5, 0.0]),
    }
    found = layer(features)
    wanted = genre.weight[2] + (tags.weight[2] + tags.weight[4]) / 2 + 1.5 * year.weight[:, 0]
    torch.testing.assert_close(found[0], wanted)
    assert not found[1].any()


def test_content_is_projected_and_absent_ones_add_nothing():
    layer = ContentProjection({"title": ContentSize.vector(3), "plot": ContentSize.vector(2)}, 4)
    title = torch.tensor([[1.0, 2, 3], [0, 0, 0]])
    content = {"title": (title, title.any(1)), "plot": (torch.zeros(2, 2), torch.zeros(2).bool())}
    found = layer(content)
    torch.testing.assert_close(found[0], layer.projections[0](title[0]))
    assert not found[1].any()


@pytest.mark.parametrize("layer", [FeatureEmbedding({}, 4), ContentProjection({}, 4)])
def test_no_columns_add_nothing(layer):
    assert layer({}) == 0.0
    assert not list(layer.parameters())


@pytest.mark.parametrize("heads", [1, 4])
def test_a_block_does_not_see_ahead(heads):
    block = CausalBlock(8, heads, 16, 0.0)
    x = torch.randn(2, 6, 8)
    changed = x.clone()
    changed[:, 4:] += 5
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_both_ways_of_attention_are_one(monkeypatch):
    block = CausalBlock(8, 2, 16, 0.0)
    x = torch.randn(3, 6, 8, requires_grad=True)
    plain = block(x)
    monkeypatch.setattr(attention, "_SHORT", 5)
    fused = block(x)
    torch.testing.assert_close(plain, fused)
    sums = (torch.autograd.grad((found**2).sum(), x)[0] for found in (plain, fused))
    torch.testing.assert_close(*sums)


def test_a_block_sees_what_came_before():
    block = CausalBlock(8, 2, 16, 0.0)
    x = torch.randn(1, 6, 8)
    changed = x.clone()
    changed[:, 0] = torch.randn(8)
    assert not torch.allclose(block(x)[:, 5], block(changed)[:, 5])


def test_a_block_of_nobody():
    assert CausalBlock(8, 2, 16, 0.0)(torch.zeros(0, 3, 8)).shape == (0, 3, 8)


@pytest.mark.parametrize("length", [1, 7, 40])
def test_a_block_at_one_position_is_what_the_whole_block_gives_there(length):
    torch.manual_seed(3)
    block = layers.CausalBlock(8, 2, 16, 0.5).eval()
    x, ends = torch.randn(5, length, 8), torch.randint(length, (5,))
    torch.testing.assert_close(block.at(x, ends), block(x)[torch.arange(5), ends])
    assert block.at(x[:0], ends[:0]).shape == (0, 8)


def test_whoever_has_a_word_that_training_saw_is_told_of():
    embedding = FeatureEmbedding({"job": 5, "age": 0, "tags": 6}, 4)
    features = {
        "job": torch.tensor([0, 1, 2, 0, 0, 0]),
        "age": torch.tensor([0.0, 0.0, 0.0, -0.1, 0.0, 0.0]),
        "tags": torch.tensor([[0, 0], [0, 0], [0, 0], [0, 0], [1, 0], [1, 3]]),
    }
    assert embedding.told(features).tolist() == [False, False, True, True, False, True]
