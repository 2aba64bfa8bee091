# SPDX-License-Identifier: Apache-2.0
"""What models are fitted on: a feature space, a catalogue and users, out of the events that may be learned from.

Nothing is learned from an event outside those, neither a weight nor a vocabulary nor a mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from penchant.errors import ConfigError
from penchant.evaluate.metrics import METRICS
from penchant.evaluate.protocol import Cut, EvaluateConfig, Question
from penchant.features.history import deeds
from penchant.features.leaks import refuse_leaks
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.models.recommender import Recommender, Solved
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, USER
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig, TrainResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from penchant.batch import Users
    from penchant.config import ModelChoice, RunConfig
    from penchant.content.library import Library
    from penchant.data.dataset import Dataset
    from penchant.data.splits import Split
    from penchant.features.catalogue import Catalogue
    from penchant.train.callbacks import Callback


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """All that the models of one run share.

    Attributes:
        run: the run file.
        dataset: whose items and users they are.
        events: canonical events that are learned from.
        space: fitted on `events` alone.
        users: everyone who did something, over the items that occur in `events`.
    """

    run: RunConfig
    dataset: Dataset
    events: pl.DataFrame
    space: FeatureSpace
    users: Users

    @classmethod
    def prepare(
        cls, run: RunConfig, dataset: Dataset, events: pl.DataFrame, library: Library | None = None
    ) -> Workbench:
        """Fit the feature space and turn the events into tensors.

        Args:
            run: the run file.
            dataset: whose items and users they are.
            events: canonical events that are learned from.
            library: where content is read from and its vectors are kept.

        Raises:
            ConfigError: `[features]` or `[content]` names what does not exist.
        """
        space = FeatureSpace.fit(dataset, events, run.read(FeatureConfig, "features"), run.content, library)
        return cls._over(run, dataset, events, space)

    @classmethod
    def _over(cls, run: RunConfig, dataset: Dataset, events: pl.DataFrame, space: FeatureSpace) -> Workbench:
        done = deeds(events, dataset.schema)
        seen = dataset.items.join(done.select(ITEM).unique(), on=ITEM, how="semi", maintain_order="left")
        people = done[USER].unique().sort()
        users = space.training_users(people, events, space.catalogue(seen), dataset.users)
        return cls(run=run, dataset=dataset, events=events, space=space, users=users)

    def before(self, events: pl.DataFrame) -> Workbench:
        """The same space, but only `events`, the first of this bench's, to learn from."""
        return self._over(self.run, self.dataset, events, self.space.before(events))

    def catalogue(self) -> Catalogue:
        """Every item of the data set, as this space sees it; those that nobody had among `events` are unknown."""
        return self.space.catalogue(self.dataset.items).seen_in(self.users.catalogue)

    def make(self, choice: ModelChoice) -> Recommender:
        """A fresh model."""
        return make(choice.kind, choice.choices, self.space.sizes, self.run.read(TrainConfig, "train").seed)

    def fit(
        self,
        choice: ModelChoice,
        *,
        asked: Cut | None = None,
        steps: int | None = None,
        folder: Path | None = None,
        resume: bool = False,
        callbacks: Sequence[Callback] = (),
    ) -> tuple[Recommender, TrainResult]:
        """Make a model and let it learn.

        Args:
            choice: which model.
            asked: what early stopping asks; without it (or where it hides nothing) all epochs are trained.
            steps: exactly so many steps instead, for a model that learns by steps.
            folder: for its checkpoints.
            resume: go on from the newest checkpoint in `folder`.
            callbacks: told of the progress.
        """
        config = self.run.read(TrainConfig, "train")
        model = self.make(choice)
        validate = None
        if asked is not None and not asked.hidden.is_empty() and steps is None and not isinstance(model, Solved):
            validate = self.validation(config.metric, asked)
        result = fit(
            model, self.users, config,
            validate=validate, folder=folder, callbacks=callbacks, resume=resume, steps=steps,
        )  # fmt: skip
        return model, result

    def validation(self, metric: str, asked: Cut) -> Callable[[Recommender], Mapping[str, float]]:
        """What asks a model for a metric, and only for its k: done after each epoch, so it must be quick.

        Raises:
            ConfigError: there is no such metric.
            DataError: nothing is hidden that could be found.
        """
        evaluate = self.run.read(EvaluateConfig, "evaluate")
        evaluate = msgspec.structs.replace(evaluate, ks=(metric_k(metric, self.run.path),))
        catalogue = self.catalogue()
        question = Question.prepare(self.space, catalogue, asked, self.dataset.users, config=evaluate)

        def validate(model: Recommender) -> Mapping[str, float]:
            return question.ask(Pipeline(model, self.space, catalogue)).means()

        return validate


def check_columns(run: RunConfig, dataset: Dataset, parts: Split) -> None:
    """Refuse columns that tell what comes after training, before anything learns from them.

    Raises:
        DataError: names them, and the way out.
    """
    chosen = run.read(FeatureConfig, "features")
    known, hidden = parts.scan("train"), parts.scan("validation", "test")
    refuse_leaks(dataset, known, hidden, leave_out=chosen.leave_out, trust=chosen.trust)


def check_metric(run: RunConfig) -> None:
    """Find a metric that does not exist before hours of work, not after.

    Raises:
        ConfigError: names it.
    """
    metric_k(run.read(TrainConfig, "train").metric, run.path)


def metric_k(metric: str, path: Path, table: str = "train") -> int:
    """The k in `ndcg@10`, which `table` of the run file at `path` names.

    Raises:
        ConfigError: there is no such metric.
    """
    name, _, k = metric.partition("@")
    if name not in {*METRICS, "coverage"} or not re.fullmatch(r"[1-9]\d{0,3}", k):
        known = ", ".join(METRICS)
        raise ConfigError(
            f'{path} [{table}]: metric = "{metric}" is none: write one of {known}, then @ and a length of list '
            'from 1 to 9999, such as "ndcg@10"'
        )
    return int(k)
