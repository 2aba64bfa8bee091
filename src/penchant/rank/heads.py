# SPDX-License-Identifier: Apache-2.0
"""From what each task sees of a case to what it foretells, and how wrong that was.

Shape legend: C cases, T tasks, O size of what a task sees, W what stands beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.rank.tasks import TaskConfig

_UNPLACED = 0.1
"""In training, how often the place is not told."""
_NEAREST = 1e-7
"""A log-probability stays this far below 0, so that the odds of what is certain are finite."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and deviation of a task's number over the cases that were learned from, after its logarithm."""

    mean: float = 0.0
    deviation: float = 1.0


class Heads(nn.Module):
    """One small tower for each task, and beside it a line through what the sources said.

    Args:
        tasks: what is foretold.
        size: O.
        beside: W.
        positions: the last place of a list that a case was ever shown at; 0 where none is known.
    """

    def __init__(self, tasks: Sequence[TaskConfig], size: int, beside: int, positions: int) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 1)) for _ in self.tasks
        )
        self.straight = nn.Linear(beside, len(self.tasks), bias=False)
        nn.init.zeros_(self.straight.weight)
        self.place = nn.Embedding(positions + 1, len(self.tasks), padding_idx=0)
        nn.init.zeros_(self.place.weight)

    def forward(self, seen_TCO: Tensor, beside_CW: Tensor, positions_C: Tensor | None) -> Tensor:
        """[C, T]: log-odds of binary tasks, standardised numbers of the others.

        How much more a place in a list is looked at is learned apart from the item that stood there, where the
        place is known: a tower of its own, added as in Zhao et al., "Recommending What Video to Watch Next",
        RecSys 2019. When an answer is asked for, it is not known.
        """
        towers = zip(self.towers, seen_TCO, strict=True)
        raw = torch.cat([tower(seen) for tower, seen in towers], 1) + self.straight(beside_CW)
        if positions_C is not None:
            if self.training:
                # Else the towers could be wrong all alike, and the places put it right.
                positions_C = positions_C * (torch.rand(len(positions_C)) >= _UNPLACED)
            binary = torch.tensor([task.kind == "binary" for task in self.tasks])
            places = self.place(positions_C.clamp(max=self.place.num_embeddings - 1))
            raw = raw + torch.where(binary, places, 0.0)
        return self._chained(raw.float())

    def _chained(self, raw_CT: Tensor) -> Tensor:
        """A task that comes after another is foretold over all cases, as the product of two probabilities.

        Ma et al., "Entire Space Multi-Task Model", SIGIR 2018: so what is bought is learned from what was merely
        shown too, and nothing is chosen by who clicked.
        """
        names = [task.name for task in self.tasks]
        found: list[Tensor] = []
        for task, raw in zip(self.tasks, raw_CT.unbind(1), strict=True):
            if task.after is None:
                found.append(raw)
                continue
            log = functional.logsigmoid(found[names.index(task.after)]) + functional.logsigmoid(raw)
            log = log.clamp(max=-_NEAREST)
            found.append(log - _log_of_the_rest(log))
        return torch.stack(found, 1)


def task_losses(
    tasks: Sequence[TaskConfig], levels: Sequence[Level], said_CT: Tensor, labels_CT: Tensor
) -> Tensor:
    """[T]: cross-entropy of each binary task, half the squared deviation of the others; 0 without cases."""
    losses = []
    for place, (task, level) in enumerate(zip(tasks, levels, strict=True)):
        there = ~labels_CT[:, place].isnan()
        said, came = said_CT[there, place], labels_CT[there, place]
        if not len(said):
            losses.append(said.sum())
        elif task.kind == "binary":
            losses.append(functional.binary_cross_entropy_with_logits(said, came))
        else:
            losses.append(functional.mse_loss(said, standardised(task, level, came)) / 2)
    return torch.stack(losses)


def standardised(task: TaskConfig, level: Level, numbers: Tensor) -> Tensor:
    """What a count or a regression learns, of numbers as they are; 0 is their mean."""
    return (_squeezed(task, numbers) - level.mean) / level.deviation


def restored(task: TaskConfig, level: Level, said: Tensor) -> Tensor:
    """Numbers as they are, of what a count or a regression says."""
    squeezed = said * level.deviation + level.mean
    if not task.logarithmic:
        return squeezed
    return squeezed.sign() * torch.expm1(squeezed.abs().clamp(max=math.log(1e12)))


def levels_of(tasks: Sequence[TaskConfig], labels_CT: Tensor) -> tuple[Level, ...]:
    """The level of each task over these cases."""
    return tuple(_level(task, labels) for task, labels in zip(tasks, labels_CT.unbind(1), strict=True))


def _level(task: TaskConfig, labels: Tensor) -> Level:
    there = _squeezed(task, labels[~labels.isnan()].double())
    if task.kind == "binary" or not len(there):
        return Level()
    deviation = float(there.std(correction=0))
    return Level(mean=float(there.mean()), deviation=deviation if deviation > 1e-9 else 1.0)


def _squeezed(task: TaskConfig, numbers: Tensor) -> Tensor:
    return numbers.sign() * torch.log1p(numbers.abs()) if task.logarithmic else numbers


def _log_of_the_rest(log: Tensor) -> Tensor:
    """log(1 - exp(x)) of x below 0, exact near both ends (Maechler, "Accurately computing log(1 - exp(-|a|))")."""
    near = log > -math.log(2)
    # Each branch is shown harmless numbers where the other one counts: a NaN there would spoil the gradient.
    small = torch.where(near, log, -1.0)
    large = torch.where(near, -1.0, log)
    return torch.where(near, torch.log(-torch.expm1(small)), torch.log1p(-torch.exp(large)))
