# SPDX-License-Identifier: Apache-2.0
"""Events into train, validation and test: by time, each user's last ones, or as the source gave them.

Nothing is dropped here. What cannot be asked of a model (a user or item that training never saw) is left
out where models are judged, so that all of them are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import polars as pl

from penchant.data.dataset import PART
from penchant.errors import ConfigError, DataError
from penchant.schema import EVENT_COLUMNS, TIME, USER

if TYPE_CHECKING:
    from penchant.data.dataset import Dataset

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
    """Three tables of events in the canonical columns, each sorted by time."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame

    @property
    def refit(self) -> pl.DataFrame:
        """Train and validation together, sorted by time: what the final fit learns from."""
        return pl.concat([self.train, self.validation]).sort(TIME, maintain_order=True)


def split(dataset: Dataset, config: SplitConfig) -> Split:
    """Divide the events of a data set.

    Raises:
        ConfigError: given parts are wanted, and the source gave none.
        DataError: nothing is left for train.
    """
    kind = config.kind
    has_parts = PART in dataset.events.columns
    if kind == "auto":
        kind = "given" if has_parts else "time"
    if kind == "given" and not has_parts:
        raise ConfigError(
            '[data.split]: kind = "given" needs train, validation and test in [data.events] instead of path'
        )
    part = {"time": _by_time, "leave_last_out": _leave_last_out, "given": _given}[kind](dataset.events, config)
    events = dataset.events.select(EVENT_COLUMNS)
    parts = {name: events.filter(part == name) for name in ("train", "validation", "test")}
    if parts["train"].is_empty():
        raise DataError(f"{dataset.name}: {events.height} events are too few to split; none is left for train")
    return Split(**parts)


def _given(events: pl.DataFrame, config: SplitConfig) -> pl.Series:
    del config
    return events[PART]


def _by_time(events: pl.DataFrame, config: SplitConfig) -> pl.Series:
    # The decimal that the user wrote, not the nearest binary fraction, says where the cuts fall.
    test, validation = Fraction(str(config.test)), Fraction(str(config.validation))
    first_cut = int(events.height * (1 - validation - test))
    second_cut = int(events.height * (1 - test))
    row = pl.int_range(pl.len())
    return events.select(_parts(test=row >= second_cut, validation=row >= first_cut)).to_series()


def _leave_last_out(events: pl.DataFrame, config: SplitConfig) -> pl.Series:
    count = pl.len().over(USER)
    left = count - 1 - pl.int_range(pl.len()).over(USER)
    enough = count >= config.min_events
    return events.select(_parts(test=enough & (left == 0), validation=enough & (left == 1))).to_series()


def _parts(*, test: pl.Expr, validation: pl.Expr) -> pl.Expr:
    return (
        pl.when(test).then(pl.lit("test")).when(validation).then(pl.lit("validation")).otherwise(pl.lit("train"))
    )
