# SPDX-License-Identifier: Apache-2.0
"""How the losses of several tasks become one, so that none drowns another.

Shape legend: T tasks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.rank.tasks import TaskConfig

Balancing = Literal["fixed", "uncertainty", "gradient_norm"]

_REMEMBERED = 0.9
"""Share of the old mean of a gradient's length that survives a step."""
_FARTHEST = 5.0
"""A learned log-variance stays within this of 0: a loss near 0 would send it off without end."""


class Balance(nn.Module, ABC):
    """Makes one loss of several. It may learn, with the network.

    Args:
        tasks: in the order of the losses.
    """

    weights: Tensor

    def __init__(self, tasks: Sequence[TaskConfig]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor([task.weight for task in tasks]), persistent=False)

    @abstractmethod
    def forward(self, losses_T: Tensor, shared: Tensor) -> Tensor:
        """A scalar.

        Args:
            losses_T: one of each task.
            shared: what all tasks are foretold from; gradients reach it.
        """


class Fixed(Balance):
    """The weights of the run file."""

    def forward(self, losses_T: Tensor, shared: Tensor) -> Tensor:  # noqa: ARG002 - one call for all
        """A scalar."""
        return (self.weights * losses_T).sum()


class Uncertainty(Balance):
    """Each loss is divided by a variance that is learned.

    Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
    Semantics", CVPR 2018: of a squared error half of it over the variance, of a cross-entropy all of it, and half
    the log-variance on top.
    """

    shares: Tensor

    def __init__(self, tasks: Sequence[TaskConfig]) -> None:
        super().__init__(tasks)
        self.log_variance = nn.Parameter(torch.zeros(len(tasks)))
        shares = torch.tensor([1.0 if task.kind == "binary" else 0.5 for task in tasks])
        self.register_buffer("shares", shares, persistent=False)

    def forward(self, losses_T: Tensor, shared: Tensor) -> Tensor:  # noqa: ARG002 - one call for all
        """A scalar."""
        held = self.log_variance.clamp(-_FARTHEST, _FARTHEST)
        return (self.weights * (self.shares * torch.exp(-held) * losses_T + held / 2)).sum()


class GradientNorm(Balance):
    """Each loss counts so that its gradient at what all tasks share is as long as the others'.

    The aim of Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask
    Networks", ICML 2018 (their alpha = 0). Where they approach it step by step, the lengths' moving averages are
    set equal outright, as He et al. do ("MetaBalance", WWW 2022).
    """

    mean: Tensor

    def __init__(self, tasks: Sequence[TaskConfig]) -> None:
        super().__init__(tasks)
        self.register_buffer("mean", torch.zeros(len(tasks)), persistent=False)

    def forward(self, losses_T: Tensor, shared: Tensor) -> Tensor:
        """A scalar."""
        lengths = torch.stack([_length(loss, shared) for loss in losses_T])
        seen = lengths > 0  # a batch may lack a task
        old = torch.where(self.mean > 0, self.mean, lengths)
        self.mean = torch.where(seen, _REMEMBERED * old + (1 - _REMEMBERED) * lengths, self.mean)
        there = self.mean > 0
        target = self.mean[there].mean() if bool(there.any()) else self.mean.sum()
        factors = torch.where(there, target / self.mean.clamp(min=1e-12), 1.0)
        return (self.weights * factors * losses_T).sum()


def _length(loss: Tensor, shared: Tensor) -> Tensor:
    """A scalar: the length of the loss's gradient, with respect to what all tasks share."""
    if not loss.requires_grad or not shared.requires_grad:
        return torch.zeros(())
    (gradient,) = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True, materialize_grads=True)
    length: Tensor = gradient.detach().norm().float()
    return length


KINDS: dict[Balancing, type[Balance]] = {
    "fixed": Fixed,
    "uncertainty": Uncertainty,
    "gradient_norm": GradientNorm,
}
