# SPDX-License-Identifier: Apache-2.0
"""THE definition of who is asked and what is hidden. Early stopping, reports and tuning all ask here.

1. Events are cut in two by the split: the *known* ones, and the *hidden* ones that came after.
2. Each user of the hidden events is asked once, at the cut, with a history of all their known events.
3. To find are the items of their hidden events, each once: less those they already had (unless
   `repeats`), less those that nobody had before the cut (unless `cold_items`). A user with nothing left to
   find is not asked.
4. Every item that anyone had before the cut competes (with `cold_items`, the whole catalogue), less what
   the user already had. Nothing is sampled. An item to find that the model cannot recommend is a miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
import torch

from penchant.errors import DataError
from penchant.evaluate import metrics
from penchant.evaluate.metrics import ABSENT, Floats, Ints, Relevant
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor

    from penchant.batch import Users
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.recommend.pipeline import Pipeline

CELLS = 8_000_000
"""Scores (users times items) that are held at once: 32 MB, about seven times that while they are ranked."""
USERS = 1024
"""The most users that are asked at once, for the sake of what a model holds for each of them."""

K = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class EvaluateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[evaluate]` table."""

    ks: Annotated[tuple[K, ...], msgspec.Meta(min_length=1)] = (5, 10, 20, 50)
    """Lengths of list that are judged."""
    cold_items: bool = False
    """Whether items that nobody had before the cut compete and are to be found."""
    repeats: bool = False
    """Whether items that the user already had compete and are to be found."""
    bootstrap: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    """How many times the users are drawn for the intervals."""
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    """Probability inside the intervals."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of the draws."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one pipeline answered, and how good that was. B users, K = the largest k or the catalogue's size.

    Attributes:
        question: what was asked.
        ranked: [B, K] int64 catalogue rows, best first, -1 where a list is shorter.
        per_user: {"ndcg@10": [B] float64, ...}.
        coverage: {"coverage@10": share of the competing items that anyone was shown, ...}.
    """

    question: Question
    ranked: Ints
    per_user: dict[str, Floats]
    coverage: dict[str, float]

    def means(self) -> dict[str, float]:
        """Every metric averaged over the users, and coverage."""
        return {name: float(values.mean()) for name, values in self.per_user.items()} | self.coverage


@dataclass(frozen=True, kw_only=True)
class Question:
    """Users, what is known of them, and what they are to be recommended. Made by `prepare`, asked often.

    Attributes:
        config: the choices that made it.
        ids: [B] raw ids of those who are asked, ascending.
        users: the same, as a model sees them.
        catalogue: what rows are rows of.
        relevant: the rows to find; one beyond the catalogue is an item that no list can hold.
        candidates: [M] catalogue rows that compete, ascending.
        popularity: [M] int64, known events of each candidate.
        n_known: known events.
        n_silent: users of hidden events who are not asked, since nothing is left to find.
    """

    config: EvaluateConfig
    ids: pl.Series
    users: Users
    catalogue: Catalogue
    relevant: Relevant
    candidates: Ints
    popularity: Ints
    n_known: int
    n_silent: int

    @classmethod
    def prepare(
        cls,
        space: FeatureSpace,
        catalogue: Catalogue,
        known: pl.DataFrame,
        hidden: pl.DataFrame,
        profiles: pl.DataFrame,
        *,
        config: EvaluateConfig | None = None,
    ) -> Question:
        """Cut out what is asked.

        Args:
            space: the feature space of the models that will be asked.
            catalogue: the items that they rank.
            known: canonical events before the cut, in order of arrival.
            hidden: canonical events after it.
            profiles: the user table.
            config: the run file's `[evaluate]`.

        Raises:
            DataError: no user has anything to find, or no item competes.
        """
        config = config or EvaluateConfig()
        targets = _targets(known, hidden, config)
        if not targets.height:
            raise DataError(
                f"nothing to evaluate: none of {hidden.height} hidden events is of an item that its user did "
                "not have before and others had; hide more events, or set cold_items or repeats in [evaluate]"
            )
        ids = targets[USER].unique().sort()
        rows = catalogue.rows(known[ITEM])
        popularity = np.bincount(rows[rows >= 0].numpy(), minlength=len(catalogue)).astype(np.int64)
        candidates = np.arange(len(catalogue)) if config.cold_items else np.flatnonzero(popularity)
        if not len(candidates):
            raise DataError("nothing to evaluate: the catalogue holds no item of the known events")
        return cls(
            config=config,
            ids=ids,
            users=space.users(ids, known, catalogue, profiles),
            catalogue=catalogue,
            relevant=_relevant(targets, catalogue),
            candidates=candidates,
            popularity=popularity[candidates],
            n_known=known.height,
            n_silent=hidden[USER].n_unique() - len(ids),
        )

    @property
    def ks(self) -> tuple[int, ...]:
        """The lengths of list, ascending, each once."""
        return tuple(sorted(set(self.config.ks)))

    def ask(self, pipeline: Pipeline) -> Evaluation:
        """Let a pipeline answer for every user, in chunks, so that memory does not grow with their number.

        Raises:
            ValueError: the pipeline ranks another catalogue.
        """
        if not pipeline.catalogue.ids.equals(self.catalogue.ids):
            raise ValueError("the pipeline ranks another catalogue than the question was made for")
        k, size = self.ks[-1], len(self.catalogue)
        within = None if len(self.candidates) == size else torch.from_numpy(self.candidates)
        step = max(min(CELLS // size, USERS), 1)
        ranked = np.full((len(self.ids), min(k, size)), ABSENT, dtype=np.int64)
        for start in range(0, len(self.ids), step):
            rows = self._answer(pipeline, torch.arange(start, min(start + step, len(self.ids))), k, within)
            ranked[start : start + step, : rows.shape[1]] = rows
        hit = metrics.hits(ranked, self.relevant)
        return Evaluation(
            question=self,
            ranked=ranked,
            per_user=metrics.per_user(hit, self.relevant.counts, self.ks),
            coverage={f"coverage@{n}": metrics.coverage(ranked, n, len(self.candidates)) for n in self.ks},
        )

    def _answer(self, pipeline: Pipeline, positions: Tensor, k: int, within: Tensor | None) -> Ints:
        some = self.users.select(positions)
        found: Ints = pipeline.recommend(some, k, exclude_seen=not self.config.repeats, within=within).rows.numpy()
        return found

    def describe(self) -> str:
        """The protocol in words, for people who read the report."""
        if self.config.cold_items:
            compete, new = "the whole catalogue competes", "also items that nobody had before"
        else:
            compete, new = "every item known at the cut competes", "none that nobody had before"
        own = "may be recommended and count" if self.config.repeats else "are left out and do not count"
        silent = f" {self.n_silent:,} more users had nothing left to find." if self.n_silent else ""
        return (
            f"Each of {len(self.ids):,} users is asked once, at the cut, from all that was known of them by "
            f"then. To find is what they took up afterwards: {len(self.relevant.rows):,} items in all, {new}."
            f"{silent}\n"
            f"Full ranking: {compete}, nothing is sampled; items that a user already had {own}."
        )


def evaluate(
    pipeline: Pipeline,
    known: pl.DataFrame,
    hidden: pl.DataFrame,
    profiles: pl.DataFrame,
    *,
    config: EvaluateConfig | None = None,
) -> Evaluation:
    """Prepare the question and ask it, once; arguments and errors as `Question.prepare`."""
    question = Question.prepare(pipeline.space, pipeline.catalogue, known, hidden, profiles, config=config)
    return question.ask(pipeline)


def _targets(known: pl.DataFrame, hidden: pl.DataFrame, config: EvaluateConfig) -> pl.DataFrame:
    """Who is to find what: distinct pairs of user and item, in the order of users."""
    pairs = hidden.lazy().select(USER, ITEM).unique()
    if not config.repeats:
        pairs = pairs.join(known.lazy().select(USER, ITEM), on=[USER, ITEM], how="anti")
    if not config.cold_items:
        pairs = pairs.join(known.lazy().select(ITEM), on=ITEM, how="semi")
    return pairs.sort(USER, ITEM).collect()


def _relevant(targets: pl.DataFrame, catalogue: Catalogue) -> Relevant:
    """The targets as rows; items that the catalogue lacks get rows after its last: they are misses."""
    rows = catalogue.rows(targets[ITEM]).numpy()
    beyond = len(catalogue) - 1 + targets[ITEM].rank("dense").to_numpy().astype(np.int64)
    counts = targets.group_by(USER, maintain_order=True).len()["len"].to_numpy()
    return Relevant(np.concatenate([[0], counts.cumsum()]).astype(np.int64), np.where(rows >= 0, rows, beyond))
