# SPDX-License-Identifier: Apache-2.0
"""Programs among the users: too fast for a hand, or as regular as a clock."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import polars as pl

from penchant.data.rules.rule import AT, REASON, Choices, Known, Scope
from penchant.schema import MICROSECONDS, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Collection

_GAP = "_gap"
_SHORTEST_FAST = 10
_MOMENTS = 10
"""A window with fewer different times is a basket or a form, whatever is in it."""


class Bots:
    """All events of a user fall who was faster, or more regular, than a person can be.

    Rate: more than `events_per_minute` on average over `minutes` in a row. Regularity: `regular_events` gaps in
    a row that are all but equal (their standard deviation is less than `variation` of their mean), the mean
    being shorter than `slowest`: a weekly order is regular too, and no program. Gaps are looked at in blocks,
    so that a steady beat is surely found once it lasts twice as long. Gaps of zero say nothing here: many logs
    have no finer clock.

    Switch it on with care where a device reports by itself (a player that says every ten seconds that it still
    plays). Many events at one moment are a basket or a form, and no rate.
    """

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `bots`."""

        events_per_minute: Annotated[float, msgspec.Meta(gt=0)] = 120.0
        minutes: Annotated[float, msgspec.Meta(gt=0)] = 5.0
        """How long the rate must last."""
        regular_events: Annotated[int, msgspec.Meta(ge=10)] = 50
        """Gaps of one block."""
        variation: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.02
        """Standard deviation of a block's gaps, divided by their mean."""
        slowest: Annotated[float, msgspec.Meta(ge=0)] = 600.0
        """Seconds: blocks with a longer mean gap are never too regular; 0 asks for the rate alone."""

    name: ClassVar[str] = "bots"
    scope: ClassVar[Scope] = "user"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "a column time that is read off a clock"

    def __init__(self, config: Config, known: Known) -> None:
        self._config = config
        self._known = known

    def needs(self, columns: Collection[str]) -> bool:
        """Whether gaps between times mean anything."""
        return self._known.clock and TIME in columns

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Every event of those users."""
        sorted_ = events.select(AT, USER, TIME).sort(USER, TIME)
        both = pl.concat([self._fast(sorted_), self._regular(sorted_)])
        # A user who is both falls for the first reason.
        users = both.group_by(USER).agg(pl.col(REASON).min())
        found = events.select(AT, USER).join(users, on=USER, nulls_equal=True)
        return found.select(pl.col(AT).cast(pl.Int64), REASON)

    def _fast(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Users with more events than the window allows: some event and the one that many later are too close."""
        config = self._config
        most = max(ceil(config.events_per_minute * config.minutes), _SHORTEST_FAST)
        span = pl.col(TIME).shift(-most) - pl.col(TIME)
        same = pl.col(USER) == pl.col(USER).shift(-most)
        moment = (pl.col(TIME) != pl.col(TIME).shift()).fill_null(value=False).cum_sum()
        spread = moment.shift(-most) - moment >= _MOMENTS
        close = same & spread & (span < round(config.minutes * 60 * MICROSECONDS))
        reason = f"a bot: more than {most:,} events of the user within {config.minutes:g} minutes"
        return events.filter(close).select(USER, pl.lit(reason).alias(REASON))

    def _regular(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Users with a whole block of gaps that are all but equal."""
        config = self._config
        number = pl.int_range(pl.len()).over(USER)
        gaps = events.with_columns((pl.col(TIME).diff() / MICROSECONDS).alias(_GAP), number.alias("_number"))
        block = (pl.col("_number") - 1) // config.regular_events
        blocks = (
            gaps.filter(pl.col("_number") > 0)  # a user's first event has no gap of its own
            .group_by(USER, block.alias("_block"))
            .agg(pl.len().alias("n"), pl.col(_GAP).mean().alias("mean"), pl.col(_GAP).std(ddof=0).alias("std"))
        )
        steady = (
            (pl.col("n") == config.regular_events)
            & pl.col("mean").is_between(0, config.slowest, closed="right")
            & (pl.col("std") <= config.variation * pl.col("mean"))
        )
        reason = f"a bot: {config.regular_events:,} gaps in a row between the user's events are all but equal"
        return blocks.filter(steady).select(USER, pl.lit(reason).alias(REASON)).filter(pl.lit(config.slowest > 0))
