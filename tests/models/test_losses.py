# SPDX-License-Identifier: Apache-2.0
"""The losses against PyTorch's own or the plain formula, value and gradients."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch.nn import functional

from penchant.models import losses
from penchant.models.losses import bpr, gbce, sampled_softmax, sampled_softmax_by_owner, softmax_cross_entropy
from penchant.models.negatives import Drawn, Negatives


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


@pytest.mark.parametrize("smoothing", [0.1, 0.7])
def test_label_smoothing_is_pytorchs(smoothing):
    hidden, table, targets = inputs(17, 9, 6, torch.float64)
    ours = softmax_cross_entropy(hidden, table, targets, smoothing=smoothing)
    theirs = functional.cross_entropy(hidden @ table.T, targets, label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(*(torch.autograd.grad(loss, (hidden, table)) for loss in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b)


def test_a_second_derivative_is_refused_and_not_wrong():
    hidden, table, targets = inputs(5, 4, 3, torch.float64)
    loss = softmax_cross_entropy(hidden, table, targets) ** 2
    (first,) = torch.autograd.grad(loss, hidden, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def drawn(rows, log_count=0.0):
    rows = torch.as_tensor(rows)
    return Drawn(rows=rows, log_count=torch.zeros(rows.shape, dtype=torch.float64) + log_count)


SEVERAL = torch.tensor([[0, 1, 1], [2, 2, 3], [4, 0, 0]])
"""Targets: 1 comes twice, 2 comes twice, and of the last row only 4 counts."""
SHARES = torch.tensor([[0.5, 0.25, 0.25], [0.4, 0.4, 0.2], [1.0, 0.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize("shared", [True, False])
def test_a_softmax_over_all_items_as_negatives_is_the_full_one(shared):
    hidden, table, targets = inputs(3, 6, 4, torch.float64)
    everything = torch.arange(6) if shared else torch.stack([torch.randperm(6) for _ in range(3)])
    for given in ((targets, None), (SEVERAL, SHARES)):
        ours = sampled_softmax(hidden, table, given[0], drawn(everything), given[1])
        theirs = softmax_cross_entropy(hidden, table, *given)
        torch.testing.assert_close(ours, theirs)
        for a, b in zip(*(torch.autograd.grad(loss, (hidden, table)) for loss in (ours, theirs)), strict=True):
            torch.testing.assert_close(a, b)


def test_the_sampled_denominator_is_right_in_expectation():
    """All 125 draws of three out of five items, each as likely as it is: their mean is the full denominator."""
    hidden, table, _ = inputs(1, 5, 3, torch.float64)
    target = torch.tensor([2])
    chances = torch.tensor([0.4, 0.1, 0.2, 0.25, 0.05], dtype=torch.float64)
    wanted = (hidden @ table[2]).exp()
    expected = 0.0
    for rows in product(range(5), repeat=3):
        picked = drawn(list(rows), (3 * chances[list(rows)]).log())
        denominator = sampled_softmax(hidden, table, target, picked).exp() * wanted
        expected += denominator * chances[list(rows)].prod()
    torch.testing.assert_close(expected.sum(), (hidden @ table.T).exp().sum())


def gradients(loss, table, hidden):
    return torch.cat([grad.flatten() for grad in torch.autograd.grad(loss, (hidden, table))])


@pytest.mark.parametrize("kind", ["uniform", "popularity", "in_batch", "mixed"])
def test_the_correction_leads_to_the_gradient_of_the_full_softmax(kind):
    """With many draws the gradient is the full one, though popular items are drawn far more often."""
    torch.manual_seed(0)
    hidden, table, _ = inputs(1, 6, 3, torch.float64)
    target, events = torch.tensor([1]), torch.tensor([1, 60, 3, 10, 6, 20])
    batch = torch.repeat_interleave(torch.arange(6), 1000 * events)
    picked = Negatives(kind, 100_000, events).draw(batch)
    full = gradients(softmax_cross_entropy(hidden, table, target), table, hidden)
    ours = gradients(sampled_softmax(hidden, table, target, picked), table, hidden)
    torch.testing.assert_close(ours, full, rtol=0.05, atol=0.02)
    if kind != "uniform":
        plain = gradients(sampled_softmax(hidden, table, target, drawn(picked.rows)), table, hidden)
        assert (plain - full).abs().max() > 0.1


OWNERS = torch.tensor([0, 0, 0, 2, 2])
"""Position 1 has no target."""


def test_positions_with_many_targets_learn_as_if_each_target_had_its_own():
    """Targets that are drawn once, twice and never, and one that its position puts far above the rest."""
    hidden, table, _ = inputs(3, 6, 4, torch.float64)
    targets, picked = (
        torch.tensor([1, 2, 3, 1, 5]),
        drawn([0, 1, 2, 2, 5, 4], torch.tensor([-1.0, 0, 0.5, 0.5, 2, 3])),
    )
    ours = sampled_softmax_by_owner(hidden, table, targets, OWNERS, picked)
    theirs = sampled_softmax(hidden[OWNERS], table, targets, picked)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(ours, table, hidden), gradients(theirs, table, hidden))


def test_a_target_that_is_all_of_the_sum_loses_nothing():
    hidden = torch.tensor([[30.0]], requires_grad=True)
    table = torch.tensor([[1.0], [-1.0]], requires_grad=True)
    target, owner = torch.tensor([0]), torch.tensor([0])
    loss = sampled_softmax_by_owner(hidden, table, target, owner, drawn([0, 1]))
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    assert gradients(loss, table, hidden).abs().max() < 1e-3


@pytest.mark.parametrize("shared", [True, False])
def test_binary_cross_entropy_by_hand(shared):
    hidden, table, _ = inputs(3, 6, 4, torch.float64)
    rows = torch.tensor([0, 4, 5, 5]) if shared else torch.tensor([[0, 4, 5, 5], [1, 1, 0, 0], [3, 2, 1, 0]])
    found = gbce(hidden, table, SEVERAL, drawn(rows), SHARES, n_items=11, calibration=0.75)
    alpha = 4 / 10
    power = alpha * (0.75 * (1 - 1 / alpha) + 1 / alpha)
    logits = (hidden @ table.T).tolist()
    total = 0.0
    for t, line in enumerate(logits):
        for m in range(3):
            total -= power * SHARES[t, m].item() * math.log(1 / (1 + math.exp(-line[SEVERAL[t, m]])))
        targets = {int(row) for row, share in zip(SEVERAL[t], SHARES[t], strict=True) if share}
        for row in (rows if shared else rows[t]).tolist():
            total -= math.log(1 - 1 / (1 + math.exp(-line[row]))) if row not in targets else 0.0
    assert found.item() == pytest.approx(total / 3 / 5)
    assert torch.autograd.gradcheck(
        lambda h, t: gbce(h, t, SEVERAL, drawn(rows), SHARES, n_items=11, calibration=0.75), (hidden, table)
    )


def test_without_calibration_gbce_is_pytorchs_binary_cross_entropy():
    hidden, table, _ = inputs(1, 6, 4, torch.float64)
    logits = (hidden @ table.T)[0]
    ours = gbce(hidden, table, torch.tensor([2]), drawn([0, 1, 5]), n_items=6, calibration=0.0)
    labels = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(ours, functional.binary_cross_entropy_with_logits(logits[[2, 0, 1, 5]], labels))


def test_calibrated_gbce_learns_probabilities():
    """At its minimum the sigmoid of a score is the item's probability, as the paper proves."""
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    scores = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([scores], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def expected():
        # Over all targets, as likely as they are, and one negative drawn among the three others.
        optimiser.zero_grad()
        loss = sum(
            chances[target]
            / 3
            * gbce(
                scores, torch.eye(4).double(), torch.tensor([target]), drawn([other]), n_items=4, calibration=1.0
            )
            for target, other in product(range(4), repeat=2)
            if target != other
        )
        loss.backward()
        return loss

    optimiser.step(expected)
    torch.testing.assert_close(scores.sigmoid()[0].detach(), chances, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shared", [True, False])
def test_pairwise_ranking_by_hand(shared):
    hidden, table, _ = inputs(3, 6, 4, torch.float64)
    rows = torch.tensor([0, 4, 5, 5]) if shared else torch.tensor([[0, 4, 5, 5], [1, 1, 0, 0], [3, 2, 1, 0]])
    found = bpr(hidden, table, SEVERAL, drawn(rows), SHARES)
    logits = (hidden @ table.T).tolist()
    total = 0.0
    for t, line in enumerate(logits):
        targets = {int(row) for row, share in zip(SEVERAL[t], SHARES[t], strict=True) if share}
        others = [row for row in (rows if shared else rows[t]).tolist() if row not in targets]
        for m in range(3):
            beats = [math.log(1 + math.exp(line[row] - line[SEVERAL[t, m]])) for row in others]
            total += SHARES[t, m].item() * sum(beats) / len(others)
    assert found.item() == pytest.approx(total / 3)
    assert torch.autograd.gradcheck(lambda h, t: bpr(h, t, SEVERAL, drawn(rows), SHARES), (hidden, table))


def test_a_position_whose_negatives_are_all_targets_loses_nothing_against_them():
    hidden, table, _ = inputs(1, 4, 3, torch.float64)
    target, hit = torch.tensor([2]), drawn([2, 2])
    assert bpr(hidden, table, target, hit).item() == 0.0
    assert sampled_softmax(hidden, table, target, hit).item() == pytest.approx(0.0, abs=1e-12)
    only = gbce(hidden, table, target, hit, n_items=4, calibration=0.0)
    assert only.item() == pytest.approx(functional.softplus(-(hidden @ table[2])).item() / 3)


@pytest.mark.parametrize("loss", [sampled_softmax, bpr])
def test_no_positions_lose_nothing_against_negatives(loss):
    hidden, table, targets = inputs(0, 4, 3, torch.float64)
    assert loss(hidden, table, targets, drawn([1, 2])).item() == 0.0


def test_negatives_under_bfloat16_autocast_stay_near():
    hidden, table, targets = inputs(40, 11, 6, torch.float32)
    rows = torch.tensor([1, 2, 3, 8])
    for loss in (
        lambda: sampled_softmax(hidden, table, targets, Drawn(rows=rows, log_count=torch.zeros(4))),
        lambda: softmax_cross_entropy(hidden, table, targets, smoothing=0.2),
    ):
        exact = loss()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = loss()
        assert rough.dtype == torch.float32
        assert rough.item() == pytest.approx(exact.item(), rel=0.02)
