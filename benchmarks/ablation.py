# SPDX-License-Identifier: Apache-2.0
"""What each part of a sequence model and of its training brings: one change at a time, judged on validation.

    python benchmarks/ablation.py benchmarks/movielens-100k-p1.toml --out p1.jsonl --seeds 0 1
    python benchmarks/ablation.py --out p1.jsonl            show what is there

The base is a run file with what `--set` changes, the same for all rows; every row changes it once more. Models
learn from train, early stopping asks validation, and the best epoch's metrics there are the result: the test part
is not even opened. Each training that ended is one line of JSON, so what was interrupted goes on where it was; a
line of another base is not taken for one of this.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from penchant import recipe, registry
from penchant.config import RunConfig
from penchant.content.choices import ContentConfig
from penchant.content.library import Library
from penchant.evaluate.protocol import Cut, cut
from penchant.schema import USER
from penchant.train.trainer import TrainConfig
from penchant.workbench import Workbench

BASE = "base"


def _against(loss: str, negatives: str, count: int) -> dict[str, Any]:
    """A loss that looks at negatives only; label smoothing goes with the full softmax alone."""
    return {
        "model.loss": loss,
        "model.negatives": negatives,
        "model.negative_count": count,
        "model.label_smoothing": 0.0,
    }


CHANGES: dict[str, dict[str, Any]] = {
    BASE: {},
    "stretches from anywhere, half the time": {"model.stretch": 0.5},
    "no stretches": {"model.stretch": 0.0},
    "crop 0.2": {"model.crop": 0.2},
    "mask 0.2": {"model.mask": 0.2},
    "reorder 0.2": {"model.reorder": 0.2},
    "substitute 0.1": {"model.substitute": 0.1},
    "contrastive 0.1: crop, mask, reorder": {"model.contrastive": 0.1},
    "contrastive 0.1: and substitute": {
        "model.contrastive": 0.1,
        "model.views": {"crop": 0.4, "mask": 0.3, "reorder": 0.6, "substitute": 0.3},
    },
    "full softmax": {"model.loss": "softmax"},
    "sampled softmax, 1024 mixed": _against("sampled_softmax", "mixed", 1024),
    "sampled softmax, 256 mixed": _against("sampled_softmax", "mixed", 256),
    "sampled softmax, 256 uniform": _against("sampled_softmax", "uniform", 256),
    "gBCE, 256 uniform": _against("gbce", "uniform", 256),
    "BPR, 256 uniform": _against("bpr", "uniform", 256),
    "label smoothing 0.1": {"model.loss": "softmax", "model.label_smoothing": 0.1},
    "no label smoothing": {"model.label_smoothing": 0.0},
    "no dropout": {"model.dropout": 0.0},
    "weight decay 0.1": {"train.weight_decay": 0.1},
    "no average of weights": {"train.average": 0.0},
    "patience 2": {"train.patience": 2},
    "no item features": {"model.use_item_features": False},
    "the next event alone (ahead)": {"model.ahead": [1.0]},
    "several events ahead": {"model.ahead": [0.6, 0.25, 0.15]},
    "no relative places": {"model.use_relative": False},
    "relative places": {"model.use_relative": True},
}
"""By name, the keys of the run file that a row sets; a row that sets what the base has already is left out."""
METRICS = ("ndcg@10", "recall@10")


def changed(run: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """The run file with some keys, each under "table.key", set anew, and without its test part."""
    tables = json.loads(json.dumps(run.tables))
    tables["data"]["events"].pop("test", None)
    for place, value in changes.items():
        table, key = place.split(".")
        tables.setdefault(table, {})[key] = value
    found = replace(run, tables=tables)
    found.check()
    return found


def choices(run: RunConfig) -> tuple[Any, TrainConfig]:
    """What the run file says of model and training, defaults included."""
    model = registry.load(registry.MODELS, run.model.kind, "model")
    return registry.read_config(model.Config, run.model.choices, "[model]"), run.read(TrainConfig, "train")


def rows(base: RunConfig, only: list[str] | None) -> dict[str, dict[str, Any]]:
    """The changes that are wanted and change anything."""
    if unknown := set(only or ()) - CHANGES.keys():
        raise SystemExit(f"There is no row {sorted(unknown)}; known: {', '.join(CHANGES)}")
    wanted = {name: changes for name, changes in CHANGES.items() if only is None or name in only}
    return {
        name: changes
        for name, changes in wanted.items()
        if name == BASE or choices(changed(base, changes)) != choices(base)
    }


def fingerprint(base: RunConfig, most: int | None) -> str:
    """Tells one base from another."""
    tables = {name: table for name, table in base.tables.items() if name != "baselines"}
    return hashlib.sha256(json.dumps([tables, most], sort_keys=True).encode()).hexdigest()[:12]


def read(path: Path) -> list[dict[str, Any]]:
    """What has been trained already; a line that was cut off by a crash is not among it."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.endswith("}")]


def train(bench: Workbench, asked: Cut, run: RunConfig) -> dict[str, Any]:
    """One training, judged."""
    start = time.process_time()
    _, result = replace(bench, run=run).fit(run.model, asked=asked)
    return {
        **{name: result.best[name] for name in METRICS},
        "epochs": result.epochs,
        "steps": result.steps,
        "cpu": round(time.process_time() - start, 1),
    }


def some_of(asked: Cut, most: int | None) -> Cut:
    """The same, of `most` users alone, drawn with a fixed seed."""
    if most is None:
        return asked
    people = asked.hidden[USER].unique().sort()
    chosen = people.sample(min(most, len(people)), seed=0).to_frame()
    parts = [part.join(chosen, on=USER, how="semi", maintain_order="left") for part in asked[:3]]
    return Cut(*parts, asked.kind)


def run_all(
    base: RunConfig, wanted: dict[str, dict[str, Any]], seeds: list[int], out: Path, keep: Path, most: int | None
) -> None:
    """Train whatever is not in `out` yet."""
    mark = fingerprint(base, most)
    left = [(seed, name) for seed in seeds for name in wanted]
    data = recipe.ingest(base, keep)
    library = Library(data.dataset.root, base.read(ContentConfig, "content"), keep / "content")
    asked = some_of(cut(data.split, "validation"), most)
    bench = Workbench.prepare(base, data.dataset, asked.learned, library)
    for seed, name in left:
        # Asked anew each time: another process may train other rows of the same table.
        if any((mark, name, seed) == (line["base"], line["row"], line["seed"]) for line in read(out)):
            continue
        found = train(bench, asked, changed(base, {**wanted[name], "train.seed": seed}))
        line = {"base": mark, "set": base.name, "users": len(bench.users), "row": name, "seed": seed, **found}
        with out.open("a", encoding="utf-8") as file:
            # After a crash the last line may be a half one: what comes next begins anew.
            file.write("\n" + json.dumps(line))
        print(json.dumps(line), flush=True)


def show(lines: list[dict[str, Any]]) -> None:
    """Means over the seeds, and how far each row is from the base with the same seeds."""
    for mark in dict.fromkeys(line["base"] for line in lines):
        some = [line for line in lines if line["base"] == mark]
        base = {line["seed"]: line for line in some if line["row"] == BASE}
        table = Table(title=f"{some[0]['set']}, {some[0]['users']} users, validation, base {mark}")
        for head in ("", "seeds", "NDCG@10", "against base", "Recall@10", "epochs", "cpu s"):
            table.add_column(head, justify="right" if head else "left")
        for name in dict.fromkeys(line["row"] for line in some):
            mine = {line["seed"]: line for line in some if line["row"] == name}
            both = [mine[seed]["ndcg@10"] - base[seed]["ndcg@10"] for seed in mine if seed in base]
            mean = {
                key: statistics.mean(line[key] for line in mine.values()) for key in (*METRICS, "epochs", "cpu")
            }
            table.add_row(
                name,
                str(len(mine)),
                f"{mean['ndcg@10']:.4f}",
                " ".join(f"{difference:+.4f}" for difference in both) if name != BASE else "",
                f"{mean['recall@10']:.4f}",
                f"{mean['epochs']:.0f}",
                f"{mean['cpu']:.0f}",
            )
        Console(width=130).print(table)


def assignment(text: str) -> tuple[str, Any]:
    """`train.patience=5` as ("train.patience", 5); the value is TOML."""
    place, _, value = text.partition("=")
    if place.count(".") != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not TABLE.KEY=VALUE, such as train.patience=5")
    return place.strip(), tomllib.loads(f"x = {value}")["x"]


def main() -> None:
    """Train, then show; or show only."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?", help="run file; without it, what is there is shown")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, added to")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", type=assignment, nargs="+", default=[], metavar="TABLE.KEY=VALUE", dest="set_")
    parser.add_argument("--users", type=int, help="learn from so many users alone, and ask them")
    parser.add_argument("--only", nargs="+", metavar="ROW")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"), help="where clean tables are kept")
    asked = parser.parse_args()
    if asked.run:
        base = changed(RunConfig.load(asked.run), dict(asked.set_))
        run_all(base, rows(base, asked.only), asked.seeds, asked.out, asked.artefacts, asked.users)
    show(read(asked.out))


if __name__ == "__main__":
    main()
