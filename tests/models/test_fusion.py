# SPDX-License-Identifier: Apache-2.0
"""Fusions: what they start as, that what is missing says nothing, and that each can learn what it is for."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from penchant.models.fusion import FUSIONS, Attention

N, P, D = 6, 3, 8


def parts(seed=0, n=N):
    torch.manual_seed(seed)
    there = torch.rand(n, P) < 0.6
    there[0], there[1] = True, False
    return torch.randn(n, P, D) * there[:, :, None], there


def made(kind, seed=0):
    torch.manual_seed(seed)
    return FUSIONS[kind](P, D)


def stirred(kind):
    """One whose every parameter says something."""
    fusion = made(kind)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return fusion


@pytest.mark.parametrize("kind", sorted(FUSIONS.keys() - {"attention"}))
def test_it_starts_as_the_sum(kind):
    given, there = parts()
    torch.testing.assert_close(made(kind)(given, there), given.sum(1))


def test_attention_starts_as_the_mean_of_what_is_there():
    given, there = parts()
    wanted = given.sum(1) / there.sum(1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(made("attention")(given, there), wanted)


@pytest.mark.parametrize("dim", [6, 7])
def test_attention_has_as_many_heads_as_divide_the_size(dim):
    fusion = Attention(P, dim)
    assert dim % fusion.heads == 0
    assert fusion(torch.randn(N, P, dim), torch.ones(N, P, dtype=torch.bool)).shape == (N, dim)


@pytest.mark.parametrize("kind", sorted(FUSIONS))
def test_with_nothing_there_it_is_finite_and_the_same_for_all(kind):
    fusion = stirred(kind)
    found = fusion(torch.zeros(4, P, D, requires_grad=True), torch.zeros(4, P, dtype=torch.bool))
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.equal(found, found[:1].expand(4, -1))
    assert all(torch.isfinite(p.grad).all() for p in fusion.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", sorted(FUSIONS))
def test_an_item_is_fused_by_itself(kind):
    fusion = stirred(kind)
    given, there = parts()
    torch.testing.assert_close(fusion(given, there)[2:4], fusion(given[2:4], there[2:4]))


@pytest.mark.parametrize("kind", ["concat", "gated", "attention"])
def test_that_a_part_is_missing_is_told_from_its_being_zero(kind):
    fusion = stirred(kind)
    given, there = parts()
    given[0, 2] = 0
    absent = there.clone()
    absent[0, 2] = False
    assert not torch.allclose(fusion(given, there)[0], fusion(given, absent)[0])


def taught(kind, target, steps=400):
    """How much of the target's variance is left after some steps."""
    fusion = made(kind)
    optimiser = torch.optim.Adam(fusion.parameters(), lr=0.01)
    torch.manual_seed(1)
    given, there = torch.randn(512, P, D), torch.ones(512, P, dtype=torch.bool)
    wanted = target(given, there)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = functional.mse_loss(fusion(given, there), wanted)
        loss.backward()
        optimiser.step()
    return float(loss.detach() / wanted.var())


def one_part(given, there):
    return given[:, 1]


def product(given, there):
    return given.sum(1) + given[:, :1, :1].squeeze(1) * given[:, 1]


@pytest.mark.parametrize("kind", ["gated", "attention"])
def test_a_part_that_says_nothing_is_silenced(kind):
    assert taught(kind, one_part) < 0.1


@pytest.mark.parametrize("kind", ["bilinear", "concat", "gated"])
def test_products_are_learned_where_a_sum_cannot(kind):
    # A quarter of the variance is the product's.
    assert taught(kind, product) < 0.15
