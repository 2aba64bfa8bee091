# SPDX-License-Identifier: Apache-2.0
"""The loop in which a ranker learns from cases, until those of later moments say that it is enough.

Shape legend: C cases, T tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_

from penchant.rank import balance
from penchant.rank.heads import Level, task_losses
from penchant.train.average import WeightAverage
from penchant.train.runtime import seed_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from penchant.rank.cases import Cases
    from penchant.rank.ranker import Ranker
    from penchant.train.callbacks import Callback

_CLIP = 5.0
_AVERAGE = 0.98
"""Decay of the moving average of the weights, which is what answers."""
_BLOCK = 4096
"""Cases of the held-out moments that go through the network at once, at most as many questions."""


@dataclass(frozen=True)
class Fitted:
    """How a ranker came out.

    Attributes:
        epochs: of the weights that it now has.
        losses: of each task over the held-out cases, as a share of what the mean alone would lose.
    """

    epochs: int
    losses: dict[str, float]


def fit_ranker(
    ranker: Ranker,
    levels: Sequence[Level],
    train: Sequence[Cases],
    held: Sequence[Cases],
    *,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Fitted:
    """Let a ranker learn; at the end it has the weights of its best epoch.

    Args:
        ranker: changed in place.
        levels: of each task.
        train: cases to learn from.
        held: cases of later moments, by which it stops.
        seed: of order, negatives and dropout.
        callbacks: told of each step.
    """
    config, tasks = ranker.config, ranker.config.foretold
    weighing = balance.KINDS[config.balance](tasks)
    parameters = [*ranker.parameters(), *weighing.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    average = WeightAverage(ranker, _AVERAGE)
    seed_step(seed, 2**30)
    # The same negatives in each epoch, so that epochs can be compared; and as many as are learned from.
    checked = [one.pick(torch.nonzero(one.some_negatives(config.negatives)).squeeze(1)) for one in held]
    floor = _constant_losses(ranker, levels, checked)
    best, best_epoch, best_loss, step = dict(ranker.state()), 0, float("inf"), 0
    shares: Tensor = floor
    per_epoch = sum(-(-len(one.users) // config.batch_size) for one in train)
    for callback in callbacks:
        callback.on_start(config.epochs, per_epoch, 0)
    for epoch in range(config.epochs):
        ranker.train()
        seed_step(seed, 2**30 + 1 + epoch)
        for batch in _batches(train, config.batch_size, config.negatives):
            optimiser.zero_grad()
            said = ranker(batch)
            assert batch.labels is not None
            losses = task_losses(tasks, levels, said.values, batch.labels)
            total = weighing(losses, said.shared)
            total.backward()
            clip_grad_norm_(parameters, _CLIP)
            optimiser.step()
            average.update(step)
            step += 1
            for callback in callbacks:
                callback.on_step(step, float(total.detach()))
        with average.applied(ranker):
            found = _losses(ranker, levels, checked) / floor
        if float(found.mean()) < best_loss:
            best = {name: tensor.clone() for name, tensor in average.state().items()}
            best_epoch, best_loss, shares = epoch + 1, float(found.mean()), found
        elif epoch + 1 - best_epoch >= config.patience:
            break
    ranker.load_state(best)
    ranker.eval()
    return Fitted(best_epoch, dict(zip([task.name for task in tasks], shares.tolist(), strict=True)))


def _batches(blocks: Sequence[Cases], size: int, negatives: int) -> Iterator[Cases]:
    """Batches of questions in a random order, each with all that something came of and some that nothing did."""
    kept = [one.some_negatives(negatives) for one in blocks]
    dealt = [
        (number, questions)
        for number, one in enumerate(blocks)
        for questions in torch.split(torch.randperm(len(one.users)), size)
    ]
    for place in torch.randperm(len(dealt)).tolist():
        number, questions = dealt[place]
        batch = blocks[number].select(questions, kept[number])
        if len(batch):
            yield batch


def say(ranker: Ranker, blocks: Sequence[Cases]) -> Tensor:
    """[C, T]: what the ranker says of all cases, without knowing where anything stood."""
    ranker.eval()
    with torch.inference_mode():
        return torch.cat([ranker(part).values for one in blocks for part in _parts(one.unplaced())])


def _parts(cases: Cases) -> list[Cases]:
    questions = max(_BLOCK * len(cases.users) // max(len(cases), 1), 1)
    return [cases.select(some) for some in torch.split(torch.arange(len(cases.users)), questions)]


def _losses(ranker: Ranker, levels: Sequence[Level], blocks: Sequence[Cases]) -> Tensor:
    """[T] over all cases."""
    labels = torch.cat([one.labels for one in blocks if one.labels is not None])
    return task_losses(ranker.config.foretold, levels, say(ranker, blocks), labels)


def _constant_losses(ranker: Ranker, levels: Sequence[Level], held: Sequence[Cases]) -> Tensor:
    """[T]: what is lost over the held-out cases by saying the same of each: their share, or training's mean."""
    labels = torch.cat([one.labels for one in held if one.labels is not None])
    tasks = ranker.config.foretold
    share = labels.nanmean(0).nan_to_num(nan=0.5).clamp(1e-6, 1 - 1e-6)
    same = torch.where(torch.tensor([task.kind == "binary" for task in tasks]), share.logit(), 0.0)
    return task_losses(tasks, levels, same.expand_as(labels), labels).clamp(min=1e-6)
