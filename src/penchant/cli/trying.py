# SPDX-License-Identifier: Apache-2.0
"""The progress bars of tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from penchant.tune.space import say
from penchant.tune.trials import TuneCallback

if TYPE_CHECKING:
    from rich.console import Console

    from penchant.train.callbacks import EpochReport
    from penchant.tune.space import Value
    from penchant.tune.trials import Trial

_ENDS = {"pruned": "given up at", "stopped": "cut off at"}


class TrialsBar(TuneCallback):
    """A bar of the trials with the best so far, one of the training inside, and a line for each trial. A context.

    Args:
        console: where to draw.

    Attributes:
        begun: whether a trial has.
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
        self.begun = False
        self._trials: TaskID | None = None
        self._inside: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, what: str) -> None:
        """A new stage of the job begins."""
        self._progress.console.print(what, style="bold", markup=False)

    def on_trial(self, number: int, trials: int, values: dict[str, Value], best: Trial | None) -> None:  # noqa: ARG002
        """The bar of the trials grows."""
        self.begun = True
        if self._trials is None:
            self._trials = self._progress.add_task("  tuning", total=trials, note="", unit="trials")
        note = "" if best is None else f"best {best.score:.4f}, trial {best.number}"
        self._progress.update(self._trials, completed=number, note=note)

    def on_result(self, trial: Trial, best: Trial | None) -> None:
        """A line says what came of a trial."""
        self._close()
        star = " (best)" if trial is best else ""
        score = "" if trial.score is None else f"{trial.score:.4f}{star}"
        came = trial.reason if trial.state == "failed" else f"{_ENDS.get(trial.state, '')} {score}".strip()
        values = ", ".join(f"{name} {say(value)}" for name, value in trial.values.items())
        self._progress.console.print(
            f"  trial {trial.number}: {came or trial.state}; {values}; {trial.seconds:,.1f} s", markup=False
        )
        if self._trials is not None:
            note = "" if best is None else f"best {best.score:.4f}, trial {best.number}"
            self._progress.update(self._trials, completed=trial.number + 1, note=note)

    def on_start(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        """A bar of the training appears."""
        self._close()
        total = epochs * steps_per_epoch
        self._inside = self._progress.add_task("  training", total=total, completed=done, note="", unit="steps")

    def on_step(self, step: int, loss: float) -> None:
        """It grows."""
        if self._inside is not None:
            self._progress.update(self._inside, completed=step, note=f"loss {loss:.3f}")

    def on_epoch(self, report: EpochReport) -> None:
        """It tells the metrics."""
        if self._inside is not None and report.metrics:
            shown = next((key for key in report.metrics if key.startswith("ndcg")), next(iter(report.metrics)))
            self._progress.update(self._inside, note=f"{shown} {report.metrics[shown]:.4f}")

    def _close(self) -> None:
        if self._inside is not None:
            self._progress.remove_task(self._inside)
            self._inside = None
