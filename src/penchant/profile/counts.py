# SPDX-License-Identifier: Apache-2.0
"""Sizes, event types, events over time, and how events are spread over users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.data.dataset import PART
from penchant.profile.facts import PARTS, Histogram, Sizes, Tail, TypeFacts
from penchant.profile.view import EXACT, distinct, run
from penchant.schema import ITEM, MICROSECONDS, TIME, TYPE, USER, VALUE, EventType

if TYPE_CHECKING:
    from penchant.profile.view import View

HOUR = 3600 * MICROSECONDS
DAY = 24 * HOUR
UNITS = {
    "minute": ("1m", 60 * MICROSECONDS),
    "hour": ("1h", HOUR),
    "day": ("1d", DAY),
    "week": ("1w", 7 * DAY),
    "month": ("1mo", 30 * DAY),
    "quarter": ("1q", 91 * DAY),
    "year": ("1y", 365 * DAY),
}
BINS = 250
"""The most bins of a chart over time."""
LORENZ = 20
LEADERS = 5
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


def sizes(view: View) -> Sizes:
    """How large everything is."""
    dataset, events = view.dataset, view.events
    found = run(
        events.select(
            users=pl.col(USER).n_unique(),
            items=pl.col(ITEM).n_unique(),
            first=pl.col(TIME).min(),
            last=pl.col(TIME).max(),
        )
    ).row(0, named=True)
    pairs = distinct(events, {"pairs": pl.struct(USER, ITEM)}, view.height)["pairs"]
    parts = dict(run(view.divided.group_by(PART).agg(pl.len())).rows())
    clock = dataset.schema.has_time
    reviews, social = (getattr(dataset, name, None) for name in ("reviews", "social"))
    return Sizes(
        events=view.height,
        users=found["users"],
        items=found["items"],
        catalogue=dataset.items.height,
        user_rows=dataset.users.height,
        reviews=None if reviews is None else reviews.height,
        social=None if social is None else social.height,
        pairs=pairs,
        pairs_exact=view.height <= EXACT,
        first=found["first"] if clock else None,
        last=found["last"] if clock else None,
        parts={name: int(parts.get(name, 0)) for name in PARTS},
    )


def types(view: View) -> tuple[TypeFacts, ...]:
    """Each event type, the most frequent first."""
    found = run(
        view.events.group_by(TYPE).agg(
            events=pl.len(), users=pl.col(USER).n_unique(), values=pl.col(VALUE).count()
        )
    ).sort("events", TYPE, descending=[True, False])
    meanings = view.dataset.schema.meanings
    rows = []
    for name, events, users, values in found.iter_rows():
        said = meanings.get(name, EventType())
        rows.append(
            TypeFacts(
                name=name, meaning=said.meaning.value, strength=said.strength, sign=said.sign,
                events=events, users=users, values=values,
            )
        )  # fmt: skip
    return tuple(rows)


def over_time(view: View, sized: Sizes) -> tuple[Histogram, str]:
    """Events in each minute, hour, ... or year, whichever gives at most `BINS` bins, by part; and that unit."""
    if sized.first is None or sized.last is None:
        return _over_positions(view), "position"
    span = sized.last - sized.first
    unit = next((name for name, (_, ticks) in UNITS.items() if span <= BINS * ticks), "year")
    every = UNITS[unit][0]
    moment = pl.col(TIME).cast(pl.Datetime("us")).dt.truncate(every)
    found = run(view.divided.group_by(moment.alias("bin"), PART).agg(pl.len()))
    ends = found.select(pl.datetime_ranges(pl.col("bin").min(), pl.col("bin").max(), every, time_unit="us"))
    bins = ends.to_series().explode().alias("bin").to_frame()
    wide = found.pivot(on=PART, index="bin", values="len")
    whole = bins.join(wide, on="bin", how="left", maintain_order="left").fill_null(0)
    starts = whole["bin"].cast(pl.Int64).to_list()
    end = whole["bin"].tail(1).dt.offset_by(every).cast(pl.Int64).item()
    return Histogram(starts=(*starts, end), counts=_columns(whole)), unit


def hours(view: View, sized: Sizes) -> tuple[int, ...]:
    """Events in each hour of the day, UTC; empty where times are a mere order."""
    if sized.first is None:
        return ()
    hour = (pl.col(TIME) % DAY) // HOUR
    found = dict(run(view.events.group_by(hour.alias("hour")).agg(pl.len())).rows())
    return tuple(int(found.get(n, 0)) for n in range(24))


def tail(view: View, column: str) -> Tail:
    """How events are spread over users or items.

    Args:
        view: the events.
        column: the id of those.
    """
    counted = run(view.events.group_by(column).agg(pl.len().alias("n")))
    counted = counted.sort("n", column, descending=[True, False])
    counts = counted["n"].to_numpy()
    leaders = counted.head(LEADERS)
    words = view.names(leaders[column]) if column == ITEM else leaders[column].cast(pl.String)
    ascending = counts[::-1].astype(np.float64)
    running = np.append(0.0, ascending.cumsum()) / max(ascending.sum(), 1.0)
    at = np.linspace(0, len(counts), LORENZ + 1)
    lorenz = np.interp(at, np.arange(len(running)), running)
    return Tail(
        gini=float(1 - 2 * np.trapezoid(running, dx=1 / max(len(counts), 1))),
        lorenz=tuple(map(float, lorenz)),
        quantiles=tuple(map(float, np.quantile(counts, _QUANTILES))),
        once=float((counts == 1).mean()),
        top=float(counts[: max(len(counts) // 100, 1)].sum() / counts.sum()),
        lengths=_powers(counts),
        leaders=tuple(zip(words.to_list(), leaders["n"].to_list(), strict=True)),
    )


def _powers(counts: np.ndarray) -> Histogram:
    """How many have 1, 2-3, 4-7, ... events."""
    bins = np.bincount(np.log2(counts).astype(np.int64))
    return Histogram(starts=tuple(2.0**n for n in range(len(bins) + 1)), counts={"all": tuple(map(int, bins))})


def _over_positions(view: View) -> Histogram:
    """Without a clock: the events in `BINS` runs of about the same length, in their order."""
    length = max(-(-view.height // BINS), 1)
    ordered = view.divided.select(TIME, PART).sort(TIME, maintain_order=True).with_row_index("_n")
    found = run(ordered.group_by((pl.col("_n") // length).alias("bin"), PART).agg(pl.len()))
    wide = found.pivot(on=PART, index="bin", values="len").sort("bin").fill_null(0)
    starts = [float(n * length) for n in wide["bin"].to_list()]
    return Histogram(starts=(*starts, float(view.height)), counts=_columns(wide))


def _columns(wide: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    return {name: tuple(wide[name].to_list()) for name in PARTS if name in wide.columns}
