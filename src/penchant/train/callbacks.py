# SPDX-License-Identifier: Apache-2.0
"""What others may want to know while a model is trained. The trainer itself never prints."""

from __future__ import annotations

import msgspec


class EpochReport(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `metrics.jsonl`."""

    epoch: int
    step: int
    loss: float
    """Mean over the steps, of all tasks together."""
    learning_rate: float
    seconds: float
    """Training alone, without validation."""
    events_per_second: float
    tasks: dict[str, float] = {}
    """The same of each task by itself."""
    metrics: dict[str, float] = {}
    best: bool = False


class Callback:
    """Override what you want to hear of."""

    def on_content(self, column: str, done: int, total: int) -> None:
        """Of the distinct values of a content column, so many are encoded."""

    def on_start(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        """Training begins, or goes on after `done` steps."""

    def on_step(self, step: int, loss: float) -> None:
        """A step is done."""

    def on_epoch(self, report: EpochReport) -> None:
        """An epoch is done."""
