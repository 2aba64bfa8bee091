# SPDX-License-Identifier: Apache-2.0
"""Things in the times of events that look wrong: rushes, holes, midnight, machines, sudden fame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.data.rules.bots import Bots
from penchant.data.rules.duplicates import NearDuplicates
from penchant.data.rules.rule import AT, Known
from penchant.profile.counts import DAY
from penchant.profile.facts import Finding
from penchant.profile.suspicious import NAMED
from penchant.profile.view import run
from penchant.schema import ITEM, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penchant.profile.facts import Sizes
    from penchant.profile.view import View

RUSH = 10
"""A day with this many times the usual number of events is told."""
JUMP = 10
"""A week with this many times an item's usual number of events is told."""
WATCHED = 200
"""The most popular items, whose weeks are looked at."""
WEEK = 7 * DAY
_FEW_DAYS = 14
_FEW_WEEKS = 8
_HOLE = 3
_NEAR = 2.0
_NEAR_SHARE = 0.01


def of_days(view: View, sizes: Sizes) -> Iterator[Finding]:
    """One day with ten times the usual number of events, or days without any."""
    if sizes.first is None or sizes.last is None:
        return
    days = run(view.events.group_by((pl.col(TIME) // DAY).alias("day")).agg(pl.len().alias("n"))).sort("day")
    if days.height < _FEW_DAYS:
        return
    usual = float(np.median(days["n"].to_numpy()))
    rush = days.filter(pl.col("n") >= RUSH * usual).sort("n", "day", descending=[True, False])
    if rush.height:
        more = f" There are {rush.height - 1} more such days." if rush.height > 1 else ""
        yield Finding(
            level="warn",
            title="A day with far more events than usual",
            words=f"{date(rush['day'][0])} has {rush['n'][0]:,}; the median of days is {usual:,.0f}.{more}",
            advice="An import, a campaign or a machine? If it is the time of an import, it says nothing of order.",
        )
    span = sizes.last // DAY - sizes.first // DAY + 1
    holes = days.select("day", empty=pl.col("day").diff() - 1).sort("empty", descending=True, nulls_last=True)
    longest = int(holes["empty"][0])
    # A shop that is closed one day in seven has no hole.
    if longest >= _HOLE and days.height > 0.5 * span:
        yield Finding(
            level="note",
            title="Days without any event",
            words=f"{span - days.height:,} of {span:,} days; the longest gap is {longest} days "
            f"from {date(holes['day'][0] - longest)}.",
            advice="A holiday, or a part of the log that is missing?",
        )


def of_clock(view: View, sizes: Sizes) -> Iterator[Finding]:
    """Times that are dates only, and events of one user that share a moment."""
    if sizes.first is None:
        return
    some, _ = view.some_users
    tied = pl.len().over(USER, TIME) > 1
    found = run(some.select(midnight=(pl.col(TIME) % DAY == 0).mean(), tied=tied.mean())).row(0)
    midnight, ties = float(found[0] or 0), float(found[1] or 0)
    if midnight > 0.5:
        yield Finding(
            level="warn",
            title="Times are dates only" if midnight == 1 else "Most times are midnight",
            words=f"{midnight:.0%} of events happened at 00:00:00 UTC sharp.",
            advice="The order within a day is that of the file; sessions, gaps and bots cannot be told.",
        )
    elif ties > 0.5:
        yield Finding(
            level="note",
            title="Many events share a moment",
            words=f"{ties:.0%} of events have the user and the time of another one: a basket, a form, or a "
            "coarse clock.",
            advice="Their order is that of the file: what comes next within a moment is partly chance.",
        )


def of_speed(view: View, sizes: Sizes) -> Iterator[Finding]:
    """Users who are faster or more regular than a person, and events that are nearly doubled."""
    if sizes.first is None:
        return
    some, step = view.some_users
    events = run(some.with_row_index(AT).with_columns(pl.col(AT).cast(pl.Int64)).sort(TIME, AT)).lazy()
    total = int(run(events.select(pl.len())).item())
    scope = "" if step == 1 else f" (looked for among one user in {step})"
    known = Known(meanings=view.dataset.schema.meanings)
    bots = Bots(Bots.Config(), known).broken(events).join(events.select(AT, USER), on=AT)
    count, users = run(bots.select(pl.len(), pl.col(USER).n_unique())).row(0)
    if users:
        yield Finding(
            level="warn",
            title="Users who cannot be people",
            words=f"{users:,} users with {count:,} events are faster or more regular than a person{scope}.",
            advice="bots = true in [data.checks.rules] takes them out.",
        )
    near = NearDuplicates(NearDuplicates.Config(within=_NEAR), known).broken(events)
    doubled = int(run(near.select(pl.len())).item())
    if doubled > _NEAR_SHARE * total:
        yield Finding(
            level="note",
            title="Events that are nearly doubled",
            words=f"{doubled:,} events ({doubled / total:.1%}) have the user, item and type of one at most "
            f"{_NEAR:g} seconds before{scope}.",
            advice="If that is a double click and not a second piece, near_duplicates in [data.checks.rules] "
            "takes them out.",
        )


def of_popularity(view: View, sizes: Sizes) -> Iterator[Finding]:
    """Items whose best week is far above their usual one."""
    if sizes.first is None or sizes.last is None or sizes.last - sizes.first < _FEW_WEEKS * WEEK:
        return
    counted = view.events.group_by(ITEM).agg(pl.len().alias("n"))
    top = run(counted.sort("n", ITEM, descending=[True, False]).head(WATCHED)).select(ITEM)
    week = (pl.col(TIME) // WEEK).alias("week")
    watched = view.events.join(top.lazy(), on=ITEM, how="semi")
    weeks = run(watched.group_by(ITEM, week).agg(pl.len().alias("n"))).sort("week")
    jumps = weeks.group_by(ITEM).agg(
        best=pl.col("n").max(),
        usual=pl.col("n").median(),
        weeks=pl.len(),
        when=pl.col("week").get(pl.col("n").arg_max()),
    )
    high = (pl.col("best") >= 50) & (pl.col("best") >= JUMP * pl.col("usual"))
    jumps = jumps.filter(high & (pl.col("weeks") >= _FEW_WEEKS)).sort("best", ITEM, descending=[True, False])
    if jumps.is_empty():
        return
    shown = "; ".join(
        f"{name}: {best:,} events in the week of {date(when * 7)}, usually {usual:g}"
        for name, best, usual, when in zip(
            view.names(jumps[ITEM].head(NAMED)), *jumps.select("best", "usual", "when").head(NAMED), strict=True
        )
    )
    yield Finding(
        level="note",
        title="Items whose popularity jumps",
        words=f"{jumps.height} of the {min(WATCHED, sizes.items)} most popular items. {shown}.",
        advice="A season, a campaign, a bulk order? Popularity of all times misleads here; half_life helps.",
    )


def date(day: int) -> str:
    """A day since 1970 as ISO 8601 has it."""
    return str(np.datetime64(int(day), "D"))
