# SPDX-License-Identifier: Apache-2.0
"""One trial: make the model, let it learn, ask the validation part; whatever comes of it is a `Trial`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from penchant import registry
from penchant.errors import PenchantError
from penchant.models.recommender import Learned, Recommender
from penchant.train.callbacks import Callback
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig
from penchant.tune.trials import State, Trial, TuneCallback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.config import RunConfig
    from penchant.train.callbacks import EpochReport
    from penchant.tune.advice import Asked
    from penchant.tune.space import Key, Value
    from penchant.workbench import Workbench

Clock = Callable[[], float]

_FAILURES = (ArithmeticError, MemoryError, PenchantError, RuntimeError, ValueError)
"""What settings can lead to: numbers that overflow, matrices that cannot be inverted, no memory, sizes that clash.
RuntimeError is torch's, ValueError that of numpy's linear algebra."""


class _Ended(Exception):  # noqa: N818 - no error, but the way out of a training loop
    """The trial is over before its training is."""

    def __init__(self, state: State, reason: str = "") -> None:
        super().__init__(reason)
        self.state: State = state


class _Watch(Callback):
    """Follows one training: keeps its curve, and ends it where it is hopeless, diverged or out of time."""

    def __init__(self, metric: str, asked: Asked, deadline: float, clock: Clock) -> None:
        self._metric = metric
        self._asked = asked
        self._deadline = deadline
        self._clock = clock
        self.curve: dict[int, float] = {}
        self.steps: int | None = None

    def on_step(self, step: int, loss: float) -> None:
        """The loss must be a number, and time must be left."""
        if not math.isfinite(loss):
            raise _Ended("failed", f"the loss was {loss} after {step} steps")
        if self._clock() >= self._deadline:
            raise _Ended("stopped")

    def on_epoch(self, report: EpochReport) -> None:
        """The metric must not be worse than that of most others."""
        if self._metric not in report.metrics:
            return
        self.curve[report.epoch] = report.metrics[self._metric]
        if report.best:
            self.steps = report.step
        if self._asked.hopeless(report.epoch, self.curve[report.epoch]):
            raise _Ended("pruned")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What all trials of a study share.

    Attributes:
        run: the run file.
        bench: what models are fitted on, prepared once.
        keys: what is tuned.
        metric: what is to be high.
        validate: the metrics of a model on the validation part.
        callbacks: told of trials and of each training.
        clock: seconds from anywhere.
    """

    run: RunConfig
    bench: Workbench
    keys: Mapping[str, Key]
    metric: str
    validate: Callable[[Recommender], Mapping[str, float]]
    callbacks: Sequence[TuneCallback] = ()
    clock: Clock = time.perf_counter

    def run_one(self, number: int, asked: Asked, seconds: float) -> Trial:
        """Try what is asked, for so many seconds at most.

        A model with a closed form cannot be stopped: its time counts, but it learns to its end.

        Raises:
            PenchantError: even the run file's own settings (trial 0) cannot be used.
        """
        start = self.clock()
        watch = _Watch(self.metric, asked, start + seconds, self.clock)
        state: State = "done"
        score, steps, reason = None, None, ""
        try:
            score, steps = self._learn(asked.values, watch)
        except _Ended as ended:
            state, reason, steps = ended.state, str(ended), watch.steps
        except _FAILURES as error:
            if number == 0 and isinstance(error, PenchantError):
                raise
            state, reason = "failed", f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0]
        if state in ("pruned", "stopped"):
            score = max(watch.curve.values(), default=None)
        return Trial(
            number=number, state=state, values=asked.values, score=score, curve=watch.curve, steps=steps,
            seconds=self.clock() - start, reason=reason,
        )  # fmt: skip

    def _learn(self, values: Mapping[str, Value], watch: _Watch) -> tuple[float, int | None]:
        """(the metric, the steps that it took)."""
        model_choices, train_choices = self.tables(values)
        config = registry.read_config(TrainConfig, train_choices, f"{self.run.path} [train]")
        model = make(self.run.model.kind, model_choices, self.bench.space.sizes, config.seed)
        learned = isinstance(model, Learned)
        result = fit(
            model, self.bench.users, config,
            validate=self.validate if learned else None, callbacks=[watch, *self.callbacks],
        )  # fmt: skip
        score = (result.best if learned else self.validate(model)).get(self.metric, math.nan)
        if not math.isfinite(score):
            raise _Ended("failed", f"{self.metric} is {score}")
        return score, result.steps if learned else None

    def tables(self, values: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The run file's `[model]`, less its kind, and `[train]`, with what is tried in them."""
        tried: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
        for name, value in values.items():
            tried[self.keys[name].table][name] = value
        train = msgspec.to_builtins(self.run.read(TrainConfig, "train"))
        return {**self.run.model.choices, **tried["model"]}, {**train, "metric": self.metric, **tried["train"]}
