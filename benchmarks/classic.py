# SPDX-License-Identifier: Apache-2.0
"""The classic models beside those of implicit 0.7.3: quality, seconds to fit, peak memory.

    python benchmarks/classic.py --set movielens-100k

Each is fitted in a process of its own, on the same events and with as many threads, in turn, and lists the best
20 items of everyone with a hidden event. All lists are judged by the same code. What is hidden is a validation
part: the last but one event of each user of MovieLens-100K (P1), the `valid` part of MovieLens-1M, and that of
Gowalla, a tenth of its training pairs. The choices below were made on MovieLens-100K's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from penchant.evaluate import metrics

HERE = Path(__file__).parent
K = 20

PENCHANT: dict[str, dict[str, dict[str, Any]]] = {
    "movielens-100k": {
        "popularity": {},
        "item_knn": {"neighbours": 20, "shrink": 1.0, "popularity": 0.6},
        "user_knn": {"neighbours": 30, "shrink": 5.0},
        "ease": {"reg": 100.0},
        "block_ease": {"reg": 100.0},
        "ials": {"embedding_size": 64, "unobserved": 64.0, "reg": 0.1, "frequency": 0.5},
        "bpr": {},
    },
    "movielens-1m": {
        "popularity": {},
        "item_knn": {"neighbours": 20, "shrink": 1.0, "popularity": 0.6},
        "user_knn": {"neighbours": 30, "shrink": 5.0},
        "ease": {},
        "ials": {"embedding_size": 256},
    },
    "gowalla": {
        "popularity": {},
        "item_knn": {"neighbours": 20},
        "user_knn": {},
        "block_ease": {},
        "ials": {},
    },
}
"""By set and kind, the choices that are not the defaults."""
TRAIN = {"bpr": {"epochs": 60, "learning_rate": 2e-3, "precision": "float32"}}
IMPLICIT: dict[str, dict[str, Any]] = {
    "als": {"factors": 64, "alpha": 1.0, "regularization": 10.0, "iterations": 15, "random_state": 0},
    "bpr": {"factors": 64, "learning_rate": 0.01, "regularization": 0.01, "iterations": 200, "random_state": 0},
    "cosine": {"K": 20},
    "bm25": {"K": 20, "K1": 1.2, "B": 0.75},
}
SIZED = {"movielens-1m": {"als": {"factors": 256}}, "gowalla": {"als": {"factors": 128, "alpha": 10.0}}}


def events(name: str, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(known, hidden): user, item, time."""
    if name == "movielens-100k":
        parts = [pl.read_parquet(folder / "p1" / f"{part}.parquet") for part in ("train", "valid_all")]
        known, hidden = (part.select("user", "item", time=pl.col("timestamp") * 10**6) for part in parts)
    else:
        parts = [pl.read_parquet(folder / name / f"{part}.parquet") for part in ("train", "valid")]
        order = pl.col("position") if "position" in parts[0].columns else pl.lit(0, pl.Int64)
        known, hidden = (part.select(user="user_id", item="item_id", time=order) for part in parts)
    hidden = hidden.join(known.select("item").unique(), on="item", how="semi")
    return known, hidden.join(known.select("user").unique(), on="user", how="semi").unique(["user", "item"])


def environment() -> Path:
    """The interpreter of implicit's own environment, which is made if it is not there."""
    folder = HERE / ".env" / "implicit"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "implicit==0.7.3"], check=True)
        (folder / "ready").touch()
    return python


def judge(lists: np.ndarray, hidden: pl.DataFrame) -> dict[str, float]:
    """Means of the metrics; `hidden` is sorted by user."""
    counts = hidden.group_by("user", maintain_order=True).len()["len"].to_numpy()
    offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    relevant = metrics.Relevant(offsets, hidden["item"].to_numpy().astype(np.int64))
    found = metrics.per_user(metrics.hits(lists, relevant), relevant.counts, (10, K))
    return {name: float(values.mean()) for name, values in found.items()}


def run(
    python: Path, runner: str, kind: str, choices: dict[str, Any], place: Path, threads: int
) -> dict[str, Any]:
    """What the runner reports."""
    command = [
        str(python), str(HERE / "peers" / f"{runner}_classic.py"), "--data", str(place / "events.npz"),
        "--out", str(place / "lists.npy"), "--kind", kind, "--choices", json.dumps(choices),
        "--threads", str(threads), "--k", str(K),
    ]  # fmt: skip
    if runner == "penchant":
        command += ["--train", json.dumps(TRAIN.get(kind, {}))]
    # implicit asks that BLAS keep to one thread while its own threads run.
    blas = "1" if runner == "implicit" else str(threads)
    settings = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": blas}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", dest="name", choices=PENCHANT, default="movielens-100k")
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="such as ials or implicit/als")
    parser.add_argument("--most-users", type=int, help="ask only so many users")
    parser.add_argument("--implicit-python", type=Path, help="an interpreter with implicit; else one is made")
    wanted = parser.parse_args()
    known, hidden = events(wanted.name, wanted.data)
    asked = hidden["user"].unique().sort().head(wanted.most_users or hidden.height)
    hidden = hidden.join(asked.to_frame(), on="user", how="semi").sort("user", "item")
    rows = {kind: ("penchant", kind, choices) for kind, choices in PENCHANT[wanted.name].items()}
    sized = SIZED.get(wanted.name, {})
    rows |= {
        f"implicit/{kind}": ("implicit", kind, choices | sized.get(kind, {})) for kind, choices in IMPLICIT.items()
    }
    pythons = {"penchant": Path(sys.executable)}
    heads = ("ndcg@10", "recall@10", "recall@20")
    table = Table(
        title=f"{wanted.name}: {known.height} events, {len(asked)} users asked, {wanted.threads} threads"
    )
    for head in ("", *heads, "fit s", "cpu s", "peak MiB"):
        table.add_column(head, justify="right" if head else "left")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        columns = {f"{name}s": known[name].to_numpy() for name in ("user", "item", "time")}
        np.savez(place / "events.npz", asked=asked.to_numpy(), **columns)
        for name, (runner, kind, choices) in rows.items():
            if wanted.only and name not in wanted.only:
                continue
            if runner not in pythons:
                pythons[runner] = wanted.implicit_python or environment()
            report = run(pythons[runner], runner, kind, choices, place, wanted.threads)
            found = judge(np.load(place / "lists.npy"), hidden)
            cells = [f"{found[head]:.4f}" for head in heads]
            cells += [f"{report['seconds']:.2f}", f"{report['cpu']:.2f}", f"{report['peak']:.0f}"]
            print(name, *cells, flush=True)
            table.add_row(name, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
