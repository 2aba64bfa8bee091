# SPDX-License-Identifier: Apache-2.0
"""Charts: what is drawn lies where its number says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from penchant.drawing.svg import WIDTH, Point
from penchant.evaluate import charts
from penchant.evaluate.charts import Gap, Spot


def plain(value):
    return f"{value:.2f}"


def of(chart, tag, style):
    return [one for one in chart.iter(tag) if style in one.get("class", "").split()]


def test_forest_puts_gaps_around_zero():
    gaps = [Gap("a - b", Point(0.2, 0.1, 0.3), True, "p = 0.01"), Gap("b - c", Point(-0.1, -0.3, 0.1), False, "")]
    chart = charts.forest("gaps", gaps, "difference", plain)
    (zero,) = of(chart, "line", "axis")
    zero = float(zero.get("x1"))
    right, left = (float(dot.get("cx")) for dot in chart.iter("circle"))
    assert (right - zero) == pytest.approx(2 * (zero - left), abs=0.05)
    surely, maybe = of(chart, "line", "line")
    assert float(surely.get("x1")) > zero
    assert float(maybe.get("x1")) < zero < float(maybe.get("x2"))
    assert [dot.get("class") for dot in chart.iter("circle")] == ["fill s0", "fill known"]
    told = [title.text for title in chart.iter("title")]
    assert "a - b: 0.20 (0.10 to 0.30), p = 0.01" in told


def test_forest_of_a_difference_without_interval():
    chart = charts.forest("gaps", [Gap("a - b", Point(0.0), False, "")], "difference", plain)
    (line,) = of(chart, "line", "known")
    assert line.get("x1") == line.get("x2")


def test_scatter_is_logarithmic_in_cost():
    spots = [Spot(str(cost), cost, Point(0.1 * n, 0.1 * n - 0.01, 0.1 * n + 0.01), "s0") for n, cost in
             enumerate((1.0, 10.0, 100.0))]  # fmt: skip
    chart = charts.scatter("costs", spots, ("seconds", "ndcg"), plain)
    dear, middle, cheap = (float(dot.get("cx")) for dot in chart.iter("circle"))
    assert dear - middle == pytest.approx(middle - cheap, abs=0.02)
    heights = [float(dot.get("cy")) for dot in chart.iter("circle")]
    assert heights == sorted(heights), "the best one is drawn first, and highest"
    assert len(of(chart, "line", "whisker")) == 3
    assert all(0 < x < WIDTH for x in (dear, middle, cheap))


def test_names_in_a_scatter_do_not_cover_each_other():
    spots = [Spot("a rather long name of a model", 5.0, Point(0.1 + n / 1e6), "s1") for n in range(4)]
    chart = charts.scatter("costs", spots, ("seconds", "ndcg"), plain)
    heights = sorted(float(text.get("y")) for text in of(chart, "text", "name"))
    assert all(b - a >= 13.9 for a, b in pairwise(heights))
    assert all(float(text.get("x")) + 24 * 6.6 <= WIDTH for text in of(chart, "text", "name"))


def test_a_kept_promise_lies_on_the_line():
    points = [(0.1, Point(0.1, 0.05, 0.2)), (0.4, Point(0.2))]
    chart = charts.reliability("promises", points, ("foretold", "happened"), plain)
    (line,) = of(chart, "line", "rule")
    x1, x2, y1, y2 = (float(line.get(name)) for name in ("x1", "x2", "y1", "y2"))
    on, below = ((float(dot.get("cx")), float(dot.get("cy"))) for dot in chart.iter("circle"))
    assert on[1] == pytest.approx(y1 + (on[0] - x1) / (x2 - x1) * (y2 - y1), abs=0.05)
    assert below[1] > y1 + (below[0] - x1) / (x2 - x1) * (y2 - y1), "less happened than was promised"
    assert len(of(chart, "line", "whisker")) == 1
    assert charts.reliability("none", [(0.0, Point(0.0))], ("a", "b"), plain) is not None
