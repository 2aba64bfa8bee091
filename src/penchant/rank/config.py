# SPDX-License-Identifier: Apache-2.0
"""The run file's `[rank]` table: the second stage, if there is to be one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from penchant import registry
from penchant.errors import ConfigError
from penchant.rank.balance import Balancing  # noqa: TC001 - msgspec reads annotations
from penchant.rank.calibration import Method  # noqa: TC001
from penchant.rank.experts import Sharing  # noqa: TC001
from penchant.rank.formula import Formula
from penchant.rank.tasks import TaskConfig, check_tasks

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Size = Annotated[int, msgspec.Meta(ge=2, le=4096)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more model that finds candidates, beside the run file's `[model]`."""

    kind: str
    """Its row in the table of models."""
    count: Count = 50
    """How many it finds for each user."""
    new: bool = False
    """Only items that training never saw: so they get their chance."""
    settings: dict[str, Any] = {}
    """The model's own choices."""


class RankConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How candidates are found, what is foretold of each, and what is made of that."""

    tasks: tuple[TaskConfig, ...] = ()
    """What is foretold; none: one task, `taken`, whether people lean towards the item."""
    score: str = ""
    """A formula of the tasks and of items' numbers; none: the first task."""
    candidates: Count = 100
    """How many the `[model]` finds for each user."""
    sources: tuple[SourceConfig, ...] = ()
    """Who else finds candidates."""
    experts: Sharing = "mmoe"
    n_experts: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    layers: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    """Of ple."""
    embedding_size: Size = 32
    expert_size: Size = 64
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1
    history_length: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    """How many of a user's last events the ranker looks at."""
    use_ids: bool = False
    """Whether the ranker has a vector of its own for each item, beside what is known of it."""
    balance: Balancing = "fixed"
    calibration: Method = "platt"
    slice: Share = 0.3
    """Share of the events that the ranker learns from, the last ones: the sources that it learns with saw only
    those before."""
    moments: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 10
    """Into how many stretches that slice is cut: at the beginning of each, every user who acts in it is asked."""
    questions: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    """At most so many users are asked at a moment, drawn at random."""
    holdout: Share = 0.3
    """Share of the moments, the last ones, that say when training ends and how probabilities are calibrated."""
    negatives: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """Of the candidates of a question of which nothing came, how many are learned from in an epoch."""
    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 30
    patience: Annotated[int, msgspec.Meta(ge=1)] = 3
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = 32
    """Questions of a batch."""
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 0.002
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01

    def __post_init__(self) -> None:
        """Read the formula, and see that tasks, sources and moments go together.

        Raises:
            ValueError: says what does not.
        """
        try:
            check_tasks(self.tasks)
            Formula(self.score or "0")
            for source in self.sources:
                model = registry.load(registry.MODELS, source.kind, "model")
                registry.read_config(model.Config, source.settings, f"settings of the source {source.kind!r}")
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if not 0 < self.held_moments < self.moments:
            raise ValueError(
                f"holdout = {self.holdout:g} of moments = {self.moments} leaves none of them or all: change either"
            )

    @property
    def held_moments(self) -> int:
        """How many of the moments are held out."""
        return round(self.holdout * self.moments)

    @property
    def foretold(self) -> tuple[TaskConfig, ...]:
        """The tasks, or the one that stands for none."""
        return self.tasks or (TaskConfig(name="taken"),)

    @property
    def formula(self) -> Formula:
        """What is made of the tasks."""
        return Formula(self.score or self.foretold[0].name)
