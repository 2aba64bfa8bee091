# SPDX-License-Identifier: Apache-2.0
"""From what a ranker says to what people can use: calibrated probabilities, and numbers in their own units.

Shape legend: C cases, T tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import torch

from penchant.rank.calibration import Calibration, Method, calibrate
from penchant.rank.heads import Level, restored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from penchant.rank.tasks import TaskConfig


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the output of one task means."""

    level: Level = Level()
    calibration: Calibration = Calibration()
    factor: float = 1.0
    """Of a count or a regression: what its numbers are multiplied by, so that they are right on average. What is
    right in logarithms is too low in numbers (Duan, "Smearing Estimate", JASA 1983)."""

    def __call__(self, task: TaskConfig, said: Tensor) -> Tensor:
        """[C] probabilities, or numbers as people write them."""
        if task.kind == "binary":
            return torch.sigmoid(self.calibration(said))
        return restored(task, self.level, said) * self.factor


def read(tasks: Sequence[TaskConfig], readings: Sequence[Reading], said_CT: Tensor) -> dict[str, Tensor]:
    """By task: what [C, T] outputs mean, [C] each."""
    columns = zip(tasks, readings, said_CT.unbind(1), strict=True)
    return {task.name: reading(task, said) for task, reading, said in columns}


def learn_readings(
    tasks: Sequence[TaskConfig], levels: Sequence[Level], method: Method, said_CT: Tensor, labels_CT: Tensor
) -> tuple[Reading, ...]:
    """The reading of each task, from cases that the network did not learn from.

    Args:
        tasks: what is foretold.
        levels: of the cases that it did learn from.
        method: of calibration.
        said_CT: outputs.
        labels_CT: what came; NaN where a task says nothing of a case.
    """
    columns = zip(tasks, levels, said_CT.unbind(1), labels_CT.unbind(1), strict=True)
    return tuple(_learned(task, level, method, said, came) for task, level, said, came in columns)


def _learned(task: TaskConfig, level: Level, method: Method, said: Tensor, came: Tensor) -> Reading:
    there = ~came.isnan()
    said, came = said[there].double(), came[there].double()
    if task.kind == "binary":
        return Reading(calibration=calibrate(method, said.numpy(), came.numpy()))
    promised = float(restored(task, level, said).sum())
    happened = float(came.sum())
    right = promised > 0 and happened > 0
    return Reading(level=level, factor=happened / promised if right else 1.0)
