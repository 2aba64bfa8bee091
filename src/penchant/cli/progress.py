# SPDX-License-Identifier: Apache-2.0
"""The progress bar of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from penchant.train.callbacks import Callback

if TYPE_CHECKING:
    from rich.console import Console

    from penchant.train.callbacks import EpochReport


class Bar(Callback):
    """A bar for each fit: epochs, loss and the last metrics. Use as a context.

    Args:
        console: where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self._what = ""
        self._task: TaskID | None = None
        self._columns: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, what: str) -> None:
        """A new stage of the job begins."""
        self._close()
        self._what = what
        self._progress.console.print(what, style="bold", markup=False)

    def on_content(self, column: str, done: int, total: int) -> None:
        """A bar for each content column while it is encoded."""
        if column not in self._columns:
            if done == total:  # all was known, or it was done at a stroke
                return
            self._columns[column] = self._progress.add_task(
                f"  reading {column}", total=total, note="", unit="pieces"
            )
        task = self._columns[column]
        self._progress.update(task, completed=done, total=total)
        if done == total:
            self._progress.remove_task(self._columns.pop(column))

    def on_start(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        """A bar appears."""
        self._close()
        total = epochs * steps_per_epoch
        self._task = self._progress.add_task("  training", total=total, completed=done, note="", unit="steps")

    def on_step(self, step: int, loss: float) -> None:
        """The bar grows."""
        if self._task is not None:
            self._progress.update(self._task, completed=step, note=f"loss {loss:.3f}")

    def on_epoch(self, report: EpochReport) -> None:
        """The bar tells the metric that early stopping looks at."""
        if self._task is not None and report.metrics:
            note = ", ".join(f"{key} {report.metrics[key]:.4f}" for key in sorted(report.metrics)[:8])
            shown = next((key for key in report.metrics if key.startswith("ndcg")), None)
            note = f"{shown} {report.metrics[shown]:.4f}" if shown else note
            star = " (best)" if report.best else ""
            self._progress.console.print(
                f"  epoch {report.epoch}: loss {report.loss:.4f}, {note}{star}", markup=False
            )

    def _close(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
