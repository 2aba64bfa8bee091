# SPDX-License-Identifier: Apache-2.0
"""The charts of a profile: which numbers go into which, and the words above them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from penchant.drawing import svg
from penchant.drawing.frame import figure
from penchant.drawing.svg import Point, Series
from penchant.profile import words
from penchant.profile.facts import PARTS

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from penchant.profile.facts import Drift, Histogram, Profile, Tail

STYLES = {"train": "s0", "validation": "s2", "test": "s1"}
USERS, ITEMS = "s0", "s1"
_MOST_LINES = 10
_ROOMY = 10
"""So many groups leave room for a second line under each."""


def over_time(profile: Profile) -> Element:
    """Events in each bin of time, by part of the split."""
    bins, unit = profile.over_time, profile.time_unit
    series = [Series(part, _points(bins.counts[part]), STYLES[part]) for part in PARTS if part in bins.counts]
    if profile.clock:
        names = [words.moment(start, unit) for start in bins.starts[:-1]]
        axes, what = ("Time (UTC)", f"Events a {unit}"), f"Events a {unit}"
    else:
        names = [f"from event {start:,.0f}" for start in bins.starts[:-1]]
        axes, what = ("Place in the order of events", "Events"), "Events in their order"
    marks = _marks(bins, unit)
    chart = svg.histogram(what, names, series, marks, axes, words.count)
    return figure(what, "Colours show what is learned from and what is hidden.", chart, series)


def hours(profile: Profile) -> Element:
    """Events in each hour of the day."""
    series = [Series("events", _points(profile.hours), "s0")]
    names = [f"{hour:02}:00 to {hour:02}:59" for hour in range(24)]
    marks = {hour: f"{hour:02}" for hour in range(0, 24, 3)}
    chart = svg.histogram("Events by hour of the day", names, series, marks, ("Hour (UTC)", "Events"), words.count)
    return figure("Hour of the day", "People sleep; a flat night may be machines or many time zones.", chart)


def lorenz(profile: Profile) -> Element:
    """How unequal users and items are."""
    steps = len(profile.users.lorenz) - 1
    xs = [n / steps for n in range(steps + 1)]
    series = [
        Series(f"users (Gini {profile.users.gini:.2f})", _points(profile.users.lorenz), USERS),
        Series(f"items (Gini {profile.items.gini:.2f})", _points(profile.items.lorenz), ITEMS),
        Series("all alike", _points(xs), "known"),
    ]
    axes = ("Share of users or items, the least active first", "Share of events")
    chart = svg.lines("Lorenz curves", xs, series, axes, lambda v: f"{v:.1%}", zero=True)
    return figure(
        "The long tail", "The further below the grey line, the more events belong to few.", chart, series
    )


def lengths(profile: Profile) -> Element:
    """How many users and items have how many events."""
    longest = max((profile.users, profile.items), key=lambda tail: len(tail.lengths.starts))
    starts = [int(start) for start in longest.lengths.starts[:-1]]
    roomy = len(starts) <= _ROOMY
    groups = [(_short(a), f"to {_short(2 * a - 1)}" if a > 1 and roomy else "") for a in starts]
    series = [
        Series("users", _shares(profile.users, len(starts)), USERS),
        Series("items", _shares(profile.items, len(starts)), ITEMS),
    ]
    axes = ("Events that they have", "Share of users, of items")
    chart = svg.grouped("Events of users and of items", groups, series, axes, lambda v: f"{v:.1%}")
    return figure(
        "How much is known",
        "Of a user, and of an item; each bin begins at its number and is twice as wide as the last.",
        chart,
        series,
    )


def drifted(one: Drift) -> Element:
    """Train against test, of one thing."""
    title = f"{one.name[0].upper()}{one.name[1:]}"
    note = f"{one.measure} {one.value:.2f}: {one.verdict}"
    names = [name for name, _, _ in one.shares]
    series = [
        Series("train", [Point(p) for _, p, _ in one.shares], STYLES["train"]),
        Series("test", [Point(q) for _, _, q in one.shares], STYLES["test"]),
    ]
    if one.measure == "KS" or one.name == "hour of the day":
        if one.name == "hour of the day":
            order = sorted(range(len(names)), key=lambda n: int(names[n]))
            names = [names[n] for n in order]
            series = [Series(s.name, [s.points[n] for n in order], s.style) for s in series]
        xs, axis = [float(name) for name in names], one.name
        # Bins that grow by a factor stand side by side on a logarithmic axis.
        if len(xs) > 3 and xs[0] > 0 and xs[-1] - xs[-2] > 1.5 * (xs[1] - xs[0]):
            xs, axis = [math.log10(x) for x in xs], f"{one.name}, log10"
        chart = svg.lines(title, xs, series, (axis, "Share"), _percent, zero=True)
    else:
        # The words that differ most, in the order of how common they are.
        most = sorted(range(len(names)), key=lambda n: -abs(one.shares[n][1] - one.shares[n][2]))[:_MOST_LINES]
        kept = sorted(most)
        cut = [Series(s.name, [s.points[n] for n in kept], s.style) for s in series]
        chart = svg.paired(title, [names[n] for n in kept], cut, "Share of events", _percent)
    return figure(title, note, chart, series)


def _points(values: tuple[float, ...] | list[float] | tuple[int, ...]) -> list[Point]:
    return [Point(float(value)) for value in values]


def _shares(tail: Tail, bins: int) -> list[Point]:
    counts = tail.lengths.counts["all"]
    total = sum(counts) or 1
    return [Point(count / total) for count in counts] + [Point(0.0)] * (bins - len(counts))


def _marks(bins: Histogram, unit: str) -> dict[int, str]:
    """About six labels along the time axis."""
    number = len(bins.starts) - 1
    every = max(number // 5, 1)
    if unit == "position":
        return {n: f"{bins.starts[n]:,.0f}" for n in range(0, number, every)}
    fine = {"week": "day", "day": "day"}.get(unit, unit)
    return {n: words.moment(bins.starts[n], fine) for n in range(0, number, every)}


def _short(value: int) -> str:
    return f"{value / 1000:.0f}k" if value >= 1000 else str(value)


def _percent(value: float) -> str:
    return f"{value:.1%}"
