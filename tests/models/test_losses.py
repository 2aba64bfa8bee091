# SPDX-License-Identifier: Apache-2.0
"""softmax_cross_entropy against PyTorch's own, value and gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from penchant.models import losses
from penchant.models.losses import softmax_cross_entropy


def inputs(positions, items, dim, dtype, scale=1.0):
    chance = torch.Generator().manual_seed(positions * 1000 + items)
    hidden = (torch.randn(positions, dim, generator=chance, dtype=dtype) * scale).requires_grad_()
    table = torch.randn(items, dim, generator=chance, dtype=dtype).requires_grad_()
    targets = torch.randint(0, items, (positions,), generator=chance)
    return hidden, table, targets


def both(hidden, table, targets):
    """(value, gradient of hidden, gradient of table) of ours and of PyTorch's; the loss is weighted by 3."""
    ours = softmax_cross_entropy(hidden, table, targets)
    theirs = functional.cross_entropy(hidden @ table.T, targets)
    return [(loss.detach(), *torch.autograd.grad(3 * loss, (hidden, table))) for loss in (ours, theirs)]


@pytest.mark.parametrize("cells", [1, 50, 2**21])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize(("positions", "items"), [(1, 1), (1, 20), (17, 5), (40, 11)])
def test_equals_pytorch(monkeypatch, cells, dtype, tolerance, positions, items):
    monkeypatch.setattr(losses, "_CHUNK_CELLS", cells)
    ours, theirs = both(*inputs(positions, items, 6, dtype))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == dtype
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("cells", [1, 50, 2**21])
def test_shares_of_several_targets_are_soft_labels(monkeypatch, cells):
    monkeypatch.setattr(losses, "_CHUNK_CELLS", cells)
    hidden, table, _ = inputs(17, 9, 6, torch.float64)
    chance = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 9, (17, 3), generator=chance)  # the same one may come twice
    shares = torch.rand(17, 3, generator=chance, dtype=torch.float64).softmax(1)
    ours = softmax_cross_entropy(hidden, table, targets, shares)
    labels = torch.zeros(17, 9, dtype=torch.float64).scatter_add_(1, targets, shares)
    theirs = functional.cross_entropy(hidden @ table.T, labels)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(*(torch.autograd.grad(loss, (hidden, table)) for loss in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b)


def test_large_logits_do_not_overflow():
    ours, theirs = both(*inputs(30, 9, 6, torch.float32, scale=1e4))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.isfinite(a).all()
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-2)


def test_gradients_by_finite_differences():
    hidden, table, targets = inputs(5, 4, 3, torch.float64)
    assert torch.autograd.gradcheck(lambda h, t: softmax_cross_entropy(h, t, targets), (hidden, table))


def test_no_positions_lose_nothing():
    hidden, table, targets = inputs(0, 4, 3, torch.float32)
    loss = softmax_cross_entropy(hidden, table, targets)
    loss.backward()
    assert loss.item() == 0
    assert not table.grad.any()
    assert hidden.grad.shape == (0, 3)


def test_under_bfloat16_autocast_it_stays_near_and_finite():
    hidden, table, targets = inputs(40, 11, 6, torch.float32)
    exact = softmax_cross_entropy(hidden, table, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = softmax_cross_entropy(hidden, table, targets)
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)
    rough, fine = (torch.autograd.grad(value, (hidden, table)) for value in (loss, exact))
    for a, b in zip(rough, fine, strict=True):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a, b, rtol=0.05, atol=0.01)
