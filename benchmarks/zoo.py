# SPDX-License-Identifier: Apache-2.0
"""All models side by side: Penchant's and those of peers, on one split, judged by one code, tuned alike.

    python benchmarks/zoo.py --set movielens-100k --trials 8 --minutes 2
    python benchmarks/zoo.py --set movielens-100k --show

Every model sees the same events, ids and times alone. It gets its own defaults and then settings drawn at random
from the space that is printed, until so many trials or so many processor minutes are spent, whichever is first;
the trial with the best NDCG@10 on the validation part is chosen. Then it is fitted anew on train and validation in
a process of its own, for as many epochs as were chosen, and lists 20 items of every user of the test part. Lists
are files; one and the same code judges them all. Each step that ended is a line of JSON in `--out`, so what was
interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sets import SETS, Parts
from turns import environment

from penchant import registry
from penchant.config import RunConfig
from penchant.evaluate import metrics
from penchant.models.recommender import Learned, Range
from penchant.tune.space import Key, keys

HERE = Path(__file__).resolve().parent
K = 20
CHOSEN_BY = "ndcg@10"
SHOWN = ("ndcg@10", "recall@10", "recall@20")
UNSUITED = {"content_knn", "two_tower"}
"""Models that say nothing of items without columns."""
MOST_ITEMS = {"ease": 13_000}
"""Catalogues beyond which a model is left out: its memory grows with the square."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model.

    Attributes:
        runner: the program in `peers`, and its environment.
        kind: what it is called there.
        space: where its settings are looked for.
        whole: those that are whole numbers.
        first: of the first trial, where its own defaults are not to be had; the others keep what they do not draw.
        slow: whether it learns by epochs.
    """

    runner: str
    kind: str
    space: dict[str, Range]
    whole: frozenset[str] = frozenset()
    first: dict[str, Any] = field(default_factory=dict)
    slow: bool = False


def _log(low: float, high: float) -> Range:
    return Range(low, high, log=True)


def _among(*values: Any) -> Range:
    return Range(choices=values)


PEERS: dict[str, Entry] = {
    "implicit als": Entry(
        runner="implicit", kind="als", whole=frozenset({"factors"}),
        space={"factors": _log(16, 256), "alpha": _log(0.3, 100), "regularization": _log(0.01, 100)},
    ),
    "implicit bpr": Entry(
        runner="implicit", kind="bpr", whole=frozenset({"factors", "iterations"}),
        space={
            "factors": _log(16, 256), "learning_rate": _log(0.003, 0.3), "regularization": _log(0.0001, 0.1),
            "iterations": _log(50, 400),
        },
    ),
    "implicit cosine": Entry(
        runner="implicit", kind="cosine", whole=frozenset({"K"}), space={"K": _log(10, 1000)}
    ),
    "implicit bm25": Entry(
        runner="implicit", kind="bm25", whole=frozenset({"K"}),
        space={"K": _log(10, 1000), "K1": _log(0.1, 10), "B": Range(0.0, 1.0)},
    ),
    "lightfm-next warp": Entry(
        runner="lightfm", kind="warp", whole=frozenset({"no_components", "max_sampled"}), slow=True,
        space={
            "no_components": _log(10, 128), "learning_rate": _log(0.005, 0.2), "max_sampled": _log(10, 50),
            "item_alpha": _log(1e-7, 1e-4), "user_alpha": _log(1e-7, 1e-4),
        },
    ),
    "recbole MultiVAE": Entry(
        runner="recbole", kind="MultiVAE", slow=True,
        space={
            "latent_dimension": _among(64, 128, 256), "dropout_prob": Range(0.1, 0.8),
            "anneal_cap": Range(0.1, 1.0), "learning_rate": _log(0.0003, 0.01),
            "train_batch_size": _among(256, 2048),
        },
    ),
    "recbole LightGCN": Entry(
        runner="recbole", kind="LightGCN", whole=frozenset({"n_layers"}), slow=True,
        space={
            "embedding_size": _among(32, 64, 128), "n_layers": Range(1, 4), "learning_rate": _log(0.0005, 0.01),
            "reg_weight": _log(1e-6, 1e-2),
        },
    ),
    "recbole NeuMF": Entry(
        runner="recbole", kind="NeuMF", slow=True,
        space={
            "mf_embedding_size": _among(32, 64), "mlp_embedding_size": _among(32, 64),
            "dropout_prob": Range(0.0, 0.5), "learning_rate": _log(0.0003, 0.01),
        },
    ),
    "rectools SASRec": Entry(
        runner="rectools", kind="SASRec", whole=frozenset({"n_blocks"}), slow=True,
        first={"epochs": 20, "n_factors": 64, "n_heads": 2},
        space={
            "n_factors": _among(64, 128), "n_blocks": Range(1, 3), "dropout_rate": Range(0.1, 0.5),
            "lr": _log(0.0005, 0.003), "epochs": _among(10, 20, 40),
        },
    ),
}  # fmt: skip


def ours() -> dict[str, Entry]:
    """Every model of the table that can answer by ids alone, with its own search space."""
    found = {}
    for kind in registry.MODELS:
        if kind in UNSUITED:
            continue
        text = f'[data]\nname = "zoo"\n[data.events]\npath = "none"\n[model]\nkind = "{kind}"\n'
        space: dict[str, Key] = keys(RunConfig.parse(text, Path("zoo.toml")))
        learned = issubclass(registry.load(registry.MODELS, kind, "model"), Learned)
        found[kind] = Entry(
            runner="penchant", kind=kind, slow=learned, space={name: key.where for name, key in space.items()},
            whole=frozenset(name for name, key in space.items() if key.whole),
        )  # fmt: skip
    return found


def drawn(name: str, entry: Entry, trials: int) -> list[dict[str, Any]]:
    """The settings of each trial: the model's own first, then drawn, the same whatever is run beside it."""
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    return [entry.first, *({**entry.first, **_draw(entry, chance)} for _ in range(trials - 1))]


def _draw(entry: Entry, chance: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, where in entry.space.items():
        if where.choices:
            found[key] = where.choices[int(chance.integers(len(where.choices)))]
            continue
        low, high = float(where.low or 0.0), float(where.high or 0.0)
        place = chance.random()
        value = low * (high / low) ** place if where.log else low + (high - low) * place
        found[key] = round(value) if key in entry.whole else float(f"{value:.3g}")
    return found


def interpreter(runner: str) -> Path:
    """That of a peer's own environment, which is made if it is not there."""
    return Path(sys.executable) if runner == "penchant" else environment(runner).absolute()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Known events and what is hidden after them: [U] asked, with at least one item to find that somebody had."""

    known: pl.DataFrame
    hidden: pl.DataFrame
    asked: np.ndarray

    @classmethod
    def of(cls, known: pl.DataFrame, hidden: pl.DataFrame, most: int) -> Stage:
        """What can be found: of a known user, a known item that they did not have; of many users, some drawn."""
        hidden = (
            hidden.join(known.select("item").unique(), on="item", how="semi")
            .join(known.select("user").unique(), on="user", how="semi")
            .join(known.select("user", "item").unique(), on=["user", "item"], how="anti")
            .unique(["user", "item"])
        )
        users = hidden["user"].unique().sort().to_numpy()
        if len(users) > most:
            users = np.sort(np.random.default_rng(1).choice(users, most, replace=False))
        asked = hidden.join(pl.DataFrame({"user": users}), on="user", how="semi").sort("user", "item")
        return cls(known=known, hidden=asked, asked=users)

    def save(self, path: Path, *, tell: bool) -> None:
        """For runners; what is hidden only if `tell`."""
        columns = {f"{name}s": self.known[name].to_numpy() for name in ("user", "item", "time")}
        told = {f"hidden_{name}s": self.hidden[name].to_numpy() for name in ("user", "item")} if tell else {}
        np.savez(path, asked=self.asked, **columns, **told)

    def judge(self, lists: np.ndarray) -> dict[str, float]:
        """Means of the metrics over those who are asked."""
        counts = self.hidden.group_by("user", maintain_order=True).len()["len"].to_numpy()
        offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
        relevant = metrics.Relevant(offsets, self.hidden["item"].to_numpy().astype(np.int64))
        found = metrics.per_user(metrics.hits(lists, relevant), relevant.counts, (10, K))
        return {name: float(values.mean()) for name, values in found.items()}


@dataclass(frozen=True, kw_only=True)
class Table:
    """The driver of one set: its stages, budget and log."""

    name: str
    parts: Parts
    choosing: Stage
    final: Stage
    budget: dict[str, float]
    threads: int
    out: Path

    def lines(self) -> list[dict[str, Any]]:
        """What is done, under this budget."""
        if not self.out.exists():
            return []
        read = [json.loads(line) for line in self.out.read_text(encoding="utf-8").splitlines()]
        return [line for line in read if line["budget"] == self.budget]

    def note(self, line: dict[str, Any]) -> None:
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"set": self.name, "budget": self.budget, **line}) + "\n")

    def model(self, name: str, entry: Entry) -> None:
        """Choose and measure one model, unless that is done."""
        done = {line["stage"]: line for line in self.lines() if line["model"] == name}
        if "final" in done:
            return
        tried = done.get("tuned")
        if tried is None:
            trials = self.run(entry, self.choosing, drawn(name, entry, int(self.budget["trials"])), final=False)
            tried = {"model": name, "stage": "tuned", "space": _said(entry), "trials": trials}
            self.note(tried)
        able = [trial for trial in tried["trials"] if CHOSEN_BY in trial]
        if not able:
            print(f"{name}: no trial came to a result: {tried['trials']}", flush=True)
            return
        best = max(able, key=lambda trial: trial[CHOSEN_BY])
        settings = dict(best["settings"])
        if best["length"] is not None:
            settings["steps" if entry.runner == "penchant" else "epochs"] = best["length"]
        found = self.run(entry, self.final, [settings], final=True)[0]
        self.note({"model": name, "stage": "final", **found})
        cells = [f"{found.get(key, math.nan):.4f}" for key in SHOWN]
        print(f"{name}: {' '.join(cells)}, fit {found.get('cpu', math.nan):.1f} s; {settings}", flush=True)

    def run(
        self, entry: Entry, stage: Stage, trials: list[dict[str, Any]], *, final: bool
    ) -> list[dict[str, Any]]:
        """One process of a runner; what it reports of each trial, with its metrics."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            stage.save(place / "events.npz", tell=not final)
            job = {
                "data": str(place / "events.npz"), "out": folder, "kind": entry.kind, "trials": trials, "k": K,
                "seconds": 0 if final else 60 * self.budget["minutes"], "threads": self.threads,
                "users": self.parts.users, "items": self.parts.items, "dated": self.parts.dated,
            }  # fmt: skip
            (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
            command = [interpreter(entry.runner), HERE / "peers" / f"{entry.runner}_zoo.py", place / "job.json"]
            threads = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
            settings = {**os.environ, **threads, "POLARS_MAX_THREADS": str(self.threads)}
            if entry.runner != "penchant":
                settings.pop("PYTHONPATH", None)
            # In the temporary folder, for what peers write where they are started.
            done = subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True, check=False)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"trial"')]
            if not lines:
                return [{"trial": 0, "settings": trials[0], "failed": (done.stderr or "no word").splitlines()[-1]}]
            if done.returncode and len(lines) < len(trials):  # the process itself ended in the next one
                number = len(lines)
                lines.append({"trial": number, "settings": trials[number], "failed": f"exit {done.returncode}"})
            for line in lines:
                if "failed" not in line:
                    line.update(stage.judge(np.load(place / f"{line['trial']}.npy")))
            return lines

    def show(self) -> None:
        """Markdown: what came out, what chose it, and where was looked."""
        found = self.lines()
        finals = {line["model"]: line for line in found if line["stage"] == "final" and CHOSEN_BY in line}
        tuned = {line["model"]: line for line in found if line["stage"] == "tuned"}
        print(f"| {self.name} | {' | '.join(SHOWN)} | trials | fit s | events/s | peak MiB | chosen |")
        print("|---|" + "---|" * (len(SHOWN) + 5))
        for name, line in sorted(finals.items(), key=lambda one: -one[1][CHOSEN_BY]):
            speed = line["passes"] * self.final.known.height / max(line["cpu"], 1e-3)
            settings = ", ".join(f"{key} {value}" for key, value in line["settings"].items()) or "its defaults"
            cells = [f"{line[key]:.4f}".removeprefix("0") for key in SHOWN]
            cells += [str(len(tuned[name]["trials"])), f"{line['cpu']:.1f}"]
            cells += [f"{speed:,.0f}", f"{line['peak']:,.0f}", settings]
            print(f"| {name} | {' | '.join(cells)} |")
        for name, line in tuned.items():
            spent = sum(trial.get("cpu", 0.0) + trial.get("ask", 0.0) for trial in line["trials"])
            failed = sum("failed" in trial for trial in line["trials"])
            print(f"{name}: {len(line['trials'])} trials ({failed} failed) in {spent:.0f} s; {line['space']}")


def _said(entry: Entry) -> dict[str, Any]:
    """The space, to be printed."""
    return {
        key: list(where.choices) if where.choices else [where.low, where.high, *(["log"] if where.log else [])]
        for key, where in entry.space.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", dest="name", choices=SETS, default="movielens-100k")
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=3.0, help="of the processor, for choosing one model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="such as ials or 'implicit als'")
    parser.add_argument("--classic", action="store_true", help="only what does not learn by epochs")
    parser.add_argument("--most-choosing", type=int, default=2000, help="users who are asked while choosing")
    parser.add_argument("--most-users", type=int, default=10_000, help="users who are asked on the test part")
    parser.add_argument("--out", type=Path, help="the log; data/zoo/<set>.jsonl if not given")
    parser.add_argument("--show", action="store_true", help="only show what is there")
    wanted = parser.parse_args()
    parts = SETS[wanted.name](wanted.data)
    table = Table(
        name=wanted.name, parts=parts,
        choosing=Stage.of(parts.train, parts.validation, wanted.most_choosing),
        final=Stage.of(pl.concat([parts.train, parts.validation]).sort("time", maintain_order=True), parts.test,
                       wanted.most_users),
        budget={"trials": wanted.trials, "minutes": wanted.minutes, "threads": wanted.threads},
        threads=wanted.threads, out=wanted.out or wanted.data / "zoo" / f"{wanted.name}.jsonl",
    )  # fmt: skip
    print(
        f"{wanted.name}: {parts.words}. {parts.users} users, {parts.items} items, "
        f"{table.final.known.height} events known, {len(table.final.asked)} users asked "
        f"({len(table.choosing.asked)} while choosing)",
        flush=True,
    )
    entries = ours() | PEERS
    for name in wanted.only or ():
        if name not in entries:
            raise SystemExit(f"There is no {name!r}; known: {', '.join(entries)}")
    if not wanted.show:
        for name, entry in entries.items():
            fits = parts.items <= MOST_ITEMS.get(name, parts.items)
            if fits and (not wanted.only or name in wanted.only) and not (wanted.classic and entry.slow):
                table.model(name, entry)
    table.show()


if __name__ == "__main__":
    main()
