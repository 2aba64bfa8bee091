# SPDX-License-Identifier: Apache-2.0
"""Balances: losses of very different sizes, and what becomes of them."""

from __future__ import annotations

import pytest
import torch

from penchant.rank.balance import KINDS, Fixed, GradientNorm, Uncertainty
from penchant.rank.tasks import TaskConfig

TASKS = (
    TaskConfig(name="click", weight=2.0),
    TaskConfig(name="dwell", kind="regression", of="dwell"),
)


def test_fixed_is_the_weighted_sum():
    assert Fixed(TASKS)(torch.tensor([3.0, 5.0]), torch.zeros(1)) == 11.0


def test_uncertainty_is_what_the_paper_says():
    balance = Uncertainty(TASKS)
    with torch.no_grad():
        balance.log_variance.copy_(torch.tensor([1.0, -2.0]))
    wanted = 2 * (3 * torch.exp(torch.tensor(-1.0)) + 0.5) + (0.5 * 5 * torch.exp(torch.tensor(2.0)) - 1)
    assert balance(torch.tensor([3.0, 5.0]), torch.zeros(1)).item() == pytest.approx(wanted.item())


def test_uncertainty_learns_the_variance():
    balance = Uncertainty(TASKS[1:])
    optimiser = torch.optim.Adam(balance.parameters(), lr=0.3)
    for _ in range(120):
        optimiser.zero_grad()
        balance(torch.tensor([4.0]), torch.zeros(1)).backward()
        optimiser.step()
    # The least of exp(-s) * 4 / 2 + s / 2 is where exp(s) = 4.
    assert balance.log_variance.exp().item() == pytest.approx(4.0, rel=0.02)


def test_gradient_norm_makes_gradients_equally_long():
    balance = GradientNorm(TASKS)
    shared = torch.randn(5, 3, requires_grad=True)

    def losses():
        return torch.stack([100 * shared[:, 0].square().sum(), 0.01 * shared[:, 1].square().sum()])

    def length(task):
        unit = torch.zeros(2)
        unit[task] = 1
        found = torch.autograd.grad((balance(losses(), shared) * 1.0), shared, retain_graph=True)[0]
        return found[:, task].norm()

    # The first task weighs twice as much in the run file.
    assert float(length(0) / length(1)) == pytest.approx(2.0, rel=1e-4)


def test_a_batch_without_a_task_changes_nothing_of_its_mean():
    balance, shared = GradientNorm(TASKS), torch.ones(2, requires_grad=True)
    balance(torch.stack([shared.sum(), 3 * shared.sum()]), shared)
    before = balance.mean.clone()
    balance(torch.stack([shared.sum(), shared.sum() * 0]), shared)
    assert balance.mean[1] == before[1]
    assert balance(torch.stack([shared.sum(), torch.zeros(())]), shared).isfinite()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_learn_is_finite(kind):
    assert KINDS[kind](TASKS)(torch.zeros(2), torch.zeros(1)).isfinite()
