# SPDX-License-Identifier: Apache-2.0
"""Attention that cannot see ahead, against its formula written out; and what it is told of distances."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from penchant.models import attention
from penchant.models.attention import RelativeBias, causal_attention, pointwise_attention


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def inputs(length=7, shared=True):
    q, k, v = (torch.randn(3, 2, length, 4, requires_grad=True) for _ in range(3))
    return q, k, v, torch.randn(1 if shared else 3, 2, length, length, requires_grad=True)


def written_out(q, k, v, bias, weigh):
    """Position by position, from what lies behind it alone."""
    scores = q @ k.transpose(2, 3) / q.shape[3] ** 0.5
    scores = scores if bias is None else scores + bias
    ends = range(q.shape[2])
    return torch.stack(
        [(weigh(scores[:, :, n, : n + 1])[:, :, None] @ v[:, :, : n + 1]).squeeze(2) for n in ends], 2
    )


def softmax(scores):
    return scores.softmax(-1)


def pointwise(scores):
    return functional.silu(scores) / scores.shape[-1]


BOTH = pytest.mark.parametrize(
    ("function", "weigh"), [(causal_attention, softmax), (pointwise_attention, pointwise)]
)


@BOTH
@pytest.mark.parametrize("rows", [1, 3, 64])
@pytest.mark.parametrize("shared", [None, True, False])
def test_it_is_its_formula_however_many_rows_are_computed_at_once(monkeypatch, function, weigh, rows, shared):
    monkeypatch.setattr(attention, "_ROWS", rows)
    q, k, v, bias = inputs(shared=bool(shared))
    bias = None if shared is None else bias
    given = [one for one in (q, k, v, bias) if one is not None]
    found, wanted = function(q, k, v, bias), written_out(q, k, v, bias, weigh)
    torch.testing.assert_close(found, wanted)
    pull = torch.randn_like(wanted)
    for one, other in zip(
        torch.autograd.grad(found, given, pull), torch.autograd.grad(wanted, given, pull), strict=True
    ):
        torch.testing.assert_close(one, other)


@BOTH
def test_it_is_the_same_where_nothing_is_learned(function, weigh):
    q, k, v, _ = inputs()
    with torch.no_grad():
        torch.testing.assert_close(function(q, k, v), written_out(q, k, v, None, weigh))


@BOTH
def test_it_stays_in_float32(function, weigh):
    q, k, v, bias = inputs()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = function(q.bfloat16(), k.bfloat16(), v.bfloat16(), bias)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, written_out(q, k, v, bias, weigh), rtol=0.05, atol=0.05)


def test_pointwise_weights_tell_how_much_there_was():
    """Twice the same key beside an empty one: a softmax sees proportions, here each counts for itself."""
    q, v = torch.ones(1, 1, 3, 1), torch.ones(1, 1, 3, 1)
    k = torch.tensor([1.0, 1.0, 0.0]).view(1, 1, 3, 1)
    silu = float(functional.silu(torch.ones(())))
    assert pointwise_attention(q, k, v).flatten().tolist() == pytest.approx([silu, silu, 2 * silu / 3])
    assert causal_attention(q, k, v).flatten().tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("gaps", [False, True])
def test_relative_bias_is_the_sum_of_two_tables(gaps):
    layer = RelativeBias(2, 5, 3)
    assert not any(table.any() for table in layer.parameters())
    for table in layer.parameters():
        torch.nn.init.normal_(table)
    places = torch.randint(5, (1, 4, 6))
    since = torch.randint(3, (3, 4, 6)) if gaps else None
    found = layer(places, since)
    assert found.shape == (3 if gaps else 1, 2, 4, 6)
    wanted = functional.embedding(places, layer.places.weight)
    if since is not None:
        wanted = wanted + functional.embedding(since, layer.gaps.weight)
    wanted = wanted.movedim(-1, 1)
    torch.testing.assert_close(found, wanted)
    tables, pull = [layer.places.weight, layer.gaps.weight][: 1 + gaps], torch.randn_like(wanted)
    for one, other in zip(
        torch.autograd.grad(found, tables, pull), torch.autograd.grad(wanted, tables, pull), strict=True
    ):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other)
