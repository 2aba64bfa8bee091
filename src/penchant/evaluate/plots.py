# SPDX-License-Identifier: Apache-2.0
"""The plots of a report: which numbers go into which chart, and the words above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.drawing import svg
from penchant.drawing.frame import figure
from penchant.drawing.svg import Point, Series, colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from penchant.evaluate.report import Measure, Report

CLOCKS = ("epoch", "step")
"""Keys of a training row that say when, the preferred first."""


def figures(report: Report, curves: Mapping[str, Sequence[Mapping[str, Any]]], k: int) -> list[Element]:
    """Every plot that the report has numbers for."""
    found = [_quality(report, k)] if report.results else []
    if report.results and len(report.ks) > 1:
        found.append(_recall(report))
    if any(result.segments for result in report.results):
        found.append(_segments(report, k))
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


def _segments(report: Report, k: int) -> Element:
    sizes = {s.name: s.users for r in report.results for s in r.segments}
    series = []
    for n, result in enumerate(report.results):
        measures = {s.name: s.measures.get(f"ndcg@{k}") for s in result.segments}
        series.append(Series(result.model, [_point(measures.get(name)) for name in sizes], colour(n)))
    groups = [(name, f"{users:,} users") for name, users in sizes.items()]
    axes = ("Events known of the user", f"NDCG@{k}")
    chart = svg.grouped(f"NDCG@{k} by length of history", groups, series, axes, _plain)
    return figure(f"NDCG@{k} by what is known of the user", "From newcomers to regulars.", chart, series)


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
