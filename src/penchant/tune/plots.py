# SPDX-License-Identifier: Apache-2.0
"""The plots of a study: its course, what mattered, each key by itself, all keys together, single trainings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from penchant.drawing import svg
from penchant.drawing.frame import figure
from penchant.drawing.markup import add, node
from penchant.drawing.svg import WIDTH, Point, Series, colour, short, ticks
from penchant.tune.space import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from penchant.tune.space import Key, Value
    from penchant.tune.trials import StudyState, Trial

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 66.0, 24.0, 12.0, 242.0, 296.0
_CURVES = 6
"""Trials whose training is drawn."""
_GOOD = 0.2
"""Share of the trials that stand out where all keys are drawn together."""


def figures(
    state: StudyState, trials: Sequence[Trial], best: Trial, mattered: Mapping[str, float]
) -> list[Element]:
    """Every plot that the trials have numbers for."""
    scored = [trial for trial in trials if trial.score is not None]
    found = [_history(state, scored, best)]
    if mattered:
        series = [Series(name, [Point(share)], "s0") for name, share in mattered.items()]
        chart = svg.across("Importance of keys", series, "Share of the differences in score", _percent)
        words = "Functional ANOVA over the trials that learned to their end; a guess where they are few."
        found.append(figure("What mattered", words, chart))
    keys = sorted(state.keys, key=lambda key: -mattered.get(key.name, 0.0))
    found.extend(_slice(state, key, scored, best) for key in keys)
    if len(keys) > 1 and len(scored) > 1:
        found.append(_together(state, keys, scored, best))
    curves = [trial for trial in _ranked(scored) if len(trial.curve) > 1][:_CURVES]
    if curves:
        found.append(_training(state, curves))
    return found


def _history(state: StudyState, scored: Sequence[Trial], best: Trial) -> Element:
    """Each trial's score, and the best so far."""
    last = max(trial.number for trial in scored)
    marks = _marks(scored)
    chart = _plot("Scores of the trials", marks, "Trial", state.metric)

    def across(number: float) -> float:
        return _LEFT + 10 + number / max(last, 1) * (WIDTH - _LEFT - _RIGHT - 20)

    for number in sorted({round(n * last / 5) for n in range(6)}):
        _mark(chart, across(number), str(number))
    steps: list[str] = []
    reached = -math.inf
    for trial in scored:
        score = trial.score or 0.0
        if score > reached:
            corner = [] if not steps else [f"{across(trial.number):.1f},{_up(reached, marks):.1f}"]
            steps += [*corner, f"{across(trial.number):.1f},{_up(score, marks):.1f}"]
            reached = score
    steps.append(f"{across(last):.1f},{_up(reached, marks):.1f}")
    add(chart, node("polyline", points=" ".join(steps), class_="line s1"))
    for trial in scored:
        add(chart, _dot(across(trial.number), trial, marks, best))
    return figure("Course of the search", "Line: the best so far. Pale: given up or cut off.", chart)


def _slice(state: StudyState, key: Key, scored: Sequence[Trial], best: Trial) -> Element:
    """The scores by one key's value."""
    shown = [trial for trial in scored if _place(key, trial.values[key.name]) is not None]
    marks = _marks(scored)
    chart = _plot(f"Score by {key.name}", marks, key.name, state.metric)
    for value in _ends(key):
        _mark(chart, _across(_place(key, value) or 0.0), say(value))
    for trial in shown:
        add(chart, _dot(_across(_place(key, trial.values[key.name]) or 0.0), trial, marks, best))
    outside = len(scored) - len(shown)
    words = f"[{key.table}] {key.name}: {key.words()}."
    return figure(key.name, words + (f" Not shown: {outside} outside of it." if outside else ""), chart)


def _together(state: StudyState, keys: Sequence[Key], scored: Sequence[Trial], best: Trial) -> Element:
    """Parallel coordinates: a line for each trial through its values, ending at its score."""
    names = [*(key.name for key in keys), state.metric]
    low, high = min(t.score or 0.0 for t in scored), max(t.score or 0.0 for t in scored)
    step = (WIDTH - 2 * _LEFT) / (len(names) - 1)
    chart = _empty(f"All keys and {state.metric}")
    good = len(_ranked(scored)) * _GOOD
    drawn = []
    for rank, trial in enumerate(_ranked(scored)):
        places = [_place(key, trial.values[key.name]) for key in keys]
        places.append(((trial.score or 0.0) - low) / (high - low) if high > low else 1.0)
        points = [
            f"{_LEFT + n * step:.1f},{_BOTTOM - place * (_BOTTOM - _TOP):.1f}"
            for n, place in enumerate(places)
            if place is not None
        ]
        style = "s1" if trial is best else "s0" if rank < good else "known"
        line = node("polyline", points=" ".join(points), class_=f"line {style}")
        drawn.append(node("g", node("title", _told(trial)), line))
    add(chart, *reversed(drawn))
    for n, name in enumerate(names):
        x = _LEFT + n * step
        add(chart, node("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, class_="axis"))
        ends = (
            (f"{low:.4f}", f"{high:.4f}")
            if n == len(keys)
            else tuple(say(v) for v in _ends(keys[n])[:: len(_ends(keys[n])) - 1])
        )
        for end, y in zip(ends, (_BOTTOM + 16, _TOP - 2), strict=True):
            add(chart, node("text", end, x=x, y=y, class_="tick middle"))
        add(chart, node("text", name, x=x, y=_BOTTOM + (32 if n % 2 == 0 else 48), class_="label middle"))
    return figure("All keys together", "Orange: the best trial; blue: the best fifth; grey: the rest.", chart)


def _training(state: StudyState, curves: Sequence[Trial]) -> Element:
    """The metric by epoch, of the best trials."""
    xs = sorted({epoch for trial in curves for epoch in trial.curve})
    series = [
        Series(
            f"trial {trial.number}",
            [Point(trial.curve[x]) if x in trial.curve else None for x in xs],
            colour(n),
        )
        for n, trial in enumerate(curves)
    ]
    axes = ("Epoch", state.metric)
    chart = svg.lines(f"{state.metric} while training", xs, series, axes, _plain, zero=False)
    return figure("While training", f"The {len(series)} best trials.", chart, series)


def _ranked(scored: Sequence[Trial]) -> list[Trial]:
    return sorted(scored, key=lambda trial: -(trial.score or 0.0))


def _ends(key: Key) -> list[Value]:
    """The values that an axis names, the lowest first."""
    if key.where.choices:
        return list(key.where.choices)
    low, high = key.where.low or 0.0, key.where.high or 0.0
    middle = math.sqrt(low * high) if key.where.log else (low + high) / 2
    return [low, float(f"{middle:.2g}"), high]


def _place(key: Key, value: Value) -> float | None:
    """Where a value stands between the ends of its range, 0 to 1; None outside of it."""
    if not key.holds(value):
        return None
    if key.where.choices:
        return key.where.choices.index(value) / (len(key.where.choices) - 1)
    assert isinstance(value, int | float)
    low, high = key.where.low or 0.0, key.where.high or 0.0
    if key.where.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _marks(scored: Sequence[Trial]) -> list[float]:
    scores = [trial.score or 0.0 for trial in scored]
    return ticks(min(scores), max(scores), 4)


def _across(place: float) -> float:
    return _LEFT + 14 + place * (WIDTH - _LEFT - _RIGHT - 28)


def _up(score: float, marks: Sequence[float]) -> float:
    return _BOTTOM - (score - marks[0]) / (marks[-1] - marks[0]) * (_BOTTOM - _TOP)


def _dot(x: float, trial: Trial, marks: Sequence[float], best: Trial) -> Element:
    style = "s1" if trial is best else "s0" if trial.state == "done" else "known"
    circle = node(
        "circle", cx=x, cy=_up(trial.score or 0.0, marks), r=5 if trial is best else 4, class_=f"fill {style}"
    )
    return node("g", node("title", _told(trial)), circle)


def _told(trial: Trial) -> str:
    values = ", ".join(f"{name} {say(value)}" for name, value in trial.values.items())
    return f"trial {trial.number} ({trial.state}): {trial.score:.4f}; {values}"


def _plot(title: str, marks: Sequence[float], across: str, upwards: str) -> Element:
    """Axes, and level lines with their numbers."""
    chart = _empty(title)
    for mark in marks:
        y = _up(mark, marks)
        add(chart, node("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        add(chart, node("text", short(mark), x=_LEFT - 8, y=y + 4, class_="tick", text_anchor="end"))
    add(chart, node("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    add(chart, node("text", across, x=(_LEFT + WIDTH - _RIGHT) / 2, y=_HEIGHT - 8, class_="label middle"))
    turned = f"translate(12 {_BOTTOM / 2:.0f}) rotate(-90)"
    return add(chart, node("text", upwards, transform=turned, class_="label middle"))


def _mark(chart: Element, x: float, text: str) -> None:
    add(chart, node("text", text, x=x, y=_BOTTOM + 18, class_="tick middle"))


def _empty(title: str) -> Element:
    box = {"viewBox": f"0 0 {WIDTH:g} {_HEIGHT:g}"}
    return node("svg", node("title", title), role="img", aria_label=title, **box)


def _plain(value: float) -> str:
    return f"{value:.4f}"


def _percent(value: float) -> str:
    return f"{value:.1%}"
