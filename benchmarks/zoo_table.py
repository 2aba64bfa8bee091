# SPDX-License-Identifier: Apache-2.0
"""What came out of `zoo.py`, as Markdown and as a picture: nothing in the README's tables is typed.

Intervals are of the users that are asked (bootstrap, 95 %) and know nothing of seeds. Who is ahead is asked of one
pair of models only: Penchant's best and the best peer by the part that chose, not by the test.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from zoo_models import Entry, absence

from penchant.drawing.markup import add, node, to_html
from penchant.evaluate.bootstrap import intervals, paired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from zoo import Table

CHOSEN_BY = "ndcg@10"
SHOWN = ("ndcg@10", "recall@10", "recall@20")
HEADS = (
    "set, users asked; budget", "model", "NDCG@10, 95 %", "Recall@10", "Recall@20", "choosing", "fit s",
    "k events/s", "peak MiB", "chosen",
)  # fmt: skip
BEGIN, END = "<!-- zoo: begin -->", "<!-- zoo: end -->"
SHADES = ("#1b6ca8", "#d1495b", "#2e8b57", "#8a5fbf", "#e08e0b", "#00798c", "#7a5c42")

Line = dict[str, Any]


def read(path: Path) -> list[Line]:
    """Every step that ended."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lists_of(log: Path, model: str) -> Path:
    """Where the lists of a model's final fit are kept."""
    return log.with_suffix("") / f"{model.replace(' ', '-')}.npy"


def chosen(tuned: Line) -> Line | None:
    """The trial that validation chose; None where none came to a result."""
    able = [trial for trial in tuned["trials"] if CHOSEN_BY in trial]
    return max(able, key=lambda trial: trial[CHOSEN_BY]) if able else None


def markdown(tables: Sequence[Table], entries: Mapping[str, Entry]) -> str:
    """The table of all rows, that of the pairs, and what is missing."""
    rows = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
    pairs = ["| set | Penchant's best | best peer | difference of NDCG@10, 95 % | p |", "|" + "---|" * 5]
    missing = []
    for table in tables:
        found = table.lines()
        tuned = {line["model"]: line for line in found if line["stage"] == "tuned"}
        finals = {line["model"]: line for line in found if line["stage"] == "final" and CHOSEN_BY in line}
        order = sorted(finals, key=lambda name: -finals[name][CHOSEN_BY])
        for place, name in enumerate(order):
            first = "" if place else f"{table.name}, {len(table.final.asked):,}; {table.budget['minutes']:g} min"
            cells = _cells(table, tuned[name], finals[name])
            rows.append(f"| {first} | {_said(name, entries)} | {' | '.join(cells)} |")
        pairs += _pair(table, tuned, finals, entries)
        missing += _missing(table, tuned, finals, entries)
    return "\n".join([*pairs, "", *rows, "", *missing])


def _cells(table: Table, tuned: Line, final: Line) -> list[str]:
    values = _values(table, final["model"])
    (mean, low, high), *_ = intervals(values[CHOSEN_BY][None])
    spent = sum(trial.get("cpu", 0.0) + trial.get("ask", 0.0) for trial in tuned["trials"])
    unhappy = [
        f"{count} {word}"
        for word, count in (
            ("cut off", sum("late" in trial for trial in tuned["trials"])),
            ("failed", sum("failed" in trial for trial in tuned["trials"])),
        )
        if count
    ]
    speed = final["passes"] * table.final.known.height / max(final["cpu"], 1e-3) / 1000
    epochs = [f"{final['passes']:.3g} epochs"] if final["length"] is not None else []
    settings = {key: value for key, value in final["settings"].items() if key not in {"steps", "epochs"}}
    words = [*epochs, *(f"{key} {value}" for key, value in settings.items())]
    return [
        f"{_short(mean)} ({_short(low)} to {_short(high)})",
        *(_short(final[key]) for key in SHOWN[1:]),
        ", ".join([f"{len(tuned['trials'])} in {spent:.0f} s", *unhappy]),
        f"{final['cpu']:.2f}" if final["cpu"] < 10 else f"{final['cpu']:.0f}",
        f"{speed:,.0f}",
        f"{final['peak']:,.0f}",
        ", ".join(words) or "defaults",
    ]


def _pair(
    table: Table, tuned: Mapping[str, Line], finals: Mapping[str, Line], entries: Mapping[str, Entry]
) -> list[str]:
    """Penchant's best against the best peer, by validation; nothing if either is not there yet."""
    scores = {name: trial[CHOSEN_BY] for name in finals if (trial := chosen(tuned[name]))}
    sides = [[name for name in scores if (entries[name].runner == "penchant") is own] for own in (True, False)]
    if not all(sides):
        return []
    a, b = (max(side, key=scores.__getitem__) for side in sides)
    found = paired(_values(table, a)[CHOSEN_BY], _values(table, b)[CHOSEN_BY])
    between = f"{_signed(found.mean)} ({_signed(found.low)} to {_signed(found.high)})"
    told = [f"{_said(name, entries)} {_short(finals[name][CHOSEN_BY])}" for name in (a, b)]
    return [f"| {table.name} | {told[0]} | {told[1]} | {between} | {found.p:.4f} |"]


def _missing(
    table: Table, tuned: Mapping[str, Line], finals: Mapping[str, Line], entries: Mapping[str, Entry]
) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name in entries:
        if name in finals:
            continue
        reason = absence(name, table.parts.items, tagged=table.parts.tags is not None) or "not run"
        if name in tuned:
            trials = tuned[name]["trials"]
            failed = [trial["failed"] for trial in trials if "failed" in trial]
            reason = f"failed ({failed[0]})" if failed else "not one epoch in the budget"
            if chosen(tuned[name]):
                reason = "chosen, but its last fit did not come to an end"
        reasons.setdefault(reason, []).append(_said(name, entries))
    told = [f"{reason}: {', '.join(names)}" for reason, names in reasons.items()]
    return [f"* {table.name}: {'; '.join(told)}."] if told else []


def _values(table: Table, name: str) -> dict[str, np.ndarray]:
    return table.final.per_user(np.load(lists_of(table.out, name)).astype(np.int64))


def _said(name: str, entries: Mapping[str, Entry]) -> str:
    return f"`{name}`" if entries[name].runner == "penchant" else name


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _signed(value: float) -> str:
    return ("-" if value < 0 else "+") + _short(abs(value))


def into(page: Path, text: str) -> None:
    """Put the text between the two marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def plot(table: Table, entries: Mapping[str, Entry]) -> str:
    """One picture: NDCG@10 on the validation part over the processor seconds of training, of the chosen trials."""
    lines = {line["model"]: chosen(line) for line in table.lines() if line["stage"] == "tuned"}
    curves = {
        name: trial["curve"] or [[max(trial["cpu"], 0.01), trial[CHOSEN_BY]]]
        for name, trial in lines.items()
        if trial
    }
    curves = dict(sorted(curves.items(), key=lambda pair: -max(score for _, score in pair[1])))
    left, right, top, bottom = 46.0, 560.0, 28.0, 470.0
    seconds = [max(at, 0.01) for curve in curves.values() for at, _ in curve]
    highest = max(score for curve in curves.values() for _, score in curve)
    low = math.floor(math.log10(min(seconds)))
    high = max(math.ceil(math.log10(max(seconds))), low + 1)

    def x(at: float) -> float:
        return left + (right - left) * (math.log10(max(at, 0.01)) - low) / (high - low)

    def y(score: float) -> float:
        return bottom - (bottom - top) * score / (highest * 1.05)

    style = "text{font:11px sans-serif}.grid{stroke:#ddd}polyline{fill:none;stroke-width:1.6}"
    root = node("svg", node("style", style), xmlns="http://www.w3.org/2000/svg", viewBox="0 0 720 510")
    add(root, node("rect", width="720", height="510", fill="white"))
    words = "NDCG@10 on validation over processor seconds of training; dots: no epochs, dashes: peers"
    add(root, node("text", f"{table.name}: {words}", x=left, y=16))
    for power in range(low, high + 1):
        add(root, node("line", x1=x(10.0**power), x2=x(10.0**power), y1=top, y2=bottom, class_="grid"))
        add(root, node("text", f"{10.0**power:g} s", x=x(10.0**power), y=bottom + 16, text_anchor="middle"))
    for rung in range(int(highest * 1.05 / 0.02) + 1):
        add(root, node("line", x1=left, x2=right, y1=y(rung * 0.02), y2=y(rung * 0.02), class_="grid"))
        add(root, node("text", f"{rung * 0.02:.2f}", x=left - 6, y=y(rung * 0.02) + 4, text_anchor="end"))
    free = top - 6.0
    for n, (name, curve) in enumerate(curves.items()):
        shade, dash = SHADES[n % len(SHADES)], "none" if entries[name].runner == "penchant" else "5 3"
        reached = np.maximum.accumulate([score for _, score in curve])
        points = " ".join(f"{x(at):.1f},{y(score):.1f}" for (at, _), score in zip(curve, reached, strict=True))
        add(root, node("polyline", points=points, stroke=shade, stroke_dasharray=dash))
        if not entries[name].slow:
            add(root, node("circle", cx=x(curve[0][0]), cy=y(reached[0]), r=3.5, fill=shade))
        free = max(free + 14, y(reached[-1]) + 4)
        add(root, node("text", name, x=right + 8, y=free, fill=shade))
        add(
            root,
            node(
                "line",
                x1=x(curve[-1][0]),
                y1=y(reached[-1]),
                x2=right + 6,
                y2=free - 4,
                stroke=shade,
                opacity=0.25,
            ),
        )
    return to_html(root).removeprefix("<!doctype html>").lstrip()
