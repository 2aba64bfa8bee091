# SPDX-License-Identifier: Apache-2.0
"""HSTU: its block against the paper's formula, and what only a model that knows order and time can learn."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from penchant.batch import Sizes
from penchant.models.hstu import HSTU, HSTUBlock, SwiGLU


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def network(**choices):
    return HSTU(HSTU.Config(**choices), Sizes(items=9, users=5, actions=3))


def test_a_block_is_the_formula_of_the_paper():
    block, x, bias = HSTUBlock(6, 2, 0, 0.3).eval(), torch.randn(2, 4, 6), torch.randn(1, 2, 4, 4)
    u, q, k, v = functional.silu(block.inward(block.norm_attention(x))).split(6, -1)
    mixed = torch.zeros(2, 4, 6)
    for head in (0, 1):
        part = slice(3 * head, 3 * head + 3)
        scores = q[..., part] @ k[..., part].transpose(1, 2) / 3**0.5 + bias[0, head]
        seen = torch.ones(4, 4).tril()
        mixed[..., part] = (functional.silu(scores) * seen / seen.sum(1, keepdim=True)) @ v[..., part]
    wanted = x + block.outward(block.norm_mixed(mixed) * u)
    torch.testing.assert_close(block(x, bias), wanted)


@pytest.mark.parametrize("inner", [0, 5])
@pytest.mark.parametrize("length", [1, 7, 70])
@pytest.mark.parametrize("shared", [None, True, False])
def test_a_block_at_one_position_is_what_the_whole_block_gives_there(inner, length, shared):
    block = HSTUBlock(8, 2, inner, 0.5).eval()
    x, ends, users = torch.randn(5, length, 8), torch.randint(length, (5,)), torch.arange(5)
    bias = None if shared is None else torch.randn(1 if shared else 5, 2, length, length)
    nearest = None if bias is None else bias.expand(5, -1, -1, -1)[users, :, ends]
    torch.testing.assert_close(block.at(x, ends, nearest), block(x, bias)[users, ends])
    assert block.at(x[:0], ends[:0]).shape == (0, 8)


def test_a_block_does_not_see_ahead():
    block, x = HSTUBlock(8, 2, 4, 0.0), torch.randn(2, 70, 8)
    changed = x.clone()
    changed[:, 66:] += 5
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :66], after[:, :66])
    assert not torch.allclose(before[:, 66:], after[:, 66:])


def test_the_network_behind_is_gated():
    layer, x = SwiGLU(3, 4), torch.randn(2, 3)
    gate, inner = layer.expand(layer.norm(x)).split(4, -1)
    torch.testing.assert_close(layer(x), layer.contract(gate * torch.sigmoid(gate) * inner))


@pytest.mark.parametrize("inner", [0, 16])
def test_the_names_of_its_tensors(inner):
    found = set(network(blocks=1, inner_size=inner).state())
    of_block = {name.removeprefix("blocks.0.") for name in found if name.startswith("blocks.")}
    linear = ["norm_attention", "inward", "norm_mixed", "outward"]
    linear += ["behind.norm", "behind.expand", "behind.contract"] if inner else []
    assert of_block == {f"{name}.{part}" for name in linear for part in ("weight", "bias")}


def test_it_sees_distances_unless_told_otherwise():
    assert len(network(blocks=3).relative) == 3
    assert not len(network(use_relative=False).relative)
