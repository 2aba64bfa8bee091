# SPDX-License-Identifier: Apache-2.0
"""The one training loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from penchant.batch import TrainBatch
from penchant.errors import ConfigError, DataError
from penchant.models.recommender import Range
from penchant.train.average import WeightAverage
from penchant.train.callbacks import Callback, EpochReport
from penchant.train.checkpoint import Checkpoints, Progress
from penchant.train.runtime import Precision, computing, seed_step
from penchant.train.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from penchant.batch import Users
    from penchant.models.recommender import Learned

    Validate = Callable[[Learned], Mapping[str, float]]
    """The metrics of a model on the validation part."""


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[train]` table."""

    epochs: Annotated[int, msgspec.Meta(ge=1)] = 100
    """The most epochs; early stopping usually ends sooner."""
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = 32
    """Users of a batch."""
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    warmup_steps: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Steps in which the learning rate rises from 0."""
    clip_norm: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Longest gradient; longer ones are shortened."""
    average: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.99
    """Decay of the moving average of the weights, which is what answers; 0 for the weights themselves."""
    patience: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Validations without a better metric after which training ends."""
    validate_every: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Epochs between validations."""
    metric: str = "ndcg@10"
    """What early stopping looks at."""
    checkpoint_every: Annotated[int, msgspec.Meta(ge=1)] = 5
    """Epochs between checkpoints."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    precision: Precision = Precision.AUTO


SPACE: dict[str, Range] = {
    "learning_rate": Range(0.0001, 0.01, log=True),
    "batch_size": Range(choices=(32, 64, 128, 256)),
    "weight_decay": Range(choices=(0.0, 0.001, 0.01, 0.1)),
}
"""Keys of `TrainConfig` that are worth tuning for any learned model, and where."""


class TrainResult(msgspec.Struct, frozen=True, kw_only=True):
    """What training came to."""

    steps: int
    """Optimiser steps of the weights that the model now has."""
    epochs: int
    best: dict[str, float]
    """Their validation metrics; empty where there was no validation."""
    seconds: float


class Trainer:
    """Trains a learned model on users' histories.

    Args:
        model: parameters are changed in place; at the end they are the best ones.
        users: whose events are input and target.
        config: the run file's `[train]`.
        validate: metrics of the model as it stands; None trains for all epochs.
        folder: where checkpoints and `metrics.jsonl` go; None keeps nothing.
        callbacks: who is told.

    Raises:
        DataError: no user has an event.
    """

    def __init__(
        self,
        model: Learned,
        users: Users,
        config: TrainConfig,
        validate: Validate | None = None,
        folder: Path | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.model = model
        self.users = users
        self.config = config
        self.validate = validate
        self.callbacks = callbacks
        self.checkpoints = Checkpoints(folder) if folder else None
        longest = None if model.history_length is None else model.history_length + 1
        self._longest = model.training_length
        self._sampler = Sampler(users, config.batch_size, config.seed, longest)
        if not len(self._sampler):
            raise DataError("There is nothing to learn from: no user of the training part has an event")
        # Before the optimiser and the average take up the parameters.
        model.begin(users)
        # Fused: one pass over memory in place of a dozen, a third of the time on a CPU.
        self._optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )
        self._average = WeightAverage(model, config.average)
        self._best: dict[str, Tensor] = {}

    def run(self, *, resume: bool = False, steps: int | None = None) -> TrainResult:
        """Train until early stopping, the last epoch, or exactly `steps` steps.

        Args:
            resume: go on from the newest checkpoint in the folder, if there is one. The result is the same as
                that of a run that was never interrupted.
            steps: for a refit: how many steps, without validation.
        """
        done = Progress()
        if self.checkpoints:
            found = self.checkpoints.newest() if resume else None
            if found:
                done, self._best = self.checkpoints.load(found, self.model, self._optimiser, self._average)
            else:
                self.checkpoints.clear()
        per_epoch = len(self._sampler)
        epochs = self.config.epochs if steps is None else -(-steps // per_epoch)
        for callback in self.callbacks:
            callback.on_start(epochs, per_epoch, done.step)
        while done.epoch < epochs and not self._stopped(done):
            done = self._epoch(done, steps)
            last = done.epoch >= epochs or self._stopped(done)
            if self.checkpoints and (last or done.epoch % self.config.checkpoint_every == 0):
                self.checkpoints.save(done, self.model, self._optimiser, self._average, self._best)
        self.model.load_state(self._best or self._average.state())
        self.model.eval()
        return TrainResult(
            steps=done.best_step if self._best else done.step,
            epochs=done.epoch,
            best=done.best,
            seconds=done.seconds,
        )

    def _stopped(self, done: Progress) -> bool:
        return done.bad >= self.config.patience

    def _epoch(self, done: Progress, most_steps: int | None) -> Progress:
        start = time.perf_counter()
        step, events = done.step, 0
        totals: dict[str, Tensor] = {}
        self.model.train()
        batches = self._sampler.epoch(done.epoch)
        if most_steps is not None:
            batches = batches[: most_steps - step]
        for positions in batches:
            batch = TrainBatch(users=self.users.select(positions, self._longest))
            losses = self._step(batch, step)
            step += 1
            for task, loss in losses.items():
                totals[task] = totals.get(task, 0.0) + loss
            events += len(batch.users.history.rows)
            if self.callbacks:
                value = float(sum(losses.values()))
                for callback in self.callbacks:
                    callback.on_step(step, value)
        seconds = time.perf_counter() - start
        metrics: dict[str, float] = {}
        if self.validate and most_steps is None and (done.epoch + 1) % self.config.validate_every == 0:
            metrics = self._validate()
        better = bool(metrics) and metrics[self.config.metric] > done.best.get(self.config.metric, -1.0)
        if better:
            self._best = {name: tensor.clone() for name, tensor in self._average.state().items()}
        tasks = {task: float(total) / len(batches) for task, total in totals.items()}
        report = EpochReport(
            epoch=done.epoch + 1,
            step=step,
            loss=sum(tasks.values()),
            tasks=tasks,
            learning_rate=self._learning_rate(step),
            seconds=seconds,
            events_per_second=events / max(seconds, 1e-9),
            metrics=metrics,
            best=better,
        )
        if self.checkpoints:
            self.checkpoints.note(report)
        for callback in self.callbacks:
            callback.on_epoch(report)
        return Progress(
            epoch=done.epoch + 1,
            step=step,
            bad=0 if better else done.bad + bool(metrics),
            best=metrics if better else done.best,
            best_step=step if better else done.best_step,
            seconds=done.seconds + seconds,
        )

    def _step(self, batch: TrainBatch, step: int) -> dict[str, Tensor]:
        """One step of the optimiser; the loss of each task."""
        seed_step(self.config.seed, step)
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate(step + 1)
        self._optimiser.zero_grad()
        with computing(self.config.precision):
            losses = self.model.loss(batch)
            loss = torch.stack(list(losses.values())).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self._optimiser.step()
        self._average.update(step)
        return {task: loss.detach() for task, loss in losses.items()}

    def _learning_rate(self, step: int) -> float:
        return self.config.learning_rate * min(1.0, step / max(self.config.warmup_steps, 1))

    def _validate(self) -> dict[str, float]:
        if self.validate is None:
            return {}
        self.model.eval()
        with self._average.applied(self.model):
            metrics = dict(self.validate(self.model))
        if self.config.metric not in metrics:
            known = ", ".join(sorted(metrics))
            raise ConfigError(f"[train] metric: {self.config.metric!r} is not measured (known: {known})")
        return metrics
