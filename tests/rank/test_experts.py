# SPDX-License-Identifier: Apache-2.0
"""Experts: shapes, gates that sum to one, and who sees whom."""

from __future__ import annotations

import pytest
import torch

from penchant.rank.experts import KINDS, PLE, MMoE, SharedBottom


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tasks", [1, 3])
def test_each_task_gets_its_own(kind, tasks):
    torch.manual_seed(0)
    made = KINDS[kind](5, 4, tasks, 3, 0.0)
    found = made(torch.randn(7, 5))
    assert found.shape == (tasks, 7, 4)
    assert (found >= 0).all()
    if tasks > 1:
        assert torch.equal(found[0], found[1]) == (kind == "shared_bottom")


def test_gates_of_mmoe_sum_to_one_and_mix_the_experts():
    torch.manual_seed(0)
    made, x = MMoE(5, 4, 2, 3, 0.0), torch.randn(6, 5)
    gates = made.gates(x)
    assert gates.shape == (2, 6, 3)
    assert torch.allclose(gates.sum(-1), torch.ones(2, 6))
    by_hand = sum(gates[1, :, e, None] * expert(x) for e, expert in enumerate(made.experts))
    assert torch.allclose(made(x)[1], by_hand, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_task_of_ple_reaches_its_own_experts_and_the_shared_ones(layers):
    torch.manual_seed(0)
    made = PLE(5, 4, 2, 4, 0.0, layers=layers)
    made(torch.randn(6, 5))[0].sum().backward()
    last = made.layers[-1]
    assert all(p.grad is None or not p.grad.any() for p in last.own[1].parameters())
    assert any(p.grad is not None and p.grad.any() for p in last.own[0].parameters())
    assert any(p.grad is not None and p.grad.any() for p in last.shared.parameters())
    if layers > 1:  # what lies below is shared by way of the shared part
        assert any(p.grad is not None and p.grad.any() for p in made.layers[0].own[1].parameters())


def test_every_weight_of_ple_is_reached():
    torch.manual_seed(0)
    made = PLE(5, 4, 2, 4, 0.0, layers=2)
    made(torch.randn(64, 5)).sum().backward()
    assert all(p.grad is not None for p in made.parameters())


def test_a_shared_bottom_is_as_wide_as_the_experts_together():
    made = SharedBottom(5, 4, 2, 3, 0.0)
    assert made.bottom[0][0].out_features == 12
