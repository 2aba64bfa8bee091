# SPDX-License-Identifier: Apache-2.0
"""Events into train, validation and test: by time, each user's last ones, whole users, whole items, or as given.

Nothing is dropped here. What cannot be asked of a model (a user or item that training never saw) is left
out where models are judged, so that all of them are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import polars as pl

from penchant.data import holdout
from penchant.data.dataset import PART
from penchant.errors import ConfigError, DataError
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from penchant.data.dataset import Dataset

_PARTS = ("train", "validation", "test")
_ROW = "_row"

Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
SplitKind = Literal["auto", "time", "leave_last_out", "strong_generalisation", "cold_users", "cold_items", "given"]

WORDS: dict[SplitKind, str] = {
    "time": "Events are cut by global time",
    "leave_last_out": "Each user's last event is hidden, and the one before it chose when training ended",
    "strong_generalisation": "Some users are held out whole: models are told a part of their events and asked for "
    "the rest",
    "cold_users": "Some users are held out whole: models are told few of their events or none, and asked for the "
    "rest",
    "cold_items": "Some items are held out whole: every event of theirs is hidden",
    "given": "Events are cut as the source gave them",
}
"""What each kind says, in words."""


class SplitConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.split]`."""

    kind: SplitKind = "auto"
    """auto: "given" where the source gave parts, else "time"."""
    validation: Share = 0.1
    """The fraction of all events that stand just before the test part (time), of users or of items held out."""
    test: Share = 0.1
    """The fraction of all events that come last (time), of users or of items held out."""
    min_events: Annotated[int, msgspec.Meta(ge=3)] = 3
    """leave_last_out: users with fewer events stay in train as a whole."""
    given: Share = 0.8
    """strong_generalisation: the fraction of a held-out user's events that models are told."""
    given_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    """cold_users: how many of a held-out user's events models are told."""
    draw: Literal["time", "random"] = "time"
    """Which of a held-out user's events models are told: the first ones, or any."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of the draw of users or items that are held out."""

    def __post_init__(self) -> None:
        """Leave something to learn from."""
        if self.validation + self.test >= 1:
            raise ConfigError("[data.split]: validation and test must leave a part of the events for train")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Events in parts, each sorted by time, with all columns but `part`.

    What the parts mean for who is asked and what is hidden: `penchant.evaluate.protocol.cut`.

    Attributes:
        kind: how they were divided, never "auto".
        parts: the parts that there are: "train" (models learn from it), "validation" (it says when training ends)
            and "test" (models are measured on it), and of users who are held out whole "validation_given" and
            "test_given": what models are told of them beforehand, and do not learn from.
        pick: the events of some of the parts, in the order of time, to be read lazily.
    """

    kind: SplitKind
    parts: frozenset[str]
    pick: Callable[[Collection[str]], pl.LazyFrame]

    def scan(self, *parts: str) -> pl.LazyFrame:
        """The events of the named parts, those that there are, sorted by time; nothing is read yet."""
        return self.pick([part for part in parts if part in self.parts])

    @cached_property
    def train(self) -> pl.DataFrame:
        """What models learn from."""
        return self.scan("train").collect()

    @cached_property
    def validation(self) -> pl.DataFrame:
        """What says when training ends."""
        return self.scan("validation").collect()

    @cached_property
    def test(self) -> pl.DataFrame:
        """What models are measured on."""
        return self.scan("test").collect()

    @cached_property
    def refit(self) -> pl.DataFrame:
        """All that may be learned from before the test, sorted by time: what the final fit learns from."""
        return self.scan("train", "validation_given", "validation").collect()

    def blind(self) -> Split:
        """The same without the test part, and what is given of its users: for choosing."""
        return replace(self, parts=self.parts - {"test", "test_given"})

    @property
    def everything(self) -> pl.DataFrame:
        """All events, sorted by time."""
        return self.scan(*self.parts).collect()


def split(dataset: Dataset, config: SplitConfig) -> Split:
    """Divide the events of a data set, without a copy of them.

    Raises:
        ConfigError: given parts are wanted, and the source gave none.
        DataError: nothing is left for train.
    """
    kind = config.kind
    has_parts = PART in dataset.event_columns
    if kind == "auto":
        kind = "given" if has_parts else "time"
    if kind == "given" and not has_parts:
        raise ConfigError(
            '[data.split]: kind = "given" needs train, validation and test in [data.events] instead of path'
        )
    parts = _KINDS[kind](dataset, config)
    if parts.scan("train").head(1).collect(engine="streaming").is_empty():
        count = dataset.event_count
        raise DataError(f"{dataset.name}: {count} events are too few to split; none is left for train")
    return parts


def _given(dataset: Dataset, config: SplitConfig) -> Split:
    del config

    def pick(names: Collection[str]) -> pl.LazyFrame:
        return dataset.scan_events().filter(pl.col(PART).is_in(list(names))).drop(PART)

    there = set(dataset.scan_events().select(pl.col(PART).unique()).collect(engine="streaming")[PART])
    return Split(kind="given", parts=frozenset({*_PARTS, *there}), pick=pick)


def _by_time(dataset: Dataset, config: SplitConfig) -> Split:
    """Three stretches of rows."""
    # The decimal that the user wrote, not the nearest binary fraction, says where the cuts fall.
    test, validation = Fraction(str(config.test)), Fraction(str(config.validation))
    height = dataset.event_count
    cuts = (0, int(height * (1 - validation - test)), int(height * (1 - test)), height)
    stretches = dict(zip(_PARTS, pairwise(cuts), strict=True))

    def pick(names: Collection[str]) -> pl.LazyFrame:
        rows = dataset.scan_events().drop(PART, strict=False)
        wanted = [stretches[name] for name in _PARTS if name in names]
        joined = [wanted[0]]
        for first, last in wanted[1:]:
            joined = [*joined[:-1], (joined[-1][0], last)] if joined[-1][1] == first else [*joined, (first, last)]
        return pl.concat([rows.slice(first, last - first) for first, last in joined])

    return Split(kind="time", parts=frozenset(_PARTS), pick=pick)


def _leave_last_out(dataset: Dataset, config: SplitConfig) -> Split:
    """Positions of each user's last event and of the one before it; two numbers a user are all that is held."""
    rows = dataset.scan_events().select(USER).with_row_index(_ROW)
    ends = (
        rows.group_by(USER)
        .agg(pl.len().alias("count"), pl.col(_ROW).max().alias("test"))
        .filter(pl.col("count") >= config.min_events)
        .collect(engine="streaming")
    )
    before = (
        rows.join(ends.lazy().select(USER, "test"), on=USER)
        .filter(pl.col(_ROW) < pl.col("test"))
        .group_by(USER)
        .agg(pl.col(_ROW).max().alias("validation"))
        .collect(engine="streaming")
    )
    return _marked(dataset, "leave_last_out", {
        "test": ends.select(pl.col("test").alias(_ROW)),
        "validation": before.select(pl.col("validation").alias(_ROW)),
    })  # fmt: skip


def _held_out(dataset: Dataset, config: SplitConfig) -> Split:
    """Positions of the events of whole users or items."""
    draw, column = (holdout.by_items, ITEM) if config.kind == "cold_items" else (holdout.by_users, USER)
    part = draw(dataset.scan_events().select(column).collect(), config).alias(PART)
    rows = part.to_frame().with_row_index(_ROW)
    names = [name for name in part.unique() if name != "train"]
    return _marked(dataset, config.kind, {name: rows.filter(pl.col(PART) == name).select(_ROW) for name in names})


def _marked(dataset: Dataset, kind: SplitKind, marked: Mapping[str, pl.DataFrame]) -> Split:
    """Parts other than train as positions in the log; train is what is left."""

    def pick(names: Collection[str]) -> pl.LazyFrame:
        numbered = dataset.scan_events().drop(PART, strict=False).with_row_index(_ROW)
        if "train" in names:
            out = [rows for name, rows in marked.items() if name not in names]
            how: Literal["semi", "anti"] = "anti"
        else:
            out, how = [marked[name] for name in names if name in marked], "semi"
        rows = pl.concat([pl.DataFrame(schema=numbered.collect_schema()).select(_ROW), *out])
        return numbered.join(rows.lazy(), on=_ROW, how=how, maintain_order="left").drop(_ROW)

    return Split(kind=kind, parts=frozenset({*_PARTS, *marked}), pick=pick)


_KINDS: dict[str, Callable[[Dataset, SplitConfig], Split]] = {
    "time": _by_time,
    "leave_last_out": _leave_last_out,
    "strong_generalisation": _held_out,
    "cold_users": _held_out,
    "cold_items": _held_out,
    "given": _given,
}
