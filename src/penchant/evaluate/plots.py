# SPDX-License-Identifier: Apache-2.0
"""The plots of a report: which numbers go into which chart, and the words above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.drawing import svg
from penchant.drawing.frame import figure
from penchant.drawing.svg import Point, Series, colour
from penchant.evaluate import charts
from penchant.evaluate.charts import MINUS, Gap, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from penchant.evaluate.report import Measure, Report

ASPECTS = {
    "history": ("Events known of the user", "length of history", "From newcomers to regulars."),
    "popularity": (
        "Popularity of what was to be found",
        "popularity",
        "Head: the most popular items, with half of all events; middle: the next 30%; tail: the rest.",
    ),
    "time": ("When it was taken up, from this day on", "time", "Whether answers grow stale after the cut."),
}
"""By aspect of a segment: the axis, the name, and the words of its plot."""
MOST_PAIRS = 21
"""Pairs of models that one plot shows."""
CLOCKS = ("epoch", "step")
"""Keys of a training row that say when, the preferred first."""


def figures(report: Report, curves: Mapping[str, Sequence[Mapping[str, Any]]], k: int) -> list[Element]:
    """Every plot that the report has numbers for."""
    found = [_quality(report, k)] if report.results else []
    if report.results and len(report.ks) > 1:
        found.append(_recall(report))
    if report.comparisons:
        found.append(_differences(report))
    if sum(result.timings.get("fit", 0.0) > 0 for result in report.results) > 1:
        found.append(_cost(report, k))
    found.extend(
        _segments(report, by, k) for by in ASPECTS if by in {s.by for r in report.results for s in r.segments}
    )
    if any(result.popularity for result in report.results):
        found.append(_longtail(report))
    for model, rows in curves.items():
        found.extend(_training(model, rows, k))
    return found


def _quality(report: Report, k: int) -> Element:
    key = f"ndcg@{k}"
    series = [Series(r.model, [_point(r.measures.get(key))], colour(n)) for n, r in enumerate(report.results)]
    chart = svg.across(f"NDCG@{k} of each model", series, f"NDCG@{k}", _plain)
    return figure(f"NDCG@{k}", f"Lines show the {report.level:.0%} interval.", chart)


def _recall(report: Report) -> Element:
    series = [
        Series(r.model, [_point(r.measures.get(f"recall@{k}")) for k in report.ks], colour(n))
        for n, r in enumerate(report.results)
    ]
    chart = svg.lines("Recall at k", report.ks, series, ("k", "Recall@k"), _plain, zero=True)
    return figure("Recall at k", "How much of what was hidden a list of k finds.", chart, series)


def _differences(report: Report) -> Element:
    gaps = [
        Gap(
            f"{c.better} {MINUS} {c.worse}",
            Point(c.mean, c.low, c.high),
            c.corrected < 1 - report.level,
            f"p = {c.corrected:.4f} after Holm",
        )
        for c in report.comparisons[:MOST_PAIRS]
    ]
    metric = report.comparisons[0].metric.replace("ndcg", "NDCG")
    chart = charts.forest("Differences between models", gaps, f"Difference in {metric}", _plain)
    words = "User by user, with its interval; grey where chance may have done it."
    if len(report.comparisons) > MOST_PAIRS:
        words += f" The first {MOST_PAIRS} of {len(report.comparisons)} pairs."
    return figure("Model against model", words, chart)


def _cost(report: Report, k: int) -> Element:
    spots = [
        Spot(r.model, r.timings["fit"], point, colour(n))
        for n, r in enumerate(report.results)
        if r.timings.get("fit", 0.0) > 0 and (point := _point(r.measures.get(f"ndcg@{k}")))
    ]
    chart = charts.scatter(f"NDCG@{k} against time to fit", spots, ("Seconds to fit", f"NDCG@{k}"), _plain)
    return figure("Quality against time to fit", "Up and to the left is better.", chart)


def _segments(report: Report, by: str, k: int) -> Element:
    axis, name, words = ASPECTS[by]
    sizes = {s.name: s.users for r in report.results for s in r.segments if s.by == by}
    series = []
    for n, result in enumerate(report.results):
        measures = {s.name: s.measures.get(f"ndcg@{k}") for s in result.segments if s.by == by}
        series.append(Series(result.model, [_point(measures.get(part)) for part in sizes], colour(n)))
    groups = [(part, f"{users:,} users") for part, users in sizes.items()]
    chart = svg.grouped(f"NDCG@{k} by {name}", groups, series, (axis, f"NDCG@{k}"), _plain)
    return figure(f"NDCG@{k} by {name}", words, chart, series)


def _longtail(report: Report) -> Element:
    series = [
        Series(r.model, [Point(share) for share in r.popularity], colour(n))
        for n, r in enumerate(report.results)
        if r.popularity
    ]
    if report.popularity:
        series.insert(0, Series("known events", [Point(share) for share in report.popularity], "known"))
    tenths = len(series[0].points)
    groups = [(str(n + 1), {0: "most popular", tenths - 1: "least"}.get(n, "")) for n in range(tenths)]
    axes = ("Tenth of the catalogue", "Share of places")
    chart = svg.grouped("Popularity of what is recommended", groups, series, axes, _percent, rule=1 / tenths)
    words = "Where the recommended places go. Dashed: if every item were shown as often."
    return figure("The long tail", words, chart, series)


def _training(model: str, rows: Sequence[Mapping[str, Any]], k: int) -> Iterator[Element]:
    """The losses, and the metrics at k, of one model over its training; each only if it was logged."""
    flat = [_numbers(row) for row in rows]
    clock = next((c for c in CLOCKS if any(c in row for row in flat)), None)
    if clock is None:
        return
    moments: dict[float, dict[str, float]] = {}
    for row in flat:
        if clock in row:
            moments.setdefault(row[clock], {}).update(row)
    names = list(dict.fromkeys(name for moment in moments.values() for name in moment))
    plots = {
        "Training loss": [name for name in names if "loss" in name],
        "Validation while training": [name for name in names if name.endswith(f"@{k}")],
    }
    for what, chosen in plots.items():
        if not chosen:
            continue
        xs = sorted(x for x, moment in moments.items() if any(name in moment for name in chosen))
        series = []
        for n, name in enumerate(chosen):
            points = [Point(moments[x][name]) if name in moments[x] else None for x in xs]
            series.append(Series(name.rpartition(".")[2], points, colour(n)))
        chart = svg.lines(f"{what} of {model}", xs, series, (clock, ""), _plain, zero=False)
        yield figure(f"{what}: {model}", "", chart, series)


def _numbers(row: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers of a row; those of an inner table are named `outer.inner`."""
    found: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
            found[prefix + name] = float(value)
    return found


def _point(measure: Measure | None) -> Point | None:
    return None if measure is None else Point(measure.mean, measure.low, measure.high)


def _plain(value: float) -> str:
    return f"{value:.4f}"


def _percent(value: float) -> str:
    return f"{value:.1%}"
