# SPDX-License-Identifier: Apache-2.0
"""How tasks share what is known of a case: one network for all, or experts that each task mixes as it likes.

Shape legend: C cases, I size of the input, O size of an expert's output, T tasks, E experts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from penchant.models.layers import Dropout

if TYPE_CHECKING:
    from collections.abc import Callable

Sharing = Literal["shared_bottom", "mmoe", "ple"]


class Experts(nn.Module, ABC):
    """What each task sees of a case."""

    @abstractmethod
    def forward(self, x_CI: Tensor) -> Tensor:
        """[T, C, O]."""


class Expert(nn.Sequential):
    """A small network: one hidden layer, and an output that is cut off below zero."""

    def __init__(self, size: int, out: int, dropout: float) -> None:
        super().__init__(nn.Linear(size, out), nn.ReLU(), Dropout(dropout), nn.Linear(out, out), nn.ReLU())


class SharedBottom(Experts):
    """One network for all tasks (Caruana, Machine Learning 28, 1997)."""

    def __init__(self, size: int, out: int, tasks: int, experts: int, dropout: float) -> None:
        super().__init__()
        self.tasks = tasks
        # As wide as the experts together would be: the comparison is fair.
        self.bottom = nn.Sequential(Expert(size, out * experts, dropout), nn.Linear(out * experts, out), nn.ReLU())

    def forward(self, x_CI: Tensor) -> Tensor:
        """[T, C, O], the same for every task."""
        shared: Tensor = self.bottom(x_CI)
        return shared.expand(self.tasks, -1, -1)


class MMoE(Experts):
    """Experts for all, and for each task a gate that weighs them case by case.

    Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
    """

    def __init__(self, size: int, out: int, tasks: int, experts: int, dropout: float) -> None:
        super().__init__()
        self.experts = nn.ModuleList(Expert(size, out, dropout) for _ in range(experts))
        self.gate_layers = nn.ModuleList(nn.Linear(size, experts) for _ in range(tasks))

    def gates(self, x_CI: Tensor) -> Tensor:
        """[T, C, E]: how much of each expert each task takes; they sum to 1."""
        return torch.stack([gate(x_CI).softmax(-1) for gate in self.gate_layers])

    def forward(self, x_CI: Tensor) -> Tensor:
        """[T, C, O]."""
        said_CEO = torch.stack([expert(x_CI) for expert in self.experts], 1)
        return torch.einsum("tce,ceo->tco", self.gates(x_CI), said_CEO)


class PLE(Experts):
    """Experts of each task's own beside those for all, in one or more layers.

    Tang et al., "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized
    Recommendations", RecSys 2020. A task's gate sees its own experts and the shared ones, never another's. Of the
    experts half, rounded up, are shared, and each task has as many as are left, at least one.
    """

    def __init__(self, size: int, out: int, tasks: int, experts: int, dropout: float, layers: int = 1) -> None:
        super().__init__()
        shared = (experts + 1) // 2
        own = max(experts - shared, 1)
        self.layers = nn.ModuleList(
            _Extraction(out if layer else size, out, tasks, (shared, own), dropout, last=layer == layers - 1)
            for layer in range(layers)
        )

    def forward(self, x_CI: Tensor) -> Tensor:
        """[T, C, O]."""
        tasks = len(next(iter(self.layers)).own)  # type: ignore[arg-type]
        inputs = [x_CI] * (tasks + 1)
        for layer in self.layers:
            inputs = layer(inputs)
        return torch.stack(inputs[:tasks])


class _Extraction(nn.Module):
    """One layer: of each task's input and of the shared one (the last of the list) the next ones are made."""

    def __init__(
        self, size: int, out: int, tasks: int, experts: tuple[int, int], dropout: float, *, last: bool
    ) -> None:
        super().__init__()
        shared, own = experts
        self.shared = nn.ModuleList(Expert(size, out, dropout) for _ in range(shared))
        self.own = nn.ModuleList(
            nn.ModuleList(Expert(size, out, dropout) for _ in range(own)) for _ in range(tasks)
        )
        gates = [nn.Linear(size, shared + own) for _ in range(tasks)]
        # Nobody asks the shared part of the last layer.
        gates += [] if last else [nn.Linear(size, shared + own * tasks)]
        self.gates = nn.ModuleList(gates)

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        """Of [C, I] for each task and for all, [C, O] for each task and, unless it is the last layer, for all."""
        shared = [expert(inputs[-1]) for expert in self.shared]
        own = [
            [expert(x) for expert in group]  # type: ignore[attr-defined]
            for x, group in zip(inputs[:-1], self.own, strict=True)
        ]
        offered = [mine + shared for mine in own]
        offered.append([said for mine in own for said in mine] + shared)
        return [
            torch.einsum("ce,ceo->co", gate(x).softmax(-1), torch.stack(said, 1))
            for gate, x, said in zip(self.gates, inputs, offered, strict=False)
        ]


KINDS: dict[Sharing, Callable[[int, int, int, int, float], Experts]] = {
    "shared_bottom": SharedBottom,
    "mmoe": MMoE,
    "ple": PLE,
}
