# SPDX-License-Identifier: Apache-2.0
"""Events into train, validation and test: by time, each user's last ones, whole users, whole items, or as given.

Nothing is dropped here. What cannot be asked of a model (a user or item that training never saw) is left
out where models are judged, so that all of them are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import polars as pl

from penchant.data import holdout
from penchant.data.dataset import PART
from penchant.errors import ConfigError, DataError
from penchant.schema import EVENT_COLUMNS, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Callable

    from penchant.data.dataset import Dataset

Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
SplitKind = Literal["auto", "time", "leave_last_out", "strong_generalisation", "cold_users", "cold_items", "given"]


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
    """Tables of events in the canonical columns, each sorted by time.

    What they mean for who is asked and what is hidden: `penchant.evaluate.protocol.cut`.

    Attributes:
        kind: how they were divided, never "auto".
        train: what models learn from.
        validation: what says when training ends.
        test: what models are measured on.
        validation_given: of held-out users, what models are told when they are asked about `validation`; nothing
            is learned from it. None where no users are held out.
        test_given: the same for `test`.
    """

    kind: SplitKind
    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame
    validation_given: pl.DataFrame | None = None
    test_given: pl.DataFrame | None = None

    @property
    def refit(self) -> pl.DataFrame:
        """All that may be learned from before the test, sorted by time: what the final fit learns from."""
        return joined(self.train, self.validation_given, self.validation)

    @property
    def everything(self) -> pl.DataFrame:
        """All events, sorted by time."""
        return joined(self.refit, self.test_given, self.test)


def joined(*parts: pl.DataFrame | None) -> pl.DataFrame:
    """Parts together, sorted by time; None is an absent one."""
    return pl.concat([part for part in parts if part is not None]).sort(TIME, maintain_order=True)


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
    part = _KINDS[kind](dataset.events, config)
    events = dataset.events.select(EVENT_COLUMNS)
    parts = {name: events.filter(part == name) for name in ("train", "validation", "test")}
    if parts["train"].is_empty():
        raise DataError(f"{dataset.name}: {events.height} events are too few to split; none is left for train")
    told = {name: events.filter(part == name) for name in holdout.GIVEN.values() if (part == name).any()}
    return Split(kind=kind, **parts, **told)


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


_KINDS: dict[str, Callable[[pl.DataFrame, SplitConfig], pl.Series]] = {
    "time": _by_time,
    "leave_last_out": _leave_last_out,
    "strong_generalisation": holdout.by_users,
    "cold_users": holdout.by_users,
    "cold_items": holdout.by_items,
    "given": _given,
}


def _parts(*, test: pl.Expr, validation: pl.Expr) -> pl.Expr:
    return (
        pl.when(test).then(pl.lit("test")).when(validation).then(pl.lit("validation")).otherwise(pl.lit("train"))
    )
