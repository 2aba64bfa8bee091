# SPDX-License-Identifier: Apache-2.0
"""Small charts as SVG trees: bars across, in groups, in pairs, histograms, lines. Colours come from the page's
CSS.

Every mark carries a `<title>`: a reader's pointer and a screen reader both find the exact number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from penchant.drawing.markup import add, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

WIDTH = 540.0
"""Units across a chart; about one pixel each where two stand side by side."""
COLOURS = 8
"""How many series colours the page's CSS knows (classes s0 to s7)."""

BANDS = 4
"""More lines than this are drawn without their bands, which would hide each other."""

Format = Callable[[float], str]


class Point(NamedTuple):
    """A number with the interval around it, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """A name, its points, and the CSS class that colours it."""

    name: str
    points: Sequence[Point | None]
    style: str


def colour(index: int) -> str:
    """The CSS class of the n-th series."""
    return f"s{index % COLOURS}"


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover low to high: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low if high > low else abs(high) or 1.0
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def short(value: float) -> str:
    """A number for an axis: no needless digits."""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0e}"


def across(title: str, series: Sequence[Series], axis: str, form: Format) -> Element:
    """One bar for each series (its first point), each on a line of its own with its name before it."""
    left, right, row = 136.0, 64.0, min(max(240.0 / len(series), 30.0), 52.0)
    bottom = row * len(series) + 8
    points = [s.points[0] or Point(0.0) for s in series]
    marks = ticks(0, _top(points))
    scale = (WIDTH - left - right) / marks[-1]
    chart = _chart(title, bottom + 44)
    for mark in marks:
        x = left + mark * scale
        add(chart, node("line", x1=x, x2=x, y1=4, y2=bottom, class_="grid"))
        add(chart, node("text", short(mark), x=x, y=bottom + 18, class_="tick", text_anchor="middle"))
    for n, (one, point) in enumerate(zip(series, points, strict=True)):
        y, x = 8 + n * row, left + point.value * scale
        end = left + (point.value if point.high is None else point.high) * scale
        label = node("text", _cut(one.name, 16), x=left - 10, y=y + row / 2 - 3, class_="name", text_anchor="end")
        bar = node("rect", x=left, y=y + 2, width=x - left, height=row - 12, rx=3, class_=f"fill {one.style}")
        number = node("text", form(point.value), x=end + 8, y=y + row / 2 - 3, class_="value")
        whisker = _whisker(point, lambda v: left + v * scale, y + row / 2 - 4, upright=False)
        add(chart, node("g", _title(one.name, "", point, form), label, bar, *whisker, number))
    add(chart, node("line", x1=left, x2=left, y1=4, y2=bottom, class_="axis"))
    return add(chart, _label(axis, (left + WIDTH - right) / 2, bottom + 38))


def grouped(
    title: str,
    groups: Sequence[tuple[str, str]],
    series: Sequence[Series],
    axes: tuple[str, str],
    form: Format,
    *,
    rule: float | None = None,
) -> Element:
    """For each group one upright bar for each series; a point that is None leaves a gap.

    Args:
        title: read out by screen readers.
        groups: name of each group, and a second line under it.
        series: as many points each as there are groups.
        axes: names of the x and y axis.
        form: how a number is written.
        rule: a height to mark with a dashed line.
    """
    left, bottom, height = 66.0, 242.0, 312.0
    marks = ticks(0, max(_top([p for s in series for p in s.points if p]), rule or 0.0))
    scale = (bottom - 12) / marks[-1]
    step = (WIDTH - left - 8) / len(groups)
    bar = min(step * 0.78 / len(series), 46.0)
    chart = _chart(title, height)
    _rungs(chart, marks, left, lambda v: bottom - v * scale, form)
    for g, (name, note) in enumerate(groups):
        centre = left + (g + 0.5) * step
        add(chart, node("text", _cut(name, int(step / 6.5)), x=centre, y=bottom + 18, class_="group middle"))
        add(chart, node("text", note, x=centre, y=bottom + 34, class_="tick middle"))
        for n, one in enumerate(series):
            point = one.points[g]
            if point is None:
                continue
            x = centre + (n - len(series) / 2) * bar
            tall = point.value * scale
            box = {
                "x": x + 0.5,
                "y": bottom - tall,
                "width": bar - 1,
                "height": tall,
                "rx": min(2.0, tall / 2),
            }
            whisker = _whisker(point, lambda v: bottom - v * scale, x + bar / 2, upright=True)
            filled = node("rect", class_=f"fill {one.style}", **box)
            add(chart, node("g", _title(one.name, name, point, form), filled, *whisker))
    add(chart, node("line", x1=left, x2=WIDTH - 8, y1=bottom, y2=bottom, class_="axis"))
    if rule is not None:
        y = bottom - rule * scale
        add(chart, node("line", x1=left, x2=WIDTH - 8, y1=y, y2=y, class_="rule"))
    return add(chart, _label(axes[0], (left + WIDTH) / 2, height - 8), _side(axes[1], bottom / 2))


def lines(
    title: str,
    xs: Sequence[float],
    series: Sequence[Series],
    axes: tuple[str, str],
    form: Format,
    *,
    zero: bool,
) -> Element:
    """One line for each series over `xs`, ascending, with a band where its points have intervals.

    Args:
        title: read out by screen readers.
        xs: where the points stand; each series has as many, None where it has no number.
        series: the lines.
        axes: names of the x and y axis.
        form: how a number is written.
        zero: whether the y axis starts at 0, or just below the lowest point.
    """
    left, right, bottom, height = 66.0, 16.0, 242.0, 296.0
    points = [p for s in series for p in s.points if p]
    low = 0.0 if zero else min(p.value if p.low is None else p.low for p in points)
    marks = ticks(low, _top(points))
    rise = (bottom - 12) / (marks[-1] - marks[0])
    x_low, x_span = xs[0], (xs[-1] - xs[0]) or 1.0

    def across_(x: float) -> float:
        return left + 10 + (x - x_low) / x_span * (WIDTH - left - right - 10)

    def up(y: float) -> float:
        return bottom - (y - marks[0]) * rise

    chart = _chart(title, height)
    _rungs(chart, marks, left, up, form)
    for x in _spaced(
        xs if len(xs) <= 12 else [m for m in ticks(xs[0], xs[-1], 8) if xs[0] <= m <= xs[-1]], across_
    ):
        add(chart, node("text", short(x), x=across_(x), y=bottom + 18, class_="tick middle"))
    add(chart, node("line", x1=left, x2=WIDTH - right, y1=bottom, y2=bottom, class_="axis"))
    for one in series:
        here = [(across_(x), x, p) for x, p in zip(xs, one.points, strict=True) if p]
        upper = [(at, up(p.high)) for at, _, p in here if p.high is not None]
        lower = [(at, up(p.low)) for at, _, p in here if p.low is not None]
        if upper and lower and len(series) <= BANDS:
            add(chart, node("polygon", points=_path([*upper, *reversed(lower)]), class_=f"band {one.style}"))
        add(
            chart,
            node("polyline", points=_path([(at, up(p.value)) for at, _, p in here]), class_=f"line {one.style}"),
        )
        radius = 3.5 if len(here) <= 40 else 1.5
        for at, x, p in here:
            dot = node("circle", cx=at, cy=up(p.value), r=radius, class_=f"fill {one.style}")
            add(chart, node("g", _title(one.name, f"{axes[0]} {short(x)}", p, form), dot))
    return add(chart, _label(axes[0], (left + WIDTH) / 2, height - 8), _side(axes[1], bottom / 2))


def histogram(
    title: str,
    bins: Sequence[str],
    series: Sequence[Series],
    marks: Mapping[int, str],
    axes: tuple[str, str],
    form: Format,
) -> Element:
    """Bars that touch, one for each bin, with the series stacked in it.

    Args:
        title: read out by screen readers.
        bins: what each bin is, for a reader's pointer.
        series: as many points each as there are bins; a point that is None counts as 0.
        marks: bin -> the label under its left edge; one that would run into the label before it is left out.
        axes: names of the x and y axis.
        form: how a number is written.
    """
    left, bottom, height = 66.0, 242.0, 296.0
    sums = [
        sum(point.value for point in points if point) for points in zip(*(s.points for s in series), strict=True)
    ]
    heights = ticks(0, max(sums, default=0.0) or 1.0)
    scale = (bottom - 12) / heights[-1]
    step = (WIDTH - left - 8) / max(len(bins), 1)
    chart = _chart(title, height)
    _rungs(chart, heights, left, lambda v: bottom - v * scale, form)
    reached = -math.inf
    for n, text in sorted(marks.items()):
        x = left + n * step
        if x - reached >= 8 and x + 3.2 * len(text) < WIDTH:
            add(chart, node("text", text, x=x, y=bottom + 18, class_="tick middle"))
            reached = x + 6.4 * len(text)
    gap = 1.0 if step > 4 else 0.0
    for n, name in enumerate(bins):
        base = bottom
        for one in series:
            point = one.points[n]
            if point is None or not point.value:
                continue
            tall = point.value * scale
            base -= tall
            bar = node(
                "rect", x=left + n * step, y=base, width=step - gap, height=tall, class_=f"fill {one.style}"
            )
            add(chart, node("g", _title(one.name, name, point, form), bar))
    add(chart, node("line", x1=left, x2=WIDTH - 8, y1=bottom, y2=bottom, class_="axis"))
    return add(chart, _label(axes[0], (left + WIDTH) / 2, height - 8), _side(axes[1], bottom / 2))


def paired(title: str, names: Sequence[str], series: Sequence[Series], axis: str, form: Format) -> Element:
    """For each name a line of bars across, one for each series, close together.

    Args:
        title: read out by screen readers.
        names: one for each line.
        series: as many points each as there are names.
        axis: name of the x axis.
        form: how a number is written.
    """
    left, right, thick = 136.0, 24.0, 9.0
    row = thick * len(series) + 10
    bottom = row * len(names) + 8
    marks = ticks(0, _top([p for s in series for p in s.points if p]))
    scale = (WIDTH - left - right) / marks[-1]
    percent = form(0.5).endswith("%")
    chart = _chart(title, bottom + 44)
    for mark in marks:
        x = left + mark * scale
        text = f"{short(mark * 100)}\N{NO-BREAK SPACE}%" if percent else short(mark)
        add(chart, node("line", x1=x, x2=x, y1=4, y2=bottom, class_="grid"))
        add(chart, node("text", text, x=x, y=bottom + 18, class_="tick middle"))
    for n, name in enumerate(names):
        y = 8 + n * row
        middle = y + thick * len(series) / 2
        add(chart, node("text", _cut(name, 18), x=left - 10, y=middle, class_="name", text_anchor="end"))
        for k, one in enumerate(series):
            point = one.points[n] or Point(0.0)
            bar = {"x": left, "y": y + k * thick, "width": point.value * scale, "height": thick - 1, "rx": 2}
            add(
                chart,
                node("g", _title(one.name, name, point, form), node("rect", class_=f"fill {one.style}", **bar)),
            )
    add(chart, node("line", x1=left, x2=left, y1=4, y2=bottom, class_="axis"))
    return add(chart, _label(axis, (left + WIDTH - right) / 2, bottom + 38))


def spark(title: str, counts: Sequence[float]) -> Element:
    """A histogram as small as a word, without axes."""
    width, height = 120.0, 26.0
    step, top = width / max(len(counts), 1), max(counts, default=0.0) or 1.0
    bars = []
    for n, count in enumerate(counts):
        # What is there at all is seen, however little.
        tall = max(count / top * height, 1.0) if count else 0.0
        box = {"x": n * step, "y": height - tall, "width": max(step - 1, 0.5), "height": tall}
        bars.append(node("rect", class_="fill s0", **box))
    size = {"viewBox": f"0 0 {width:g} {height:g}"}
    return node("svg", node("title", title), *bars, role="img", aria_label=title, class_="spark", **size)


def _chart(title: str, height: float) -> Element:
    box = {"viewBox": f"0 0 {WIDTH:g} {height:g}"}
    return node("svg", node("title", title), role="img", aria_label=title, **box)


def _rungs(
    chart: Element, marks: Sequence[float], left: float, up: Callable[[float], float], form: Format
) -> None:
    """Level lines with their numbers; `form` decides whether they are percentages."""
    percent = form(0.5).endswith("%")
    for mark in marks:
        y = up(mark)
        text = f"{short(mark * 100)}\N{NO-BREAK SPACE}%" if percent else short(mark)
        add(chart, node("line", x1=left, x2=WIDTH - 8, y1=y, y2=y, class_="grid"))
        add(chart, node("text", text, x=left - 8, y=y + 4, class_="tick", text_anchor="end"))


def _whisker(point: Point, place: Callable[[float], float], middle: float, *, upright: bool) -> list[Element]:
    """The interval of a bar: a line with a cap at both ends; nothing where there is no interval."""
    if point.low is None or point.high is None:
        return []
    low, high, cap = place(max(point.low, 0.0)), place(point.high), 3.5
    strokes = [(middle, low, middle, high), *((middle - cap, end, middle + cap, end) for end in (low, high))]
    if not upright:
        strokes = [(b, a, d, c) for a, b, c, d in strokes]
    return [node("line", x1=a, y1=b, x2=c, y2=d, class_="whisker") for a, b, c, d in strokes]


def _title(name: str, where: str, point: Point, form: Format) -> Element:
    place = f", {where}" if where else ""
    between = "" if point.low is None or point.high is None else f" ({form(point.low)} to {form(point.high)})"
    return node("title", f"{name}{place}: {form(point.value)}{between}")


def _top(points: Sequence[Point]) -> float:
    """The highest thing to be drawn, never 0."""
    return max((p.value if p.high is None else p.high for p in points), default=0.0) or 1.0


def _label(text: str, x: float, y: float) -> Element:
    return node("text", text, x=x, y=y, class_="label middle")


def _side(text: str, y: float) -> Element:
    return node("text", text, transform=f"translate(12 {y:.0f}) rotate(-90)", class_="label middle")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"


def _spaced(xs: Sequence[float], place: Callable[[float], float]) -> list[float]:
    """Those of `xs` whose labels do not run into the one before."""
    kept = list(xs[:1])
    for _, x in pairwise(xs):
        if place(x) - place(kept[-1]) >= 28:
            kept.append(x)
    return kept
