# SPDX-License-Identifier: Apache-2.0
"""Events into train, validation and test: by time, each user's last ones, or as the source gave them.

Nothing is dropped here. What cannot be asked of a model (a user or item that training never saw) is left
out where models are judged, so that all of them are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import polars as pl

from penchant.data.dataset import PART
from penchant.errors import ConfigError, DataError
from penchant.schema import USER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from penchant.data.dataset import Dataset

_PARTS = ("train", "validation", "test")
_ROW = "_row"

Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class SplitConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.split]`."""

    kind: Literal["auto", "time", "leave_last_out", "given"] = "auto"
    """auto: "given" where the source gave parts, else "time"."""
    validation: Share = 0.1
    """time: the fraction of all events that stand just before the test part."""
    test: Share = 0.1
    """time: the fraction of all events that come last."""
    min_events: Annotated[int, msgspec.Meta(ge=3)] = 3
    """leave_last_out: users with fewer events stay in train as a whole."""

    def __post_init__(self) -> None:
        """Leave something to learn from."""
        if self.validation + self.test >= 1:
            raise ConfigError("[data.split]: validation and test must leave a part of the events for train")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Events in three parts, each sorted by time, with all columns but `part`.

    Attributes:
        pick: the events of some of the parts "train", "validation" and "test", in the order of time, to be read
            lazily.
    """

    pick: Callable[[Collection[str]], pl.LazyFrame]

    def scan(self, *parts: str) -> pl.LazyFrame:
        """The events of the named parts together, sorted by time; nothing is read yet."""
        return self.pick(parts)

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
        """Train and validation together, sorted by time: what the final fit learns from."""
        return self.scan("train", "validation").collect()


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
    parts = {"time": _by_time, "leave_last_out": _leave_last_out, "given": _given}[kind](dataset, config)
    if parts.scan("train").head(1).collect(engine="streaming").is_empty():
        count = dataset.event_count
        raise DataError(f"{dataset.name}: {count} events are too few to split; none is left for train")
    return parts


def _given(dataset: Dataset, config: SplitConfig) -> Split:
    del config

    def pick(names: Collection[str]) -> pl.LazyFrame:
        return dataset.scan_events().filter(pl.col(PART).is_in(list(names))).drop(PART)

    return Split(pick=pick)


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

    return Split(pick=pick)


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
    marked = {
        "test": ends.select(pl.col("test").alias(_ROW)),
        "validation": before.select(pl.col("validation").alias(_ROW)),
    }

    def pick(names: Collection[str]) -> pl.LazyFrame:
        numbered = dataset.scan_events().drop(PART, strict=False).with_row_index(_ROW)
        if "train" in names:
            out = pl.concat([rows for name, rows in marked.items() if name not in names] or [_none(marked)])
            how: Literal["semi", "anti"] = "anti"
        else:
            out, how = pl.concat([marked[name] for name in names]), "semi"
        return numbered.join(out.lazy(), on=_ROW, how=how, maintain_order="left").drop(_ROW)

    return Split(pick=pick)


def _none(marked: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return marked["test"].clear()
