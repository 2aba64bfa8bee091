# SPDX-License-Identifier: Apache-2.0
"""The second stage: candidates of several sources, what a ranker foretells of each, and a formula of that.

Shape legend: B users, N rows of the catalogue, C cases, T tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl
import torch

from penchant.batch import UNKNOWN
from penchant.rank.ranker import with_signals_for
from penchant.rank.reading import read
from penchant.recommend import rules
from penchant.recommend.candidates import find, merge
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from penchant.batch import Users
    from penchant.features.catalogue import Catalogue
    from penchant.rank.cases import Cases
    from penchant.rank.config import RankConfig
    from penchant.rank.ranker import Ranker
    from penchant.rank.reading import Reading
    from penchant.recommend.candidates import Found
    from penchant.recommend.pipeline import Pipeline
    from penchant.schema import Schema

_CASES = 8192
"""Cases that go through the network at once: each carries a copy of its user's history."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What may be given, whoever finds it.

    Attributes:
        exclude_seen: leave out what is in the user's own history.
        exclude: [M] catalogue rows that nobody gets.
        within: [M] catalogue rows that alone may be given.
        which: [N] bool, as `within`, for a wish.
    """

    exclude_seen: bool = True
    exclude: Tensor | None = None
    within: Tensor | None = None
    which: Tensor | None = None


@dataclass(frozen=True)
class Source:
    """Somebody who finds candidates.

    Attributes:
        pipeline: a model over the catalogue, without a second stage.
        kind: the model's row in the table of models.
        count: how many it finds for each user.
        new: only items that training never saw.
        steps: that its model learned for, if it is known and it learns by steps.
    """

    pipeline: Pipeline
    kind: str
    count: int
    new: bool = False
    steps: int | None = None

    def find(self, users: Users, allowed: Allowed) -> Found:
        """What it finds for each user, of what is allowed."""
        with torch.inference_mode():
            scores = self.pipeline.offered(users, allowed)
            if self.new:
                rules.forbid(scores, torch.nonzero(self.pipeline.catalogue.items.ids > UNKNOWN).squeeze(1))
            return find(scores, self.count, self.pipeline.popular_first)


@dataclass(frozen=True)
class SecondStage:
    """Ranks what the sources find.

    Attributes:
        config: the run file's `[rank]`.
        ranker: the network.
        readings: what its outputs mean, by task.
        sources: who finds candidates beside the pipeline's own model.
        catalogue: what can be recommended.
        measured: by task, how good it was on cases that the ranker did not learn from.
    """

    config: RankConfig
    ranker: Ranker
    readings: tuple[Reading, ...]
    sources: tuple[Source, ...]
    catalogue: Catalogue
    measured: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def uses_signals(self) -> bool:
        """Whether anybody here looks at what is counted of users and items."""
        return self.ranker.uses_signals or any(one.pipeline.uses_signals for one in self.sources)

    def over(self, catalogue: Catalogue, rows: Tensor, fresh: Catalogue) -> SecondStage:
        """The same over a longer catalogue; arguments as of `Pipeline.over`."""
        sources = tuple(replace(one, pipeline=one.pipeline.over(catalogue, rows, fresh)) for one in self.sources)
        return replace(self, sources=sources, catalogue=catalogue)

    def without(self, withdrawn: Tensor) -> SecondStage:
        """The same with these catalogue rows withdrawn, and no others."""
        sources = tuple(replace(one, pipeline=one.pipeline.without(withdrawn)) for one in self.sources)
        return replace(self, sources=sources)

    def candidates(self, first: Pipeline, users: Users, allowed: Allowed) -> Cases:
        """What the pipeline's own model and the sources find for each user, merged."""
        return merge(with_signals_for(users, self.catalogue.items), self.finds(first, users, allowed))

    def finds(self, first: Pipeline, users: Users, allowed: Allowed) -> list[Found]:
        """What each of them finds, the pipeline's own model first."""
        own = Source(first, "", self.config.candidates)
        return [one.find(users, allowed) for one in (own, *self.sources)]

    def scores(self, first: Pipeline, users: Users, allowed: Allowed) -> Tensor:
        """[B, N] float32: the formula's value of every candidate; -inf for all else."""
        cases = self.candidates(first, users, allowed)
        scores = torch.full((len(users), len(self.catalogue)), -torch.inf)
        if len(cases):
            values = {
                **self.foretell(cases),
                **{name: column[cases.rows] for name, column in self._numbers.items()},
            }
            scores[cases.owners, cases.rows] = self.config.formula(values)
        return scores

    def foretell(self, cases: Cases) -> dict[str, Tensor]:
        """By task: [C] calibrated probabilities, and numbers in their own units."""
        with torch.inference_mode():
            said = torch.cat([self.ranker(part).values for part in split(cases)])
            return read(self.config.foretold, self.readings, said)

    @cached_property
    def _numbers(self) -> dict[str, Tensor]:
        """By name: [N] the items' numbers that the formula asks for; one that is missing is the others' mean."""
        tasks = {task.name for task in self.config.foretold}
        wanted = [name for name in self.config.formula.names if name not in tasks]
        frame = self.catalogue.frame
        return {name: _filled(frame[name]) for name in wanted}


def split(cases: Cases) -> list[Cases]:
    """Parts that a network can take at once, those of one user together: at least one part, if an empty one."""
    ends = torch.bincount(cases.owners, minlength=len(cases.users)).cumsum(0)
    part = (ends - 1).clamp(min=0) // _CASES
    questions = torch.arange(len(cases.users))
    parts = [questions[part == number] for number in torch.unique(part).tolist()]
    return [cases.select(some) for some in parts] if len(parts) > 1 else [cases]


def known_names(tasks: Collection[str], schema: Schema) -> list[str]:
    """What a formula may ask for: the tasks, and the numbers of items."""
    return [*tasks, *(name for name, column in schema.items.items() if column.kind is Kind.NUMBER)]


def _filled(column: pl.Series) -> Tensor:
    numbers = column.cast(pl.Float64).fill_nan(None)
    mean = numbers.mean()
    return torch.tensor(numbers.fill_null(mean if isinstance(mean, float) else 0.0).to_numpy())
