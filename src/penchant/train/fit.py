# SPDX-License-Identifier: Apache-2.0
"""Make a model and let it learn, whichever way it learns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from penchant import registry
from penchant.models.recommender import Learned, Recommender, Solved
from penchant.train.runtime import seed_step
from penchant.train.trainer import TrainConfig, Trainer, TrainResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penchant.batch import Sizes, Users
    from penchant.train.callbacks import Callback
    from penchant.train.trainer import Validate


def make(kind: str, choices: Mapping[str, Any], sizes: Sizes, seed: int = 0) -> Recommender:
    """A fresh model; `choices` is the run file's `[model]` without its `kind`.

    Raises:
        ConfigError: names the unknown kind or key, and the nearest known one.
    """
    found = registry.load(registry.MODELS, kind, "model")
    config = registry.read_config(found.Config, choices, f"[model] of kind {kind!r}")
    seed_step(seed, 2**31)
    model: Recommender = found(config, sizes)
    return model


def fit(
    model: Recommender,
    users: Users,
    config: TrainConfig | None = None,
    *,
    validate: Validate | None = None,
    folder: Path | None = None,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    steps: int | None = None,
) -> TrainResult:
    """Let `model` learn from everything that `users` did.

    Args:
        model: changed in place.
        users: training users; their histories point into the training catalogue.
        config: for a learned model.
        validate: for early stopping of a learned model.
        folder: for checkpoints and `metrics.jsonl` of a learned model.
        callbacks: told of the progress of a learned model.
        resume: go on from the newest checkpoint in `folder`.
        steps: train exactly so many steps, without validation (a refit).
    """
    if isinstance(model, Learned):
        trainer = Trainer(model, users, config or TrainConfig(), validate, folder, callbacks)
        return trainer.run(resume=resume, steps=steps)
    if not isinstance(model, Solved):
        raise TypeError(f"{type(model).__name__} is neither solved nor learned")
    start = time.perf_counter()
    with torch.no_grad():
        model.solve(users)
    return TrainResult(steps=0, epochs=0, best={}, seconds=time.perf_counter() - start)
