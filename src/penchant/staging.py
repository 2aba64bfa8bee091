# SPDX-License-Identifier: Apache-2.0
"""How a second stage comes about: sources of candidates, a ranker that learns from them, what its outputs mean.

1. The events that may be learned from are cut: a later slice is the ranker's.
2. Each source learns from what was before the slice, and finds candidates at moments within it.
3. The ranker learns from what came of those at all moments but the last ones, which say when to stop and
   calibrate its probabilities.
4. What answers in the end are the same sources, learned anew from all of these events, and that ranker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from penchant.config import ModelChoice
from penchant.errors import ConfigError, DataError
from penchant.evaluate.protocol import EvaluateConfig
from penchant.evaluate.scores import auc, log_loss, reliability
from penchant.features.signals import in_log_order
from penchant.rank.config import RankConfig
from penchant.rank.heads import levels_of
from penchant.rank.ranker import Ranker
from penchant.rank.reading import learn_readings, read
from penchant.recommend.asking import Asking, all_labels, last_place, moments
from penchant.recommend.outcomes import types_of
from penchant.recommend.pipeline import Pipeline
from penchant.recommend.ranking import Allowed, SecondStage, Source, known_names
from penchant.schema import TIME
from penchant.train.ranking import fit_ranker, say
from penchant.train.runtime import seed_step
from penchant.train.trainer import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from penchant.config import RunConfig
    from penchant.evaluate.protocol import Cut
    from penchant.features.catalogue import Catalogue
    from penchant.models.recommender import Recommender
    from penchant.rank.cases import Cases
    from penchant.rank.heads import Level
    from penchant.schema import Schema
    from penchant.train.callbacks import Callback
    from penchant.workbench import Workbench

_ALIKE = 2
"""Halves of the held-out cases, each judged by what the other one calibrated."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """A model that is the first stage, as it learned.

    Attributes:
        choice: which model.
        model: fitted on the events of the bench.
        steps: that it took; None for a model with a closed form.
    """

    choice: ModelChoice
    model: Recommender
    steps: int | None


def check_rank(run: RunConfig, schema: Schema) -> None:
    """Find what `[rank]` asks for and the data do not have, before hours of work.

    Raises:
        ConfigError: names the task or the formula, and the nearest that there is.
    """
    if not run.ranks:
        return
    config = run.read(RankConfig, "rank")
    try:
        for task in config.foretold:
            types_of(task, schema)
        config.formula.check_names(known_names([task.name for task in config.foretold], schema))
    except ConfigError as error:
        raise ConfigError(f"{run.path} [rank]: {error}") from None


def over_catalogue(
    bench: Workbench,
    first: Learning,
    *,
    asked: Cut | None = None,
    like: SecondStage | None = None,
    callbacks: Sequence[Callback] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Pipeline:
    """A fitted model over all items, with a second stage if its choice asks for one.

    Args:
        bench: what the model learned from.
        first: the model.
        asked: what early stopping of further sources asks.
        like: a second stage whose sources take the same steps.
        callbacks: told of the progress.
        tell: told, in words, what begins.

    Raises:
        DataError: as `second_stage`.
    """
    second = None
    if first.choice.ranked:
        steps = [one.steps for one in like.sources] if like else []
        second = second_stage(bench, first, asked=asked, steps=steps, callbacks=callbacks, tell=tell)
    catalogue = second.catalogue if second else bench.catalogue()
    return Pipeline(first.model, bench.space, catalogue, second=second)


def second_stage(
    bench: Workbench,
    first: Learning,
    *,
    asked: Cut | None = None,
    steps: Sequence[int | None] = (),
    callbacks: Sequence[Callback] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> SecondStage:
    """Make the second stage of a run.

    Args:
        bench: what may be learned from.
        first: the model whose candidates are ranked.
        asked: what early stopping of further sources asks.
        steps: that those sources take instead, if they are known.
        callbacks: told of the progress.
        tell: told, in words, what begins.

    Raises:
        DataError: there are too few events, or nothing came of any case.
    """
    run, config = bench.run, bench.run.read(RankConfig, "rank")
    seed = run.read(TrainConfig, "train").seed
    repeats = run.read(EvaluateConfig, "evaluate").repeats
    events = in_log_order(bench.events)
    starts = moments(events[TIME].to_numpy(), config)
    catalogue = bench.catalogue()
    learned = [first, *_learn_sources(bench, config, asked, steps, callbacks, tell)]
    tell("Letting the sources learn from what was before the ranker's slice")
    early = bench.before(events.head(starts[0]))
    then = early.catalogue()
    again = [early.fit(one.choice, steps=one.steps, callbacks=callbacks)[0] for one in learned]
    asking = Asking(
        sources=_sources(config, learned, again, early, then),
        space=early.space,
        catalogue=then,
        events=events,
        profiles=bench.dataset.users,
        config=config,
        allowed=Allowed(exclude_seen=not repeats),
        seed=seed,
    )
    tell("Asking at moments of the ranker's slice")
    with torch.inference_mode():
        blocks = list(asking.cases(starts))
    kept = len(starts) - min(max(round(config.holdout * len(starts)), 1), len(starts) - 1)
    train = [cases for number, cases in blocks if number < kept]
    held = [cases for number, cases in blocks if number >= kept]
    _check_cases(train, held)
    tell(f"Fitting the ranker on {sum(map(len, train)):,} cases")
    seed_step(seed, 2**30)
    ranker = Ranker(config, bench.space.sizes, len(learned), last_place(train))
    levels = levels_of(config.foretold, all_labels(train))
    fit_ranker(ranker, levels, train, held, seed=seed, callbacks=callbacks)
    ranker.forget_all_but(then.items.ids)
    said, came = say(ranker, held), all_labels(held)
    readings = learn_readings(config.foretold, levels, config.calibration, said, came)
    measured = judge(config, levels, said, came)
    for name, found in measured.items():
        tell(f"Ranker, {name}: " + ", ".join(f"{key} {value:.4f}" for key, value in found.items()))
    return SecondStage(
        config=config,
        ranker=ranker,
        readings=readings,
        sources=tuple(_sources(config, learned, [one.model for one in learned], bench, catalogue)[1:]),
        catalogue=catalogue,
        measured=measured,
    )


def judge(config: RankConfig, levels: Sequence[Level], said: Tensor, came: Tensor) -> dict[str, dict[str, float]]:
    """How good what is foretold of cases is, those of each half calibrated on the other half's.

    Args:
        config: the run file's `[rank]`.
        levels: of each task.
        said: [C, T] outputs for cases that were not learned from.
        came: [C, T] labels.

    Returns:
        by task: of a binary one AUC, log-loss, expected calibration error (before and after calibration) and the
        share of ones; of the others mean absolute error, and that of saying the mean.
    """
    half = torch.arange(len(said)) % _ALIKE
    tasks = config.foretold
    calibrated: dict[str, Tensor] = {task.name: torch.zeros(len(said)) for task in tasks}
    for part in range(_ALIKE):
        readings = learn_readings(tasks, levels, config.calibration, said[half != part], came[half != part])
        for name, values in read(tasks, readings, said[half == part]).items():
            calibrated[name][half == part] = values.float()
    found: dict[str, dict[str, float]] = {}
    for place, task in enumerate(tasks):
        there = ~came[:, place].isnan()
        truth, promised = came[there, place].double(), calibrated[task.name][there].double()
        if task.kind != "binary":
            gap, plain = (promised - truth).abs().mean(), (truth - truth.mean()).abs().mean()
            found[task.name] = {"mae": float(gap), "mae_of_mean": float(plain)} if len(truth) else {}
        elif 0 < float(truth.sum()) < len(truth):
            y, p, raw = truth.numpy(), promised.numpy(), torch.sigmoid(said[there, place].double()).numpy()
            found[task.name] = {
                "auc": auc(p, y),
                "log_loss": log_loss(p, y),
                "ece_before": reliability(raw, y).error,
                "ece": reliability(p, y).error,
                "share": float(y.mean()),
            }
        else:
            found[task.name] = {}
    return found


def _learn_sources(
    bench: Workbench,
    config: RankConfig,
    asked: Cut | None,
    steps: Sequence[int | None],
    callbacks: Sequence[Callback],
    tell: Callable[[str], None],
) -> list[Learning]:
    """The models beside the first, fitted on everything that may be learned from."""
    found = []
    for place, source in enumerate(config.sources):
        tell(f"Fitting the source {source.kind}")
        choice = ModelChoice(kind=source.kind, choices=source.settings)
        known = steps[place] if steps else None
        model, result = bench.fit(choice, asked=asked, steps=known, callbacks=callbacks)
        found.append(Learning(choice=choice, model=model, steps=result.steps or None))
    return found


def _sources(
    config: RankConfig,
    learned: Sequence[Learning],
    models: Sequence[Recommender],
    bench: Workbench,
    catalogue: Catalogue,
) -> list[Source]:
    """The first model and the others over a catalogue."""
    counts = [config.candidates, *(one.count for one in config.sources)]
    new = [False, *(one.new for one in config.sources)]
    return [
        Source(Pipeline(model, bench.space, catalogue), one.choice.kind, count, only_new, one.steps)
        for one, model, count, only_new in zip(learned, models, counts, new, strict=True)
    ]


def _check_cases(train: Sequence[Cases], held: Sequence[Cases]) -> None:
    for what, blocks in (("to learn from", train), ("of the last moments", held)):
        if not any(bool((one.labels.nan_to_num(nan=0.0) != 0).any()) for one in blocks if one.labels is not None):
            raise DataError(
                f"[rank]: nothing came of any of the {sum(map(len, blocks)):,} cases {what}: raise slice, "
                "candidates or the count of a source, or leave [rank] out"
            )
