# SPDX-License-Identifier: Apache-2.0
"""What each part of a model and of its training brings: one change at a time, judged on validation.

    python benchmarks/ablation.py benchmarks/beauty.toml --out beauty.jsonl --seeds 0 1 --set train.batch_size=128
    python benchmarks/ablation.py --out p1.jsonl beauty.jsonl [--markdown]        show what is there

Of the run file only the data, their features and how they are asked are taken: the base is the program's own
defaults with what `--set` changes, the same for all rows, and each row of `ablation_rows.py` changes it once more.
Models learn from train, early stopping asks validation, and the best epoch's metrics there are the result, so all
rows are flattered alike: the test part is not even opened. Each training that ended is one line of JSON, so what
was interrupted goes on where it was; a line of another base is not taken for one of this.

Differences are taken user by user between trainings of the same seeds, their mean over the seeds; intervals and p
are of a paired bootstrap over users, p corrected (Holm) for all rows of the set. How far seeds differ is not in
them, so it is shown beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ablation_rows import BASE, ROWS, changes
from rich.console import Console
from rich.table import Table

from penchant import recipe, registry
from penchant.config import RunConfig
from penchant.content.choices import ContentConfig
from penchant.content.library import Library
from penchant.evaluate.bootstrap import Difference, holm, paired
from penchant.evaluate.protocol import Cut, EvaluateConfig, Evaluation, Question, cut
from penchant.recommend.pipeline import Pipeline
from penchant.schema import USER
from penchant.train.fit import fit
from penchant.train.trainer import TrainConfig
from penchant.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penchant.evaluate.metrics import Floats
    from penchant.models.recommender import Recommender

METRICS = ("ndcg@10", "recall@10")
SURE = 0.05
PATIENCE = (1, 2, 3, 5, 10, 20)
_LONG = ("by user", "curve")
_CHOSEN = ("model", "train", "baselines")


def blind(run: RunConfig) -> RunConfig:
    """The run file without its test part."""
    tables = json.loads(json.dumps(run.tables))
    tables["data"]["events"].pop("test", None)
    return replace(run, tables=tables)


def plain(run: RunConfig) -> RunConfig:
    """The run file's data, features and questions: the program's defaults for all else."""
    return replace(run, tables={name: table for name, table in run.tables.items() if name not in _CHOSEN})


def changed(run: RunConfig, keys: dict[str, Any]) -> RunConfig:
    """The run file with some keys, each under "table.key", set anew."""
    tables = json.loads(json.dumps(run.tables))
    for place, value in keys.items():
        table, key = place.split(".")
        tables.setdefault(table, {})[key] = value
    found = replace(run, tables=tables)
    found.check()
    return found


def wanted(base: RunConfig, only: list[str] | None, skip: list[str]) -> list[str]:
    """The names of rows that are asked for and whose configuration differs from the one they are held against."""
    if unknown := {*(only or ()), *skip} - ROWS.keys():
        raise SystemExit(f"There is no row {sorted(unknown)}; known: {', '.join(ROWS)}")

    def choices(name: str) -> tuple[Any, ...]:
        run = changed(base, changes(name))
        model = registry.load(registry.MODELS, run.model.kind, "model")
        said = registry.read_config(model.Config, run.model.choices, "[model]")
        return run.model.kind, said, run.read(TrainConfig, "train")

    asked = [name for name in ROWS if name not in skip and (only is None or name in only)]
    return [name for name in asked if (other := ROWS[name].against) is None or choices(name) != choices(other)]


def fingerprint(base: RunConfig, most: int | None) -> str:
    """Tells one base from another."""
    return hashlib.sha256(json.dumps([base.tables, most], sort_keys=True).encode()).hexdigest()[:12]


def read(path: Path) -> list[dict[str, Any]]:
    """What has been trained already; a line that was cut off by a crash is not among it."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.endswith("}")]


class Asked(NamedTuple):
    """What early stopping and the result are asked of."""

    bench: Workbench
    question: Question

    @classmethod
    def prepare(cls, base: RunConfig, keep: Path, most: int | None) -> Asked:
        """Clean tables, features, and the question of the validation part, made once for all rows."""
        data = recipe.ingest(base, keep)
        library = Library(data.dataset.root, base.read(ContentConfig, "content"), keep / "content")
        asked = some_of(cut(data.split, "validation"), most)
        bench = Workbench.prepare(base, data.dataset, asked.learned, library)
        found = base.read(EvaluateConfig, "evaluate")
        config = EvaluateConfig(ks=(10,), cold_items=found.cold_items, repeats=found.repeats)
        return cls(
            bench, Question.prepare(bench.space, bench.catalogue(), asked, data.dataset.users, config=config)
        )

    def ask(self, model: Recommender) -> Evaluation:
        """What a model answers, and how good that is."""
        return self.question.ask(Pipeline(model, self.bench.space, self.question.catalogue))

    def train(self, run: RunConfig) -> dict[str, Any]:
        """One training, judged."""
        start = time.process_time()
        model = replace(self.bench, run=run).make(run.model)
        config = run.read(TrainConfig, "train")
        curve: list[float] = []

        def validate(model: Recommender) -> dict[str, float]:
            means = self.ask(model).means()
            curve.append(round(means[config.metric], 5))
            return means

        result = fit(model, self.bench.users, config, validate=validate)
        spent = time.process_time() - start
        found = self.ask(model)
        return {
            **{name: round(found.means()[name], 5) for name in METRICS},
            "epochs": result.epochs,
            "steps": result.steps,
            "cpu": round(spent, 1),
            "curve": curve,
            "by user": found.per_user[METRICS[0]].round(4).tolist(),
        }


def some_of(asked: Cut, most: int | None) -> Cut:
    """The same, of `most` users alone, drawn with a fixed seed."""
    if most is None:
        return asked
    people = asked.hidden[USER].unique().sort()
    chosen = people.sample(min(most, len(people)), seed=0).to_frame()
    learned, known, hidden = (part.join(chosen, on=USER, how="semi", maintain_order="left") for part in asked[:3])
    return Cut(learned, known, hidden, asked.kind)


def run_all(base: RunConfig, names: list[str], seeds: list[int], out: Path, keep: Path, most: int | None) -> None:
    """Train whatever is not in `out` yet."""
    mark = fingerprint(base, most)
    asked = Asked.prepare(base, keep, most)
    for seed, name in ((seed, name) for seed in seeds for name in names):
        # Asked anew each time: another process may train other rows of the same table.
        if any((mark, name, seed) == (line["base"], line["row"], line["seed"]) for line in read(out)):
            continue
        found = asked.train(changed(base, {**changes(name), "train.seed": seed}))
        line = {"base": mark, "set": base.name, "row": name, "seed": seed, **found}
        with out.open("a", encoding="utf-8") as file:
            # After a crash the last line may be a half one: what comes next begins anew.
            file.write("\n" + json.dumps(line))
        print(json.dumps({key: value for key, value in line.items() if key not in _LONG}), flush=True)


class Found(NamedTuple):
    """A row of a set's table.

    Attributes:
        name: of the row.
        seeds: what it was trained with.
        mean: of metrics, epochs and processor seconds, over the seeds.
        difference: in NDCG@10, against `Row.against`, over the seeds that both have; None where there is none.
        by_seed: the same, of each seed.
        p: Holm's.
    """

    name: str
    seeds: int
    mean: dict[str, float]
    difference: Difference | None
    by_seed: tuple[float, ...]
    p: float

    @property
    def told(self) -> str:
        """The difference with its interval, or nothing."""
        if self.difference is None:
            return ""
        mean, low, high, _ = self.difference
        return f"{_signed(mean)} [{_signed(low)}, {_signed(high)}]"


def summary(lines: list[dict[str, Any]]) -> list[Found]:
    """What the lines of one set and base come to, in the order of `ROWS`."""
    trained: dict[str, dict[int, dict[str, Any]]] = {}
    for line in lines:
        trained.setdefault(line["row"], {})[line["seed"]] = line
    found = []
    for name in (name for name in ROWS if name in trained):
        mine, others = trained[name], trained.get(ROWS[name].against or "", {})
        seeds = sorted(mine.keys() & others.keys())
        apart = [_by_user(mine[seed]) - _by_user(others[seed]) for seed in seeds]
        whole: Floats = np.mean(apart, axis=0) if apart else np.zeros(1)
        found.append(
            Found(
                name,
                len(mine),
                {
                    key: float(np.mean([line[key] for line in mine.values()]))
                    for key in (*METRICS, "epochs", "cpu")
                },
                paired(whole, np.zeros_like(whole)) if apart else None,
                tuple(float(one.mean()) for one in apart),
                1.0,
            )
        )
    held = {row.name: row.difference.p for row in found if row.difference}
    corrected = dict(zip(held, holm(list(held.values())), strict=True))
    return [row._replace(p=corrected.get(row.name, 1.0)) for row in found]


def _by_user(line: dict[str, Any]) -> Floats:
    return np.asarray(line["by user"], dtype=np.float64)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("0.", ".", 1)


def by_base(paths: list[Path]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The lines of each set and base that files hold, under a name for both."""
    lines = [line for path in paths for line in read(path)]
    for mark in dict.fromkeys(line["base"] for line in lines):
        some = [line for line in lines if line["base"] == mark]
        yield f"{some[0]['set']}, {len(some[0]['by user']):,} users", some


def show(paths: list[Path]) -> None:
    """A table for each set."""
    for title, lines in by_base(paths):
        table = Table(title=f"{title}, validation, base {lines[0]['base']}")
        for head in ("", "seeds", "NDCG@10", "difference [95 %]", "by seed", "p", "Recall@10", "epochs", "cpu s"):
            table.add_column(head, justify="right" if head else "left")
        for row in summary(lines):
            table.add_row(
                row.name,
                str(row.seeds),
                f"{row.mean['ndcg@10']:.4f}",
                row.told,
                " ".join(map(_signed, row.by_seed)),
                f"{row.p:.3f}" if row.difference else "",
                f"{row.mean['recall@10']:.4f}",
                f"{row.mean['epochs']:.0f}",
                f"{row.mean['cpu']:.0f}",
            )
        Console(width=150).print(table)


def markdown(paths: list[Path]) -> str:
    """One table with all sets side by side; a difference that Holm's p calls sure is bold."""
    sets = [(title, {row.name: row for row in summary(lines)}) for title, lines in by_base(paths)]
    heads = [f"{title}: NDCG@10 / Recall@10 | difference [95 %] | by seed" for title, _ in sets]
    text = [f"| | against | {' | '.join(heads)} |", "|---|---|" + "---|---|---|" * len(sets)]
    for name in (name for name in ROWS if any(name in rows for _, rows in sets)):
        cells = [name, ROWS[name].against or ""]
        for _, rows in sets:
            row = rows.get(name)
            if row is None:
                cells += ["", "", ""]
                continue
            told = f"**{row.told}**" if row.difference and row.p < SURE else row.told
            both = " / ".join(f"{row.mean[key]:.4f}".lstrip("0") for key in METRICS)
            cells += [both, told, ", ".join(map(_signed, row.by_seed))]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


def patience(paths: list[Path]) -> None:
    """What trainings of the base come to if they are ended after so many validations without a better one."""
    for title, lines in by_base(paths):
        table = Table("patience", "NDCG@10", "validations", title=f"{title}, validation, base {lines[0]['base']}")
        for most in PATIENCE:
            ended = [ended_by(line["curve"], most) for line in lines if line["row"] == BASE]
            if ended:
                table.add_row(str(most), *(", ".join(map(str, column)) for column in zip(*ended, strict=True)))
        Console(width=150).print(table)


def ended_by(curve: list[float], most: int) -> tuple[float, int]:
    """The best of a curve, and how far it was followed, if it is left after `most` points that were not better."""
    best, bad = -1.0, 0
    for number, value in enumerate(curve, 1):
        bad = 0 if value > best else bad + 1
        best = max(best, value)
        if bad == most:
            return best, number
    return best, len(curve)


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
    parser.add_argument(
        "--out", type=Path, nargs="+", required=True, help="JSON lines; the first file is added to"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", type=assignment, nargs="+", default=[], metavar="TABLE.KEY=VALUE", dest="set_")
    parser.add_argument("--users", type=int, help="learn from so many users alone, and ask them")
    parser.add_argument("--only", nargs="+", metavar="ROW", help=f"the base is {BASE!r}")
    parser.add_argument("--skip", nargs="+", metavar="ROW", default=[], help="say what the set knows nothing of")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"), help="where clean tables are kept")
    parser.add_argument("--markdown", action="store_true", help="show one table for a page")
    parser.add_argument("--patience", action="store_true", help="show what ending the base sooner would have cost")
    asked = parser.parse_args()
    if asked.run:
        base = changed(plain(blind(RunConfig.load(asked.run))), dict(asked.set_))
        names = wanted(base, asked.only, asked.skip)
        run_all(base, names, asked.seeds, asked.out[0], asked.artefacts, asked.users)
    if asked.patience:
        patience(asked.out)
    elif asked.markdown:
        print(markdown(asked.out))
    else:
        show(asked.out)


if __name__ == "__main__":
    main()
