# SPDX-License-Identifier: Apache-2.0
"""THE definition of who is asked and what is hidden. Early stopping, reports and tuning all ask here.

1. `cut` makes three tables of a split: what may be *learned* from, what is *known* of users when they are asked,
   and what is *hidden*. Known is what was learned from, and, of users who were held out whole, what is given.
2. Each user of the hidden events is asked once, with a history of all their known events.
3. To find are the items that they leaned towards in hidden events (no mere impression, no dislike, no return),
   each once: less those they already had (unless `repeats`), less cold ones, which nobody had among the events
   that may be learned from (`cold_items = true` leaves them in, "only" leaves nothing else). A user with nothing
   left to find is not asked.
4. Every item that is not cold competes (with `cold_items = true` the whole catalogue, with "only" the cold ones),
   less what the user already had. Nothing is sampled. An item to find that the model cannot recommend is a miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
import numpy as np
import polars as pl
import torch

from penchant.errors import DataError
from penchant.evaluate import metrics
from penchant.evaluate.metrics import ABSENT, Bools, Floats, Ints, Relevant
from penchant.features.history import deeds
from penchant.schema import ITEM, TIME, TYPE, USER, Meaning
from penchant.threads import side_by_side

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Users
    from penchant.data.splits import Split, SplitKind
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.recommend.pipeline import Pipeline
    from penchant.schema import Schema

CELLS = 8_000_000
"""Scores (users times items) that a thread holds at once: 32 MB, about three times that while they are ranked."""
USERS = 1024
"""The most users that a thread asks about at once, for the sake of what a model holds for each of them."""

K = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class EvaluateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[evaluate]` table."""

    ks: Annotated[tuple[K, ...], msgspec.Meta(min_length=1)] = (5, 10, 20, 50)
    """Lengths of list that are judged."""
    cold_items: bool | Literal["only"] = False
    """Whether items that nobody had before the cut compete and are to be found; "only": nothing else does."""
    repeats: bool = False
    """Whether items that the user already had compete and are to be found."""
    bootstrap: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    """How many times the users are drawn for the intervals."""
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    """Probability inside the intervals."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of the draws."""


class Cut(NamedTuple):
    """One stage of a split, as three tables of canonical events in order of arrival.

    Attributes:
        learned: what may be learned from, and what says which items are cold.
        known: what is known of users when they are asked; holds `learned`.
        hidden: what is to be found.
        kind: how the split came about.
    """

    learned: pl.DataFrame
    known: pl.DataFrame
    hidden: pl.DataFrame
    kind: SplitKind = "given"


def cut(split: Split, part: Literal["validation", "test"]) -> Cut:
    """What is hidden is the split's `part`; known is what is learned from, and what is given."""
    earlier = ("train",) if part == "validation" else ("train", "validation_given", "validation")
    learned = split.train if part == "validation" else split.refit
    given = f"{part}_given"
    known = split.scan(*earlier, given).collect() if given in split.parts else learned
    return Cut(learned, known, split.validation if part == "validation" else split.test, split.kind)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one pipeline answered, and how good that was. B users, K = the largest k or the catalogue's size.

    Attributes:
        question: what was asked.
        ranked: [B, K] int64 catalogue rows, best first, -1 where a list is shorter.
        hit: [B, K] bool, which of them were to be found.
        per_user: {"ndcg@10": [B] float64, ...}.
        overall: {"coverage@10": share of the competing items that anyone was shown, ...}: what belongs to no user.
    """

    question: Question
    ranked: Ints
    hit: Bools
    per_user: dict[str, Floats]
    overall: dict[str, float]

    def means(self) -> dict[str, float]:
        """Every metric averaged over the users, and what belongs to no user."""
        return {name: float(values.mean()) for name, values in self.per_user.items()} | self.overall


@dataclass(frozen=True, kw_only=True)
class Question:
    """Users, what is known of them, and what they are to be recommended. Made by `prepare`, asked often.

    Attributes:
        config: the choices that made it.
        ids: [B] raw ids of those who are asked, ascending.
        users: the same, as a model sees them.
        catalogue: what rows are rows of.
        relevant: the rows to find; one beyond the catalogue is an item that no list can hold.
        times: [R] int64, when each was first taken up, in microseconds.
        items: [R] their raw ids.
        candidates: [M] catalogue rows that compete, ascending.
        popularity: [N] int64, how many of the events that may be learned from each catalogue row has.
        dated: whether times are times, and not a mere order.
        n_known: known events.
        n_silent: users of hidden events who are not asked, since nothing is left to find.
    """

    config: EvaluateConfig
    ids: pl.Series
    users: Users
    catalogue: Catalogue
    relevant: Relevant
    times: Ints
    items: pl.Series
    candidates: Ints
    popularity: Ints
    dated: bool
    n_known: int
    n_silent: int

    @classmethod
    def prepare(
        cls,
        space: FeatureSpace,
        catalogue: Catalogue,
        asked: Cut,
        profiles: pl.DataFrame,
        *,
        config: EvaluateConfig | None = None,
    ) -> Question:
        """Cut out what is asked.

        Args:
            space: the feature space of the models that will be asked.
            catalogue: the items that they rank.
            asked: what is known and what is hidden.
            profiles: the user table.
            config: the run file's `[evaluate]`; where items were held out, they are what is to be found.

        Raises:
            DataError: no user has anything to find, or no item competes.
        """
        config = config or EvaluateConfig()
        if asked.kind == "cold_items" and not config.cold_items:
            config = msgspec.structs.replace(config, cold_items="only")
        # What was merely shown to somebody, they did not have.
        had = asked._replace(learned=deeds(asked.learned, space.schema), known=deeds(asked.known, space.schema))
        targets = _targets(had, config, _silent(space.schema))
        if not targets.height:
            wanted = "nobody" if config.cold_items == "only" else "others"
            raise DataError(
                f"nothing to evaluate: none of {asked.hidden.height} hidden events is of an item that its user "
                f"did not have before and {wanted} had; hide more events, or set cold_items or repeats in "
                "[evaluate]"
            )
        ids = targets[USER].unique().sort()
        rows = catalogue.rows(had.learned[ITEM])
        popularity = np.bincount(rows[rows >= 0].numpy(), minlength=len(catalogue)).astype(np.int64)
        candidates = _candidates(popularity, config)
        if not len(candidates):
            raise DataError("nothing to evaluate: the catalogue holds no item of the known events")
        return cls(
            config=config,
            ids=ids,
            users=space.users(ids, asked.known, catalogue, profiles),
            catalogue=catalogue,
            relevant=_relevant(targets, catalogue),
            times=targets[TIME].to_numpy(),
            items=targets[ITEM],
            candidates=candidates,
            popularity=popularity,
            dated=space.schema.has_time,
            n_known=asked.known.height,
            n_silent=asked.hidden[USER].n_unique() - len(ids),
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

        def answer(start: int) -> None:
            rows = self._answer(pipeline, torch.arange(start, min(start + step, len(self.ids))), k, within)
            ranked[start : start + step, : rows.shape[1]] = rows

        starts = range(0, len(self.ids), step)
        with side_by_side() as each:
            # The first alone: it makes what the pipeline keeps for the others.
            each(answer, starts[:1])
            each(answer, starts[1:])
        hit = metrics.hits(ranked, self.relevant)
        return Evaluation(
            question=self,
            ranked=ranked,
            hit=hit,
            per_user=metrics.per_user(hit, self.relevant.counts, self.ks),
            overall={f"coverage@{n}": metrics.coverage(ranked, n, len(self.candidates)) for n in self.ks},
        )

    def _answer(self, pipeline: Pipeline, positions: Tensor, k: int, within: Tensor | None) -> Ints:
        some = self.users.select(positions)
        found: Ints = pipeline.recommend(some, k, exclude_seen=not self.config.repeats, within=within).rows.numpy()
        return found

    def describe(self) -> str:
        """The protocol in words, for people who read the report."""
        compete, new = {
            True: ("the whole catalogue competes", "also items that nobody had before"),
            False: ("every item known at the cut competes", "none that nobody had before"),
            "only": ("every item that nobody had before competes", "only such that nobody had before"),
        }[self.config.cold_items]
        own = "may be recommended and count" if self.config.repeats else "are left out and do not count"
        silent = f" {self.n_silent:,} more users had nothing left to find." if self.n_silent else ""
        return (
            f"Each of {len(self.ids):,} users is asked once, at the cut, from all that was known of them by "
            f"then. To find is what they took up afterwards: {len(self.relevant.rows):,} items in all, {new}."
            f"{silent}\n"
            f"Full ranking: {compete}, nothing is sampled; items that a user already had {own}."
        )


def evaluate(
    pipeline: Pipeline, asked: Cut, profiles: pl.DataFrame, *, config: EvaluateConfig | None = None
) -> Evaluation:
    """Prepare the question and ask it, once; arguments and errors as `Question.prepare`."""
    return Question.prepare(pipeline.space, pipeline.catalogue, asked, profiles, config=config).ask(pipeline)


def _silent(schema: Schema) -> list[str]:
    """Types of event that say nothing of leaning towards an item."""
    return [name for name, said in schema.meanings.items() if said.sign < 1 or said.meaning is Meaning.IMPRESSION]


def _targets(asked: Cut, config: EvaluateConfig, silent: list[str]) -> pl.DataFrame:
    """Who is to find what, and when it was first taken up: distinct pairs, in the order of users."""
    leaned = asked.hidden.lazy().filter(~pl.col(TYPE).is_in(silent))
    pairs = leaned.group_by(USER, ITEM).agg(pl.col(TIME).min())
    if not config.repeats:
        pairs = pairs.join(asked.known.lazy().select(USER, ITEM), on=[USER, ITEM], how="anti")
    if config.cold_items is not True:
        how: Literal["anti", "semi"] = "anti" if config.cold_items else "semi"
        pairs = pairs.join(asked.learned.lazy().select(ITEM), on=ITEM, how=how)
    return pairs.sort(USER, ITEM).collect()


def _candidates(popularity: Ints, config: EvaluateConfig) -> Ints:
    if config.cold_items is True:
        return np.arange(len(popularity))
    return np.flatnonzero(popularity == 0 if config.cold_items else popularity)


def _relevant(targets: pl.DataFrame, catalogue: Catalogue) -> Relevant:
    """The targets as rows; items that the catalogue lacks get rows after its last: they are misses."""
    rows = catalogue.rows(targets[ITEM]).numpy()
    beyond = len(catalogue) - 1 + targets[ITEM].rank("dense").to_numpy().astype(np.int64)
    counts = targets.group_by(USER, maintain_order=True).len()["len"].to_numpy()
    return Relevant(np.concatenate([[0], counts.cumsum()]).astype(np.int64), np.where(rows >= 0, rows, beyond))
