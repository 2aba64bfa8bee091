# SPDX-License-Identifier: Apache-2.0
"""One policy judged on the log of another, as one page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from penchant.drawing import frame, svg
from penchant.drawing.frame import figure
from penchant.drawing.markup import add, node
from penchant.drawing.svg import Point, Series
from penchant.evaluate import charts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from penchant.evaluate.bootstrap import Interval
    from penchant.evaluate.offpolicy.judging import Quality, WhatIf

NAMES = {"ips": "IPS", "snips": "SNIPS", "dr": "Doubly robust"}
MEASURED = "measured: "


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
    main = node(
        "main", frame.header("Penchant off-policy", f"{found.policy} on {found.log}", found.created), _lead(found)
    )
    add(main, frame.facts(facts.items()))
    if result.warnings:
        add(main, node("h2", "Doubts"), node("ul", *(node("li", f"{words}.") for words in result.warnings)))
    add(main, node("h2", "Mean reward for each row"), _table(found))
    words = f"With {found.level:.0%} bootstrap intervals, which do not know of an error in the propensities."
    add(main, node("p", words, class_="note"))
    plots = [_estimates(found)]
    if found.quality:
        plots.append(_reliability(found.quality))
    add(main, node("h2", "Plots"), node("div", *plots, class_="plots"))
    return frame.document(f"{found.policy}: off-policy", main)


def _rows(found: WhatIf) -> list[tuple[str, Interval, str]]:
    rows = [(NAMES[name], estimate, "s0") for name, estimate in found.result.estimates.items()]
    if found.measured:
        rows.append((f"{MEASURED}{found.policy}", found.measured, "s2"))
    return [*rows, (f"{MEASURED}{found.log}", found.result.logged, "known")]


def _lead(found: WhatIf) -> Element:
    best = "dr" if "dr" in found.result.estimates else "snips" if "snips" in found.result.estimates else "ips"
    estimate, logged = found.result.estimates[best], found.result.logged
    apart = "within chance of" if estimate.low <= logged.mean <= estimate.high else "apart from"
    return node(
        "p",
        node("strong", found.policy),
        " would have earned about ",
        node("strong", number(estimate.mean)),
        f" a row ({between(estimate)}, {NAMES[best]}), {apart} what was logged, {number(logged.mean)}.",
        class_="lead",
    )


def _table(found: WhatIf) -> Element:
    rows = [
        node("tr", node("th", name, scope="row"), node("td", number(one.mean)), node("td", between(one)))
        for name, one, _ in _rows(found)
    ]
    return frame.grid(["", "Mean reward", "Interval"], rows)


def _estimates(found: WhatIf) -> Element:
    series = [
        Series(name.removeprefix(MEASURED), [Point(one.mean, one.low, one.high)], style)
        for name, one, style in _rows(found)
    ]
    chart = svg.across("Mean reward for each row", series, "Mean reward", number)
    real = f", green: what {found.policy} really earned" if found.measured else ""
    words = f"Blue: estimated for {found.policy}{real}, grey: what {found.log} earned."
    words += f" Lines: {found.level:.0%} interval."
    return figure("Estimated and measured", words, chart)


def _reliability(quality: Quality) -> Element:
    bins = quality.reliability
    points = [
        (float(x), Point(float(y), *_wilson(float(y), int(n))))
        for x, y, n in zip(bins.promised, bins.happened, bins.counts, strict=True)
    ]
    chart = charts.reliability("Reliability of the model of rewards", points, ("foretold", "happened"), number)
    order = "" if quality.auc is None else f"AUC {quality.auc:.3f}, "
    words = (
        f"Rows in {len(points)} bins of equal size; dashed: as foretold. {order}log-loss {quality.log_loss:.4f}, "
        f"ECE {bins.error:.4f}."
    )
    return figure("Is the model of rewards calibrated?", words, chart)


def _wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of n cases (Wilson 1927)."""
    middle, wide = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n)


def number(value: float) -> str:
    """A reward with three significant digits, or all that stand before the point."""
    digits = 2 - math.floor(math.log10(abs(value))) if abs(value) >= 1e-9 else 0
    return f"{value:,.{max(digits, 0)}f}"


def between(one: Interval) -> str:
    """An interval of rewards."""
    return f"{number(one.low)} to {number(one.high)}"
