# SPDX-License-Identifier: Apache-2.0
"""Three more charts as SVG trees: differences around zero, quality against cost, promises and what happened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from penchant.drawing.markup import add, node
from penchant.drawing.svg import WIDTH, Format, Point, short, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

MINUS = "\N{MINUS SIGN}"
_LETTER = 6.6
"""Units that a letter is wide, about."""


class Gap(NamedTuple):
    """One difference: its name, the interval, whether it is beyond chance, and words for the pointer."""

    name: str
    point: Point
    apart: bool
    words: str


class Spot(NamedTuple):
    """One thing at a place: what it costs, what it is worth, and the CSS class that colours it."""

    name: str
    cost: float
    point: Point
    style: str


def forest(title: str, gaps: Sequence[Gap], axis: str, form: Format) -> Element:
    """One line for each difference, with its interval, around a line at 0; those within chance are pale."""
    left, right, row = 200.0, 24.0, 26.0
    bottom = row * len(gaps) + 10
    ends = [v for gap in gaps for v in (gap.point.value, gap.point.low, gap.point.high) if v is not None]
    marks = ticks(min(0.0, *ends), max(0.0, *ends), 4)
    scale = (WIDTH - left - right) / (marks[-1] - marks[0])

    def across(value: float) -> float:
        return left + (value - marks[0]) * scale

    chart = _chart(title, bottom + 44)
    for mark in marks:
        add(chart, node("line", x1=across(mark), x2=across(mark), y1=4, y2=bottom, class_="grid"))
        add(chart, node("text", short(mark), x=across(mark), y=bottom + 18, class_="tick middle"))
    add(chart, node("line", x1=across(0.0), x2=across(0.0), y1=4, y2=bottom, class_="axis"))
    for n, gap in enumerate(gaps):
        y, style = 8 + (n + 0.5) * row, "s0" if gap.apart else "known"
        low = gap.point.value if gap.point.low is None else gap.point.low
        high = gap.point.value if gap.point.high is None else gap.point.high
        line = node("line", x1=across(low), x2=across(high), y1=y, y2=y, class_=f"line {style}")
        dot = node("circle", cx=across(gap.point.value), cy=y, r=4.5, class_=f"fill {style}")
        told = f"{gap.name}: {form(gap.point.value)} ({form(low)} to {form(high)}), {gap.words}"
        label = node("text", _cut(gap.name, 29), x=left - 12, y=y + 1, class_="name small", text_anchor="end")
        add(chart, node("g", node("title", told), label, line, dot))
    return add(chart, node("text", axis, x=(left + WIDTH - right) / 2, y=bottom + 38, class_="label middle"))


def scatter(title: str, spots: Sequence[Spot], axes: tuple[str, str], form: Format) -> Element:
    """Things by what they cost, on a logarithmic axis, and what they are worth, each with its name beside it.

    Args:
        title: read out by screen readers.
        spots: at least one; every cost is above 0.
        axes: names of the x and y axis.
        form: how a worth is written.
    """
    left, right, bottom, height = 66.0, 24.0, 242.0, 296.0
    low, high = math.log10(min(s.cost for s in spots)), math.log10(max(s.cost for s in spots))
    powers = range(math.floor(low + 1e-9), max(math.ceil(high - 1e-9), math.floor(low + 1e-9) + 1) + 1)
    ends = [v for s in spots for v in (s.point.value, s.point.low, s.point.high) if v is not None]
    marks = ticks(min(ends), max(ends), 4)

    def across(cost: float) -> float:
        return left + 10 + (math.log10(cost) - powers[0]) / (powers[-1] - powers[0]) * (WIDTH - left - right - 20)

    def up(value: float) -> float:
        return bottom - (value - marks[0]) / (marks[-1] - marks[0]) * (bottom - 12)

    chart = _chart(title, height)
    for mark in marks:
        add(chart, node("line", x1=left, x2=WIDTH - right, y1=up(mark), y2=up(mark), class_="grid"))
        add(chart, node("text", short(mark), x=left - 8, y=up(mark) + 4, class_="tick", text_anchor="end"))
    for power in powers:
        x = across(10.0**power)
        add(chart, node("line", x1=x, x2=x, y1=12, y2=bottom, class_="grid"))
        add(chart, node("text", f"{10.0**power:g}", x=x, y=bottom + 18, class_="tick middle"))
    add(chart, node("line", x1=left, x2=WIDTH - right, y1=bottom, y2=bottom, class_="axis"))
    taken: list[tuple[float, float, float]] = []
    for spot in sorted(spots, key=lambda s: -s.point.value):
        x, y = across(spot.cost), up(spot.point.value)
        marks_ = []
        if spot.point.low is not None and spot.point.high is not None:
            marks_.append(
                node("line", x1=x, x2=x, y1=up(spot.point.low), y2=up(spot.point.high), class_="whisker")
            )
        marks_.append(node("circle", cx=x, cy=y, r=5, class_=f"fill {spot.style}"))
        told = f"{spot.name}: {form(spot.point.value)} for {spot.cost:,.2f}"
        add(chart, node("g", node("title", told), *marks_, _beside(spot.name, x, y, taken)))
    middle = (left + WIDTH - right) / 2
    add(chart, node("text", axes[0], x=middle, y=height - 8, class_="label middle"))
    turned = f"translate(12 {bottom / 2:.0f}) rotate(-90)"
    return add(chart, node("text", axes[1], transform=turned, class_="label middle"))


def reliability(title: str, points: Sequence[tuple[float, Point]], axes: tuple[str, str], form: Format) -> Element:
    """What happened against what was promised, around the line on which the two are equal.

    Args:
        title: read out by screen readers.
        points: (promised, happened with its interval), at least one.
        axes: names of the x and y axis.
        form: how a number is written.
    """
    left, right, bottom, height = 66.0, 24.0, 242.0, 296.0
    marks = ticks(0.0, max(v for x, p in points for v in (x, p.value, p.high or 0.0)) or 1.0, 5)

    def across(value: float) -> float:
        return left + value / marks[-1] * (WIDTH - left - right)

    def up(value: float) -> float:
        return bottom - value / marks[-1] * (bottom - 12)

    chart = _chart(title, height)
    for mark in marks:
        add(chart, node("line", x1=left, x2=WIDTH - right, y1=up(mark), y2=up(mark), class_="grid"))
        add(chart, node("text", short(mark), x=left - 8, y=up(mark) + 4, class_="tick", text_anchor="end"))
        add(chart, node("text", short(mark), x=across(mark), y=bottom + 18, class_="tick middle"))
    add(chart, node("line", x1=left, x2=across(marks[-1]), y1=bottom, y2=up(marks[-1]), class_="rule"))
    add(chart, node("line", x1=left, x2=WIDTH - right, y1=bottom, y2=bottom, class_="axis"))
    for promised, happened in points:
        x, told = across(promised), f"{axes[0]} {form(promised)}, {axes[1]} {form(happened.value)}"
        marks_ = [node("circle", cx=x, cy=up(happened.value), r=4.5, class_="fill s0")]
        if happened.low is not None and happened.high is not None:
            low, high = up(max(happened.low, 0.0)), up(happened.high)
            marks_.insert(0, node("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"))
        add(chart, node("g", node("title", told), *marks_))
    add(chart, node("text", axes[0], x=(left + WIDTH - right) / 2, y=height - 8, class_="label middle"))
    turned = f"translate(12 {bottom / 2:.0f}) rotate(-90)"
    return add(chart, node("text", axes[1], transform=turned, class_="label middle"))


def _beside(name: str, x: float, y: float, taken: list[tuple[float, float, float]]) -> Element:
    """The name right of its spot, or left where it would leave the chart, moved down until it covers no other."""
    text = _cut(name, 24)
    wide = len(text) * _LETTER
    start = x + 10 if x + 10 + wide < WIDTH else x - 10 - wide
    while any(abs(y - other) < 14 and start < end and begin < start + wide for begin, end, other in taken):
        y += 14
    taken.append((start, start + wide, y))
    return node("text", text, x=start, y=y + 1, class_="name small")


def _chart(title: str, height: float) -> Element:
    box = {"viewBox": f"0 0 {WIDTH:g} {height:g}"}
    return node("svg", node("title", title), role="img", aria_label=title, **box)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"
