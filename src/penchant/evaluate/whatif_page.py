# SPDX-License-Identifier: Apache-2.0
"""One policy judged on the log of another, as one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.evaluate import page, svg
from penchant.evaluate.markup import add, node
from penchant.evaluate.plots import figure
from penchant.evaluate.svg import Point, Series

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from penchant.evaluate.bootstrap import Interval
    from penchant.evaluate.whatif import Quality, WhatIf

NAMES = {"ips": "IPS", "snips": "SNIPS", "dr": "Doubly robust"}


def render(found: WhatIf) -> str:
    """The whole document."""
    result = found.result
    facts = {
        "rows of the log": f"{result.rows:,}",
        "effective rows": f"{result.effective:,.0f}",
        "smallest propensity": f"{result.smallest:.2g}",
        "largest weight": f"{result.largest:,.1f}",
        "mean weight": f"{result.mean_weight.mean:.3f}",
    }
    main = node("main", page.header("Penchant off-policy", f"{found.policy} on {found.log}"), _lead(found))
    add(main, page.facts(facts))
    if result.warnings:
        add(main, node("h2", "Doubts"), node("ul", *(node("li", f"{words}.") for words in result.warnings)))
    add(main, node("h2", "Mean reward for each row"), _table(found))
    words = f"With {found.level:.0%} bootstrap intervals, which do not know of an error in the propensities."
    add(main, node("p", words, class_="note"))
    plots = [_estimates(found)]
    if found.quality:
        plots.append(_reliability(found.quality))
    add(main, node("h2", "Plots"), node("div", *plots, class_="plots"))
    return page.document(f"{found.policy}: off-policy", main)


def _rows(found: WhatIf) -> list[tuple[str, Interval, str]]:
    rows = [(NAMES[name], estimate, "s0") for name, estimate in found.result.estimates.items()]
    if found.measured:
        rows.append((f"measured: {found.policy}", found.measured, "s2"))
    return [*rows, (f"measured: {found.log}", found.result.logged, "known")]


def _lead(found: WhatIf) -> Element:
    best = "dr" if "dr" in found.result.estimates else "snips" if "snips" in found.result.estimates else "ips"
    estimate, logged = found.result.estimates[best], found.result.logged
    apart = "within chance of" if estimate.low <= logged.mean <= estimate.high else "apart from"
    return node(
        "p",
        node("strong", found.policy),
        " would have earned about ",
        node("strong", _number(estimate.mean)),
        f" a row ({_between(estimate)}, {NAMES[best]}), {apart} what was logged, {_number(logged.mean)}.",
        class_="lead",
    )


def _table(found: WhatIf) -> Element:
    rows = [
        node("tr", node("th", name, scope="row"), node("td", _number(one.mean)), node("td", _between(one)))
        for name, one, _ in _rows(found)
    ]
    return page.grid(["", "Mean reward", "Interval"], rows)


def _estimates(found: WhatIf) -> Element:
    series = [Series(name, [Point(one.mean, one.low, one.high)], style) for name, one, style in _rows(found)]
    chart = svg.across("Mean reward for each row", series, "Mean reward", _number)
    return figure("Estimated and measured", f"Lines show the {found.level:.0%} interval.", chart)


def _reliability(quality: Quality) -> Element:
    bins = quality.reliability
    xs = bins.promised.tolist()
    series = [
        Series("as promised", [Point(x) for x in xs], "known"),
        Series("what happened", [Point(float(y)) for y in bins.happened], "s0"),
    ]
    chart = svg.lines(
        "Reliability of the model of rewards", xs, series, ("foretold", "happened"), _number, zero=True
    )
    order = "" if quality.auc is None else f"AUC {quality.auc:.3f}, "
    words = f"Rows in {len(xs)} bins of equal size. {order}log-loss {quality.log_loss:.4f}, ECE {bins.error:.4f}."
    return figure("Is the model of rewards calibrated?", words, chart, series)


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) >= 1e-12 else "0"


def _between(one: Interval) -> str:
    return f"{_number(one.low)} to {_number(one.high)}"
