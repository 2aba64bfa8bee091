# SPDX-License-Identifier: Apache-2.0
"""A report as one page: tables, plots and words, with nothing to load and no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.drawing import frame
from penchant.drawing.markup import add, node
from penchant.evaluate import plots
from penchant.evaluate.metrics import headline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from penchant.evaluate.report import Report, Result

NAMES = {
    "ndcg": "NDCG",
    "recall": "Recall",
    "mrr": "MRR",
    "map": "MAP",
    "hit_rate": "Hit rate",
    "precision": "Precision",
    "coverage": "Coverage",
    "gini": "Gini",
    "novelty": "Novelty",
    "diversity": "Diversity",
    "serendipity": "Serendipity",
    "popularity_lift": "Popularity lift",
}
BEYOND = ("coverage", "gini", "novelty", "diversity", "serendipity", "popularity_lift")
"""What lists are like rather than how good they are; nothing is marked as best there."""
LISTS = (
    "Coverage: share of the competing items that anyone was shown. Gini: how unevenly places are dealt out, 0 is "
    "evenly. Novelty: bits of surprise by popularity. Diversity: how unlike the items of a list are, 0 to 1. "
    "Serendipity: share of places that are right and not among the most popular. Popularity lift: how many times "
    "as popular as what the user had. None of them is better for being higher."
)
MOST_ROWS = 15
"""Pairs of models that are shown without being asked for."""


def render(report: Report, curves: Mapping[str, Sequence[Mapping[str, Any]]], runs: Sequence[Report] = ()) -> str:
    """The whole document; `curves` are the rows of `metrics.jsonl` by model, `runs` what was put together."""
    k = headline(report.ks)
    others = [other for other in report.ks if other != k]
    main = node(
        "main", frame.header("Penchant evaluation", report.run, report.created), _lead(report, k), _facts(report)
    )
    add(main, node("h2", f"Quality of the first {k}"), *_tables(report, [k], beyond=False), _reading(report))
    if others:
        shown = ", ".join(map(str, others))
        more = node("details", node("summary", f"The same at k = {shown}"))
        add(main, add(more, *_tables(report, others, beyond=False)))
    if report.comparisons:
        add(main, node("h2", "Model against model, user by user"), _comparisons(report), _testing(report))
    lists = _tables(report, [k], beyond=True)
    if lists:
        add(main, node("h2", f"What the first {k} are like"), *lists, node("p", LISTS, class_="note"))
    add(main, node("h2", "Plots"), node("div", *plots.figures(report, curves, k), class_="plots"))
    if runs:
        add(main, node("h2", "Runs"), _runs(runs))
    add(main, node("h2", "What was asked"), node("p", report.protocol, class_="protocol"))
    if any(result.timings for result in report.results):
        add(main, node("h2", "Seconds"), _timings(report))
    add(main, frame.made_with(report.versions))
    return frame.document(f"{report.run}: evaluation", main)


def _lead(report: Report, k: int) -> Element:
    """The answer in one sentence, no surer than the numbers are."""
    key = f"ndcg@{k}"
    ranked = sorted((r for r in report.results if key in r.measures), key=lambda r: -r.measures[key].mean)
    text = node("p", class_="lead")
    if not ranked:
        return add(text, "No model was measured.")
    best = ranked[0]
    score = best.measures[key]
    interval = "" if score.low is None or score.high is None else f" ({_between(score)})"
    add(
        text,
        node("strong", best.model),
        f" reaches NDCG@{k} of ",
        node("strong", f"{score.mean:.4f}"),
        interval,
    )
    if len(ranked) == 1:
        return add(text, ".")
    second = ranked[1]
    found = [c for c in report.comparisons if (c.metric, c.better, c.worse) == (key, best.model, second.model)]
    gap = f"{score.mean - second.measures[key].mean:.4f}"
    add(text, ", ahead of ", node("strong", second.model), f" by {gap}")
    if not found:
        return add(text, ".")
    if found[0].low > 0:
        return add(text, f"; user by user the gain is {_between(found[0])}.")
    return add(text, f"; user by user that is within chance ({_between(found[0])}).")


def _facts(report: Report) -> Element:
    counted = {
        "users asked": report.users,
        "items to choose from": report.items,
        "events known": report.events,
    }
    return frame.facts((name, f"{n:,}") for name, n in counted.items())


def _tables(report: Report, ks: Sequence[int], *, beyond: bool) -> list[Element]:
    """One table for each k, of the metrics of one sort; none where there are no such metrics."""
    found = []
    for k in ks:
        keys = {key for result in report.results for key in result.measures if key.endswith(f"@{k}")}
        measured = {name for key in keys if ((name := key.partition("@")[0]) in BEYOND) == beyond}
        metrics = [*(name for name in NAMES if name in measured), *sorted(measured - NAMES.keys())]
        if metrics or not beyond:
            found.append(_table(report, [f"{metric}@{k}" for metric in metrics], contest=not beyond))
    return found


def _table(report: Report, keys: Sequence[str], *, contest: bool) -> Element:
    best = {key: max(r.measures[key].mean for r in report.results if key in r.measures) for key in keys}
    contest = contest and len(report.results) > 1
    rows = []
    for result in report.results:
        kind = [] if result.kind == result.model else [node("small", result.kind)]
        row = node("tr", node("th", result.model, *kind, scope="row", title=result.model))
        rows.append(add(row, *(_cell(result, key, best[key], contest) for key in keys)))
    return frame.grid(["Model", *(_metric(key) for key in keys)], rows)


def _cell(result: Result, key: str, best: float, contest: bool) -> Element:
    measure = result.measures.get(key)
    if measure is None:
        return node("td", "\N{EN DASH}")
    cell = node("td", node("strong", f"{measure.mean:.4f}"))
    if contest and measure.mean == best:
        cell.set("class", "best")
    if measure.low is not None and measure.high is not None:
        add(cell, node("small", _between(measure)))
    return cell


def _reading(report: Report) -> Element:
    return node(
        "p",
        f"Means over users, with {report.level:.0%} bootstrap intervals under them. Recall is hits over all "
        "that was hidden from the user, MAP is averaged over the same. The highest mean of a column is marked.",
        class_="note",
    )


def _comparisons(report: Report) -> Element:
    rows = [
        node(
            "tr",
            node("td", node("strong", c.better), " \N{MINUS SIGN} ", node("strong", c.worse)),
            node("td", _metric(c.metric)),
            node("td", f"{c.mean:+.4f}", node("small", _between(c))),
            node("td", _p(c.p)),
            node("td", _p(c.corrected)),
            node("td", "yes" if c.corrected < 1 - report.level else "no"),
        )
        for c in report.comparisons
    ]
    table = frame.grid(["Models", "Metric", "Mean difference", "p", "p after Holm", "Apart?"], rows)
    if len(rows) <= MOST_ROWS:
        return table
    return node("details", node("summary", f"All {len(rows)} pairs"), table)


def _testing(report: Report) -> Element:
    pairs = len(report.comparisons)
    looked = "this one pair" if pairs == 1 else f"all {pairs} pairs"
    return node(
        "p",
        "Paired bootstrap over users. The corrected p (Holm) allows for having looked at "
        f"{looked}: where it is below {1 - report.level:.2g} the two are told apart.",
        class_="note",
    )


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"


def _runs(runs: Sequence[Report]) -> Element:
    rows = [
        node(
            "tr",
            node("th", f"{number}", scope="row"),
            node("td", node("strong", run.run)),
            node("td", ", ".join(result.model for result in run.results)),
            node("td", _moment(run.created)),
        )
        for number, run in enumerate(runs, 1)
    ]
    return frame.grid(["", "Run", "Models", "Measured"], rows)


def _moment(created: str) -> str:
    return created.replace("T", " ").replace("+00:00", " UTC")


def _timings(report: Report) -> Element:
    steps = list(dict.fromkeys(step for result in report.results for step in result.timings))
    rows = []
    for result in report.results:
        cells = (node("td", f"{result.timings[s]:,.2f}" if s in result.timings else "\N{EN DASH}") for s in steps)
        rows.append(node("tr", node("th", result.model, scope="row", title=result.model), *cells))
    return frame.grid(["Model", *steps], rows)


def _metric(key: str) -> str:
    name, _, k = key.partition("@")
    return f"{NAMES.get(name, name)}@{k}"


def _between(measure: Any) -> str:
    """The interval of anything that has `low` and `high`."""
    return f"{measure.low:.4f} to {measure.high:.4f}"
