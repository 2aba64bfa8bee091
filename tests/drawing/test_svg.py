# SPDX-License-Identifier: Apache-2.0
"""Charts: marks stand where the numbers say, at a scale with round ticks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.drawing import svg
from penchant.drawing.markup import add, node, to_html
from penchant.drawing.svg import Point, Series


def plain(value):
    return f"{value:.4f}"


def marks(chart, tag, style):
    return [e for e in chart.iter(tag) if style in e.get("class", "").split()]


def titles(chart):
    return [e.text for g in chart.iter("g") for e in g.findall("title")]


def texts(chart):
    return [e.text for e in chart.iter("text")]


def test_ticks_are_round_and_cover():
    assert svg.ticks(0, 0.113) == pytest.approx([0, 0.025, 0.05, 0.075, 0.1, 0.125])
    assert svg.ticks(4.1, 7.2) == pytest.approx([4, 5, 6, 7, 8])
    assert svg.ticks(3, 3)[0] <= 3 < svg.ticks(3, 3)[-1]


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_always_cover_what_they_are_asked_for(low, span):
    found = svg.ticks(low, low + span)
    assert 2 <= len(found) <= 12
    step = found[1] - found[0]
    assert found[0] <= low + step * 1e-6
    assert found[-1] >= low + span - step * 1e-6


def test_bars_across_are_as_long_as_their_numbers():
    series = [
        Series("a", [Point(0.1, 0.05, 0.15)], "s0"),
        Series("b", [Point(0.05)], "s1"),
        Series("c", [None], "s2"),
    ]
    chart = svg.across("t", series, "NDCG", plain)
    widths = [float(bar.get("width")) for bar in chart.iter("rect")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.1)
    assert widths[2] == 0
    assert len(marks(chart, "line", "whisker")) == 3, "a line and two caps, for the one that has an interval"
    assert titles(chart) == ["a: 0.1000 (0.0500 to 0.1500)", "b: 0.0500", "c: 0.0000"]


def test_a_whisker_ends_where_its_interval_ends():
    chart = svg.across("t", [Series("a", [Point(0.1, 0.05, 0.2)], "s0")], "x", plain)
    bar = next(chart.iter("rect"))
    whole = marks(chart, "line", "whisker")[0]
    left, width = float(bar.get("x")), float(bar.get("width"))
    assert float(whole.get("x1")) == pytest.approx(left + width / 2, abs=0.1)
    assert float(whole.get("x2")) == pytest.approx(left + 2 * width, abs=0.1)
    assert whole.get("y1") == whole.get("y2")


def test_grouped_bars_stand_on_the_axis_and_gaps_stay_gaps():
    series = [Series("a", [Point(0.2), None], "s0"), Series("b", [Point(0.1), Point(0.4, 0.3, 0.5)], "s1")]
    chart = svg.grouped("t", [("new", "3 users"), ("old", "")], series, ("x", "y"), plain, rule=0.25)
    bars = list(chart.iter("rect"))
    assert len(bars) == 3
    feet = [float(bar.get("y")) + float(bar.get("height")) for bar in bars]
    assert feet == pytest.approx([feet[0]] * 3, abs=0.1)
    assert float(bars[0].get("height")) == pytest.approx(2 * float(bars[1].get("height")), abs=0.1)
    assert len(marks(chart, "line", "rule")) == 1
    assert titles(chart)[-1] == "b, old: 0.4000 (0.3000 to 0.5000)"
    assert "3 users" in texts(chart)


def test_percent_axes_say_percent():
    chart = svg.grouped("t", [("1", "")], [Series("a", [Point(0.5)], "s0")], ("x", "y"), lambda v: f"{v:.1%}")
    assert "50\N{NO-BREAK SPACE}%" in texts(chart)


def test_lines_rise_with_their_numbers_and_skip_what_is_missing():
    series = [
        Series("a", [Point(0.1), None, Point(0.3)], "s0"),
        Series("b", [Point(0.2, 0.1, 0.3), Point(0.2, 0.1, 0.3), Point(0.2, 0.1, 0.3)], "s1"),
    ]
    chart = svg.lines("t", [5, 10, 20], series, ("k", "y"), plain, zero=True)
    a, b = marks(chart, "polyline", "line")
    points = [tuple(map(float, pair.split(","))) for pair in a.get("points").split()]
    assert len(points) == 2
    assert points[0][0] < points[1][0]
    assert points[0][1] > points[1][1], "up is a smaller y"
    assert len({pair.split(",")[1] for pair in b.get("points").split()}) == 1
    assert len(marks(chart, "polygon", "band")) == 1
    assert "a, k 20: 0.3000" in titles(chart)


def test_bands_are_drawn_only_while_they_can_be_told_apart():
    series = [Series(str(n), [Point(0.2, 0.1, 0.3)] * 2, svg.colour(n)) for n in range(svg.BANDS + 1)]
    for count, bands in ((svg.BANDS, svg.BANDS), (svg.BANDS + 1, 0)):
        chart = svg.lines("t", [1, 2], series[:count], ("k", "y"), plain, zero=True)
        assert len(marks(chart, "polygon", "band")) == bands
        assert len(marks(chart, "polyline", "line")) == count


def test_a_line_of_one_point_and_one_of_many():
    one = svg.lines("t", [7], [Series("a", [Point(2.0)], "s0")], ("step", ""), plain, zero=False)
    assert len(list(one.iter("circle"))) == 1
    xs = list(range(0, 1000, 10))
    many = svg.lines("t", xs, [Series("a", [Point(x / 7) for x in xs], "s0")], ("step", ""), plain, zero=False)
    shown = [text for text in texts(many) if text in {str(x) for x in xs}]
    assert len(shown) < 25, "not one label a point"


def test_labels_that_would_collide_are_left_out():
    series = [Series("a", [Point(0.1)] * 4, "s0")]
    shown = texts(svg.lines("t", [1, 2, 3, 1000], series, ("k", "y"), plain, zero=True))
    assert "1" in shown
    assert "2" not in shown
    assert "1000" in shown


def test_long_names_are_cut_but_whole_in_the_title():
    name = "a model with a very long name"
    chart = svg.across("t", [Series(name, [Point(0.1)], "s0")], "x", plain)
    assert name not in texts(chart)
    assert titles(chart)[0].startswith(name)


def test_colours_come_round():
    assert svg.colour(0) == svg.colour(svg.COLOURS) != svg.colour(1)


def test_large_numbers_stay_short():
    assert svg.short(2_000_000) == "2e+06"
    assert svg.short(0.075) == "0.075"


def test_markup_escapes_and_keeps_text_in_order():
    tree = add(node("p", "a <b>", node("i", "&"), " c", class_='x" onload="y'), " d", node("br"))
    assert to_html(tree) == (
        '<!doctype html>\n<p class="x&quot; onload=&quot;y">a &lt;b&gt;<i>&amp;</i> c d<br></p>\n'
    )


def test_a_histogram_stacks_its_series():
    series = [Series("a", [Point(2), Point(0), None], "s0"), Series("b", [Point(2), Point(1), Point(4)], "s1")]
    chart = svg.histogram("t", ["x", "y", "z"], series, {0: "x", 1: "y", 2: "z"}, ("when", "events"), plain)
    boxes = list(chart.iter("rect"))
    assert len(boxes) == 4, "what is 0 is not drawn"
    a, _, _, b = (float(box.get("height")) for box in boxes)
    assert b == pytest.approx(2 * a, abs=0.1)
    first, above = boxes[0], boxes[1 + 0]
    assert float(first.get("y")) != float(above.get("y"))
    assert titles(chart)[0] == "a, x: 2.0000"
    stacked = [box for box in boxes if box.get("x") == boxes[0].get("x")]
    tops = sorted(float(box.get("y")) for box in stacked)
    assert tops[1] - tops[0] == pytest.approx(a, abs=0.1)


def test_marks_that_would_touch_are_left_out():
    bins = [str(n) for n in range(100)]
    marks_ = dict.fromkeys(range(100), "1997-09-20")
    chart = svg.histogram("t", bins, [Series("a", [Point(1)] * 100, "s0")], marks_, ("x", "y"), plain)
    assert 3 <= texts(chart).count("1997-09-20") <= 8


def test_pairs_stand_under_one_name():
    series = [Series("train", [Point(0.5), Point(0.25)], "s0"), Series("test", [Point(0.25), None], "s1")]
    chart = svg.paired("t", ["one", "two"], series, "Share", lambda v: f"{v:.0%}")
    widths = [float(bar.get("width")) for bar in chart.iter("rect")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.1)
    assert widths[2] == pytest.approx(widths[1], abs=0.1)
    assert widths[3] == 0
    assert [t for t in texts(chart) if t in ("one", "two")] == ["one", "two"]
    assert titles(chart)[0] == "train, one: 50%"
    plainly = svg.paired("t", ["one"], [Series("a", [Point(2)], "s0")], "Count", plain)
    assert "2" in texts(plainly)


def test_a_spark_shows_that_something_is_there():
    chart = svg.spark("t", [0, 1, 1000])
    heights = [float(bar.get("height")) for bar in chart.iter("rect")]
    assert heights == [0, 1, 26]
    assert len(list(svg.spark("t", []).iter("rect"))) == 0
