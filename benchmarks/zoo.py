# SPDX-License-Identifier: Apache-2.0
"""All models side by side: Penchant's and those of peers, on one split, judged by one code, tuned alike.

    python benchmarks/zoo.py --set movielens-100k --trials 8 --minutes 1
    python benchmarks/zoo.py --set movielens-100k tiktok --show
    python benchmarks/zoo.py --set movielens-100k tiktok --readme

Every model sees the same events, ids and times alone (those of `COLUMNED` also tags of items). It gets its own
defaults and then settings drawn at random from the space that is printed, until so many trials or minutes of the
processor are spent, whichever is first: who learns by epochs is cut off there, wherever training stands, and
answers with the best weights that were validated. The trial with the best NDCG@10 on validation is chosen. It is
fitted anew on train and validation in a process of its own, for as many epochs as were chosen and no more
seconds than choosing had, and lists 20 items of every user of the test part. Lists are files; the same code judges
them all. Each step that ended is a line of JSON in `data/zoo`, so what was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zoo_table
from sets import SETS, Parts
from turns import environment
from zoo_models import COLUMNED, PEERS, Entry, absence, drawn, ours, said

from penchant.evaluate import metrics

HERE = Path(__file__).resolve().parent
K = 20
CHOSEN_BY = "ndcg@10"


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

    def save(self, path: Path, *, tell: bool, tags: pl.DataFrame | None = None) -> None:
        """For runners; what is hidden only if `tell`."""
        columns = {f"{name}s": self.known[name].to_numpy() for name in ("user", "item", "time")}
        told = {f"hidden_{name}s": self.hidden[name].to_numpy() for name in ("user", "item")} if tell else {}
        if tags is not None:
            told |= {"tagged": tags["item"].to_numpy(), "tags": tags["tag"].to_numpy().astype(str)}
        np.savez(path, asked=self.asked, **columns, **told)

    def per_user(self, lists: np.ndarray) -> dict[str, np.ndarray]:
        """[U] of each metric, in the order of `asked`."""
        counts = self.hidden.group_by("user", maintain_order=True).len()["len"].to_numpy()
        offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
        relevant = metrics.Relevant(offsets, self.hidden["item"].to_numpy().astype(np.int64))
        return metrics.per_user(metrics.hits(lists, relevant), relevant.counts, (10, K))

    def judge(self, lists: np.ndarray) -> dict[str, float]:
        """Means of the metrics over those who are asked."""
        return {name: float(values.mean()) for name, values in self.per_user(lists).items()}


@dataclass(frozen=True, kw_only=True)
class Table:
    """The driver of one set: its stages, budget and log."""

    name: str
    parts: Parts
    choosing: Stage
    final: Stage
    budget: dict[str, Any]
    out: Path

    def lines(self) -> list[dict[str, Any]]:
        """What is done, under this budget."""
        return [line for line in zoo_table.read(self.out) if line["budget"] == self.budget]

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
            trials = drawn(name, entry, int(self.budget["trials"]), self.parts.users, self.parts.items)
            tried = {"model": name, "stage": "tuned", "space": said(entry), "trials": self.run(entry, trials)}
            self.note(tried)
        able = [trial for trial in tried["trials"] if CHOSEN_BY in trial]
        if not able:
            print(f"{name}: no trial came to a result: {tried['trials']}", flush=True)
            return
        best = max(able, key=lambda trial: trial[CHOSEN_BY])
        settings = dict(best["settings"])
        if best["length"] is not None:
            settings["steps" if entry.runner == "penchant" else "epochs"] = best["length"]
        found = self.run(entry, [settings], zoo_table.lists_of(self.out, name))[0]
        self.note({"model": name, "stage": "final", **found})
        shown = f"{best[CHOSEN_BY]:.4f} while choosing, {found.get(CHOSEN_BY, math.nan):.4f}"
        print(f"{name}: {shown}, fit {found.get('cpu', math.nan):.1f} s; {settings}", flush=True)

    def run(self, entry: Entry, trials: list[dict[str, Any]], kept: Path | None = None) -> list[dict[str, Any]]:
        """One process of a runner; what it reports of each trial, with its metrics.

        Args:
            entry: whose.
            trials: settings of each.
            kept: where the lists of a final fit go; None while choosing.
        """
        stage = self.final if kept else self.choosing
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            tags = self.parts.tags if entry.kind in COLUMNED else None
            stage.save(place / "events.npz", tell=not kept, tags=tags)
            threads = self.budget["threads"]
            job = {
                "data": str(place / "events.npz"), "out": folder, "kind": entry.kind, "trials": trials, "k": K,
                "seconds": 60 * self.budget["minutes"], "threads": threads,
                "users": self.parts.users, "items": self.parts.items, "dated": self.parts.dated,
            }  # fmt: skip
            (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
            command = [interpreter(entry.runner), HERE / "peers" / f"{entry.runner}_zoo.py", place / "job.json"]
            names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
            settings = {**os.environ, **{name: str(threads) for name in names}}
            if entry.runner != "penchant":
                settings.pop("PYTHONPATH", None)
            # In the temporary folder, for what peers write where they are started.
            done = subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True, check=False)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"trial"')]
            if done.returncode and len(lines) < len(trials):  # the process itself ended in the next one
                reason = (done.stderr.splitlines() or [f"exit {done.returncode}"])[-1]
                lines.append({"trial": len(lines), "settings": trials[len(lines)], "failed": reason})
            for line in lines:
                if "cpu" in line:
                    lists = np.load(place / f"{line['trial']}.npy")
                    line.update(stage.judge(lists))
                    if kept:
                        kept.parent.mkdir(parents=True, exist_ok=True)
                        np.save(kept, lists.astype(np.int32))
            return lines


def table_of(name: str, wanted: argparse.Namespace) -> Table:
    """A set, its stages and its log."""
    parts = SETS[name](wanted.data)
    known = pl.concat([parts.train, parts.validation]).sort("time", maintain_order=True)
    out = wanted.data / "zoo" / f"{name}.jsonl"
    told = {key: getattr(wanted, key) for key in ("trials", "minutes", "threads", "most_choosing", "most_users")}
    if wanted.show or wanted.readme:  # whatever was run last
        told = next(
            (line["budget"] for line in reversed(zoo_table.read(out)) if told.keys() <= line["budget"].keys()),
            told,
        )
    return Table(
        name=name, parts=parts, budget=told, out=out,
        choosing=Stage.of(parts.train, parts.validation, told["most_choosing"]),
        final=Stage.of(known, parts.test, told["most_users"]),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", dest="names", nargs="+", choices=SETS, default=["movielens-100k"])
    parser.add_argument("--data", type=Path, default=HERE / "data", help="logs go to its folder zoo")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=1.0, help="of the processor, for choosing one model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="such as ials or 'implicit als'")
    parser.add_argument("--classic", action="store_true", help="only what does not learn by epochs")
    parser.add_argument("--most-choosing", type=int, default=2000, help="users who are asked while choosing")
    parser.add_argument("--most-users", type=int, default=5000, help="users who are asked on the test part")
    parser.add_argument(
        "--show", action="store_true", help="only show what is there, by the budget that was run last"
    )
    parser.add_argument("--readme", action="store_true", help="put that into the README, and its plot beside it")
    wanted = parser.parse_args()
    entries = ours() | PEERS
    for name in wanted.only or ():
        if name not in entries:
            raise SystemExit(f"There is no {name!r}; known: {', '.join(entries)}")
    tables = [table_of(name, wanted) for name in wanted.names]
    if not wanted.show and not wanted.readme:
        for table in tables:
            print(
                f"{table.name}: {table.parts.words}. {len(table.final.asked)} users asked, "
                f"{len(table.choosing.asked)} while choosing; {table.budget}",
                flush=True,
            )
            for name, entry in entries.items():
                chosen = (not wanted.only or name in wanted.only) and not (wanted.classic and entry.slow)
                if chosen and not absence(name, table.parts.items, tagged=table.parts.tags is not None):
                    table.model(name, entry)
    text = zoo_table.markdown(tables, entries)
    if wanted.readme:
        zoo_table.into(HERE / "README.md", text)
        (HERE / "zoo.svg").write_text(zoo_table.plot(tables[0], entries), encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
