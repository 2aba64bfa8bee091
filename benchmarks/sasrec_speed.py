# SPDX-License-Identifier: Apache-2.0
"""Seconds of one epoch of SASRec on MovieLens-100K: Penchant, RePlay 0.22.0 and RecTools 0.19.0, in turn.

    python benchmarks/sasrec_speed.py --out sasrec_speed.json

Each runs in a process and an environment of its own, with as many threads, and all take turns in one session,
so that a busy or throttled machine slows all of them alike. Timed are the epochs of training alone, after one to
warm up: no preparation of data, no validation, no checkpoints, no progress bars.

The same for all: events (each user's last two left out), d = 64, 2 blocks, 2 heads, feed-forward d to d, the last
101 events of a user (100 inputs, 100 targets), a softmax over all items, 128 users a batch, dropout 0.2, Adam,
float32. Every user comes once an epoch.

What differs, because it is how each is made: the peers pad every history to 100 steps and compute logits for the
padding; Penchant puts histories of similar length together and computes logits where there is a target. The peers
also drop attention weights and the inside of the feed-forward part; Penchant drops the two sums of a block.
Penchant does one step more for each user (a learned start, which foretells the first event), and for each batch
clips the gradient and averages the weights, which the peers do not.
RecTools' softmax has one class more (padding).

The row `penchant, default` is not equal work: see `peers/penchant_sasrec.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from penchant.data import sources

HERE = Path(__file__).parent
REFERENCE = "penchant, equal work"

REQUIREMENTS = {
    "replay": ["torch==2.13.0", "replay-rec==0.22.0", "lightning==2.6.6"],
    "rectools": ["torch==2.13.0", "rectools[torch]==0.19.0", "numpy==1.26.4", "pyarrow<19"],
}
"""By peer; the first is installed first, so that the others do not choose another build of it."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One row: a runner in `peers`, the environment that it runs in, and which variant it trains."""

    runner: str
    variant: str = ""


CONTENDERS = {
    REFERENCE: Contender(runner="penchant", variant="equal"),
    "penchant, default": Contender(runner="penchant", variant="default"),
    "replay": Contender(runner="replay", variant="legacy"),
    "replay, new": Contender(runner="replay", variant="new"),
    "rectools": Contender(runner="rectools"),
}


def environment(peer: str) -> Path:
    """The interpreter of a peer's own environment, which is made if it is not there."""
    folder = HERE / ".env" / peer
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "ready"
    if not done.exists():
        print(f"Making {folder} for {peer} ...", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        first, *_ = wanted = REQUIREMENTS[peer]
        for packages in ([first], wanted):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.touch()
    return python


def run(python: Path, contender: Contender, data: Path, epochs: int, threads: int) -> dict[str, Any]:
    """What the runner reports."""
    command = [
        str(python), str(HERE / "peers" / f"{contender.runner}_sasrec.py"), "--data", str(data.resolve()),
        "--epochs", str(epochs), "--threads", str(threads), "--variant", contender.variant,
    ]  # fmt: skip
    settings = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def check_equal(reports: dict[str, dict[str, Any]]) -> None:
    """Stop unless all were trained on the same."""
    work = {name: [found[key] for key in ("users", "items", "events")] for name, found in reports.items()}
    if len({tuple(sizes) for sizes in work.values()}) > 1:
        raise SystemExit(f"users, items and events that were trained on differ: {work}")


def show(seconds: dict[str, list[list[float]]]) -> None:
    """Print one row for each contender; `seconds` has a list for each round."""
    table = Table(title="SASRec on MovieLens-100K, seconds of an epoch")
    for heading in ("", "min", "median", "max", f"times {REFERENCE}, round by round"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rounds in seconds.items():
        flat = [value for one in rounds for value in one]
        ratios = [median(one) / median(base) for one, base in zip(rounds, seconds[REFERENCE], strict=True)]
        table.add_row(
            name,
            *(f"{value:.2f}" for value in (min(flat), median(flat), max(flat))),
            f"{median(ratios):.2f} ({' '.join(f'{ratio:.2f}' for ratio in ratios)})",
        )
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, help="a folder with the set in Penchant's normal form; else it is got"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--epochs", type=int, default=5, help="timed epochs of a turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--replay-python", type=Path, help="an interpreter with RePlay; else one is made")
    parser.add_argument("--rectools-python", type=Path, help="an interpreter with RecTools; else one is made")
    parser.add_argument("--out", type=Path, help="write all measurements here as JSON")
    wanted = parser.parse_args()
    data = wanted.data or sources.get("movielens-100k", Path("data"))
    names = [name for name in CONTENDERS if name == REFERENCE or name in wanted.only]
    given = {"penchant": Path(sys.executable), "replay": wanted.replay_python, "rectools": wanted.rectools_python}
    pythons = {peer: given[peer] or environment(peer) for peer in {CONTENDERS[name].runner for name in names}}
    seconds: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(wanted.rounds):
        # Every other round runs backwards: whoever profits from its place loses it again.
        reports = {}
        for name in names if number % 2 == 0 else reversed(names):
            contender = CONTENDERS[name]
            reports[name] = run(pythons[contender.runner], contender, data, wanted.epochs, wanted.threads)
            seconds[name].append(reports[name]["epoch_seconds"])
            print(f"round {number + 1}: {name}: {median(seconds[name][-1]):.2f} s an epoch", flush=True)
        check_equal(reports)
    show(seconds)
    if wanted.out:
        found = {
            "machine": platform.platform(),
            "threads": wanted.threads,
            "work": next(iter(reports.values())) | {"epoch_seconds": None},
            "epoch_seconds": seconds,
        }
        wanted.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
