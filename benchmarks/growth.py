# SPDX-License-Identifier: Apache-2.0
"""How do time and memory of each model grow with the number of events and items?

    python benchmarks/growth.py --sizes 1 3 10 --plot benchmarks/growth.svg

Events, users and items grow together, so that what one user did stays as long as it was: twenty events each, items
by a power law (the cube of an even draw), times in order, a category and a number for each item. All of it is made
up, so nothing is asked of quality. Each model at each size is a process of its own with one thread, and first
learns from a fiftieth of the events, untimed: that loads what is loaded but once.

* **fit**: processor seconds; a model that learns by steps goes through its users once, however often it ought to.
* **answer**: processor milliseconds of a user, for the best 50 items of the catalogue, asked as reports do.
* **memory**: the peak of the process less what it had before the model was made.

The exponent is the slope of a straight line through the logarithms: 1 grows with the number of events, 2 with its
square. Of what is too small to be measured (`SMALL`) none is told.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from penchant import registry
from penchant.data.dataset import Dataset
from penchant.drawing.markup import add, node, to_html
from penchant.evaluate.protocol import Cut, EvaluateConfig, Question
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, Column, IdType, Kind, Schema
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

EVENTS = 20_000
"""Of size 1."""
EVENTS_A_USER = 20
EVENTS_AN_ITEM = 50
ASKED = 1000
"""Users, at most."""
MEASURES = {"fit": "s", "answer": "ms", "memory": "MiB"}
SMALL = {"fit": 0.02, "answer": 0.0, "memory": 8.0}
"""What the largest size must come to before an exponent is told: less is the machine's noise."""
TITLES = {
    "fit": "Fit: processor seconds (an epoch, where a model learns by steps)",
    "answer": "Answer: processor milliseconds of a user",
    "memory": "Memory on top of tables and libraries: MiB",
}
LEFT, RIGHT, ROW, HEAD = 130.0, 700.0, 21.0, 46.0
"""Of a chart: where its axis begins and ends, and how high a row and the heading are."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #52514e }
.head { font-weight: 600; font-size: 14px; fill: #1a1a19 } .kind { text-anchor: end; fill: #1a1a19 }
.middle { text-anchor: middle } .told { fill: #1a1a19 } .faint { fill: #8a8983 } .back { fill: #fff }
.grid { stroke: #e4e3df } .span { stroke: #9db9dc; stroke-width: 3; stroke-linecap: round }
circle { stroke: #fff; stroke-width: 1 } .size0 { fill: #86b6ef } .size1 { fill: #3987e5 } .size2 { fill: #184f95 }
@media (prefers-color-scheme: dark) {
text { fill: #b5b4ae } .head, .kind, .told { fill: #f5f4ef } .faint { fill: #85847e } .back { fill: #1a1a19 }
.grid { stroke: #3a3a37 } .span { stroke: #3b5a85 } circle { stroke: #1a1a19 }
.size0 { fill: #2a78d6 } .size1 { fill: #6da7ec } .size2 { fill: #cde2fb }
}
"""


def world(events: int, seed: int = 0) -> Dataset:
    """Made-up tables; nobody does the same twice in a row, and an item that nobody did is left out."""
    users, items = max(events // EVENTS_A_USER, 2), max(events // EVENTS_AN_ITEM, 10)
    chance = np.random.default_rng(seed)
    log = pl.DataFrame(
        {
            USER: chance.permutation(np.arange(events) % users),
            ITEM: (chance.random(events) ** 3 * items).astype(np.int64),
            TIME: np.arange(events) * 60_000_000,
            TYPE: "view",
            VALUE: pl.Series([None] * events, dtype=pl.Float64),
        }
    )
    names = pl.Series(chance.integers(0, 50, items)).cast(pl.String)
    table = pl.DataFrame({ITEM: np.arange(items), "kind": names, "price": chance.random(items)})
    columns = {"kind": Column(kind=Kind.CATEGORY), "price": Column(kind=Kind.NUMBER)}
    schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, items=columns, event_types=("view",))
    seen = table.join(log.select(ITEM).unique(), on=ITEM, how="semi", maintain_order="left")
    return Dataset(
        name="growth", schema=schema, events=log, items=seen, users=log.select(USER).unique().sort(USER)
    )


def learn(kind: str, data: Dataset) -> tuple[Pipeline, float, float]:
    """(the fitted pipeline, processor seconds, MiB in use before)."""
    space = FeatureSpace.fit(data, data.events)
    catalogue = space.catalogue(data.items)
    users = space.users(data.users[USER], data.events, catalogue, data.users)
    before, begin = peak(), time.process_time()
    model = make(kind, {}, space.sizes)
    fit(model, users, TrainConfig(epochs=1, precision="float32"))
    return Pipeline(model, space, catalogue), time.process_time() - begin, before


def peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, events: int) -> dict[str, float]:
    """What `MEASURES` names, of the process that calls this."""
    torch.set_num_threads(1)
    learn(kind, world(events // 50))
    data = world(events)
    pipeline, seconds, before = learn(kind, data)
    some = data.users.head(ASKED)
    # To find is one more item of each: what is asked for is a list, whatever it is worth.
    hidden = (
        data.events.join(some, on=USER, how="semi")
        .unique(USER)
        .with_columns(pl.lit(data.items[ITEM][-1]).alias(ITEM))
    )
    question = Question.prepare(
        pipeline.space, pipeline.catalogue, Cut(data.events, data.events, hidden), data.users,
        config=EvaluateConfig(ks=(50,), repeats=True),
    )  # fmt: skip
    begin = time.process_time()
    question.ask(pipeline)
    return {
        "items": data.items.height, "fit": seconds, "memory": peak() - before,
        "answer": 1000 * (time.process_time() - begin) / len(question.ids),
    }  # fmt: skip


def slope(sizes: Sequence[float], values: Sequence[float], small: float) -> float | None:
    """The exponent, or None where there is nothing to be seen."""
    if len(sizes) < 2 or max(values) < small or min(values) <= 0:
        return None
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def chart(name: str, sizes: Sequence[float], found: dict[str, list[float]], top: float) -> Element:
    """A row for each model, the dearest last; a dot for each size, on an axis by powers of ten."""
    rows = sorted(found.items(), key=lambda pair: pair[1][-1])
    values = [max(value, 1e-4) for _, row in rows for value in row]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    low = min(low, high - 1)
    bottom = top + HEAD + ROW * len(rows)

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log10(max(value, 1e-4)) - low) / (high - low)

    whole = node("g", node("text", TITLES[name], x=20, y=top + 16, class_="head"))
    for power in range(low, high + 1):
        place = x(10.0**power)
        add(whole, node("line", x1=place, x2=place, y1=top + HEAD - 8, y2=bottom, class_="grid"))
        add(whole, node("text", f"{10.0**power:g}", x=place, y=bottom + 16, class_="middle"))
    add(whole, node("text", "exponent", x=RIGHT + 30, y=top + HEAD - 12))
    for n, (kind, row) in enumerate(rows):
        y = top + HEAD + ROW * (n + 0.5)
        add(whole, node("text", kind, x=LEFT - 14, y=y + 4, class_="kind"))
        add(whole, node("line", x1=x(min(row)), x2=x(max(row)), y1=y, y2=y, class_="span"))
        for place, value in enumerate(row):
            add(whole, node("circle", cx=x(value), cy=y, r=3.0 + place, class_=f"size{place}"))
        exponent = slope(sizes, row, SMALL[name])
        told = "too small to tell" if exponent is None else f"{exponent:.2f}"
        add(whole, node("text", told, x=RIGHT + 30, y=y + 4, class_="faint" if exponent is None else "told"))
    return whole


def plot(sizes: Sequence[float], found: dict[str, dict[str, list[float]]]) -> str:
    """One picture: what it takes at each size, for each measure; light or dark, as the reader likes it."""
    each = HEAD + ROW * len(found) + 46
    width, height = 860, 52 + each * len(MEASURES)
    root = node(
        "svg", node("style", STYLE), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height:g}",
        role="img", aria_label="What each model takes at three sizes",
    )  # fmt: skip
    add(root, node("rect", width=width, height=height, class_="back"))
    for n, size in enumerate(sizes):
        place = LEFT + 160.0 * n
        add(root, node("circle", cx=place, cy=24, r=3.0 + n, class_=f"size{n}"))
        add(root, node("text", f"{size:g}x: {round(size * EVENTS):,} events", x=place + 10, y=28))
    for n, name in enumerate(MEASURES):
        add(root, chart(name, sizes, {kind: rows[name] for kind, rows in found.items()}, 52.0 + each * n))
    return to_html(root).removeprefix("<!doctype html>").lstrip()


def table(sizes: Sequence[float], found: dict[str, dict[str, list[float]]]) -> str:
    """Markdown: what each size takes, and the exponent after it."""
    lines = ["| model | fit, s | | answer, ms a user | | memory, MiB | |", "|---|---|---|---|---|---|---|"]
    for kind, rows in found.items():
        cells = []
        for name in MEASURES:
            exponent = slope(sizes, rows[name], SMALL[name])
            cells += [" / ".join(f"{v:.3g}" for v in rows[name]), "" if exponent is None else f"{exponent:.2f}"]
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 3, 10], help=f"times {EVENTS} events")
    parser.add_argument("--models", nargs="+", default=list(registry.MODELS))
    parser.add_argument("--plot", type=Path, help="where the picture is put")
    parser.add_argument("--kept", type=Path, help="a file of what was measured before; it is added to")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.measure:
        print(json.dumps(measure(told.measure[0], int(told.measure[1]))))
        return
    kept = json.loads(told.kept.read_text()) if told.kept and told.kept.exists() else {}
    for kind in told.models:
        for size in told.sizes:
            events = round(size * EVENTS)
            if str(events) in kept.setdefault(kind, {}):
                continue
            done = subprocess.run(
                [sys.executable, __file__, "--measure", kind, str(events)],
                env={**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
                stdout=subprocess.PIPE,
                check=True,
            )
            kept[kind][str(events)] = json.loads(done.stdout.splitlines()[-1])
            print(kind, events, kept[kind][str(events)], flush=True)
            if told.kept:
                told.kept.write_text(json.dumps(kept))
    found = {
        kind: {name: [kept[kind][str(round(size * EVENTS))][name] for size in told.sizes] for name in MEASURES}
        for kind in told.models
    }
    print(table(told.sizes, found))
    if told.plot:
        told.plot.write_text(plot(told.sizes, found), encoding="utf-8")


if __name__ == "__main__":
    main()
