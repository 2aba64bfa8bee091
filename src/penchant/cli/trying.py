# SPDX-License-Identifier: Apache-2.0
"""The progress bars of tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.cli.progress import Bar
from penchant.tune.space import say
from penchant.tune.trials import TuneCallback

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from penchant.train.callbacks import EpochReport
    from penchant.tune.space import Value
    from penchant.tune.trials import Trial

_ENDS = {"pruned": "given up at", "stopped": "cut off at"}


class TrialsBar(Bar, TuneCallback):
    """A bar of the trials with the best so far, that of the training inside, and a line for each trial. A context.

    Args:
        console: where to draw.

    Attributes:
        begun: whether a trial has.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.begun = False
        self._trials: TaskID | None = None

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

    def on_epoch(self, report: EpochReport) -> None:
        """It tells the metrics."""
        if self._task is not None and report.metrics:
            shown = next((key for key in report.metrics if key.startswith("ndcg")), next(iter(report.metrics)))
            self._progress.update(self._task, note=f"{shown} {report.metrics[shown]:.4f}")
