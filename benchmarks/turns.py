# SPDX-License-Identifier: Apache-2.0
"""Seconds of an epoch of several programs that take turns; what the speed benchmarks share.

Each program runs in a process and an environment of its own, with as many threads, and all take turns in one
session, so that a busy or throttled machine slows all of them alike. Timed are epochs of training alone, after one
to warm up: no preparation of data, no validation, no checkpoints, no progress bars.
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
SETS = ("movielens-100k", "movielens-1m")

REQUIREMENTS = {
    "replay": ["torch==2.13.0", "replay-rec==0.22.0", "lightning==2.6.6"],
    "rectools": ["torch==2.13.0", "rectools[torch]==0.19.0", "numpy==1.26.4", "pyarrow<19"],
    "recbole": [
        "torch==2.13.0",
        "recbole==1.2.1",
        "numpy==1.26.4",
        "scipy==1.10.1",
        "pandas==2.1.4",
        "pyarrow<17",
    ],
    "implicit": ["implicit==0.7.3"],
    "lightfm": ["lightfm-next==1.19"],
}
"""By peer; the first is installed first, so that the others do not choose another build of it."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One row of a table.

    Attributes:
        runner: the program in `peers`.
        peer: the environment that it runs in; Penchant's own where there is none.
        variant: what the program is told to train.
    """

    runner: str
    peer: str | None = None
    variant: str = ""


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


def race(title: str, contenders: dict[str, Contender], options: list[str] | None = None) -> None:
    """Let the contenders take turns, and print one row for each; the first one is what others are compared with.

    Args:
        title: of the table.
        contenders: by the name of the row.
        options: the command line; None for that of this process.
    """
    reference = next(iter(contenders))
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--set", dest="name", choices=SETS, default=SETS[0])
    parser.add_argument(
        "--data", type=Path, help="a folder with the set in Penchant's normal form; else it is got"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--epochs", type=int, default=5, help="timed epochs of a turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall", help="what is counted")
    parser.add_argument("--only", nargs="+", choices=contenders, default=list(contenders), metavar="NAME")
    for peer in sorted({one.peer for one in contenders.values() if one.peer}):
        parser.add_argument(f"--{peer}-python", type=Path, help=f"an interpreter with {peer}; else one is made")
    parser.add_argument("--out", type=Path, help="write all measurements here as JSON")
    wanted = parser.parse_args(options)
    data = wanted.data or sources.get(wanted.name, Path("data"))
    names = [name for name in contenders if name == reference or name in wanted.only]
    pythons: dict[str | None, Path] = {None: Path(sys.executable)}
    for wish in {contenders[name].peer for name in names} - {None}:
        pythons[wish] = getattr(wanted, f"{wish}_python") or environment(str(wish))
    seconds: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(wanted.rounds):
        # Every other round runs backwards: whoever profits from its place loses it again.
        reports = {}
        for name in names if number % 2 == 0 else reversed(names):
            contender = contenders[name]
            reports[name] = _run(pythons[contender.peer], contender, data, wanted)
            seconds[name].append(reports[name]["epoch_seconds"])
            print(f"round {number + 1}: {name}: {median(seconds[name][-1]):.3f} s an epoch", flush=True)
        _check_equal(reports)
    _show(f"{title}, {wanted.name}, {wanted.clock} seconds of an epoch", seconds, reference)
    if wanted.out:
        found = {
            "machine": platform.platform(),
            "threads": wanted.threads,
            "clock": wanted.clock,
            "work": next(iter(reports.values())) | {"epoch_seconds": None},
            "epoch_seconds": seconds,
        }
        wanted.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _run(python: Path, contender: Contender, data: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    """What the runner reports."""
    threads = str(wanted.threads)
    command = [
        str(python), str(HERE / "peers" / f"{contender.runner}.py"), "--data", str(data.resolve()),
        "--epochs", str(wanted.epochs), "--threads", threads, "--clock", wanted.clock,
        "--variant", contender.variant,
    ]  # fmt: skip
    settings = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _check_equal(reports: dict[str, dict[str, Any]]) -> None:
    """Stop unless all were trained on the same."""
    work = {name: [found[key] for key in ("users", "items", "events")] for name, found in reports.items()}
    if len({tuple(sizes) for sizes in work.values()}) > 1:
        raise SystemExit(f"users, items and events that were trained on differ: {work}")


def _show(title: str, seconds: dict[str, list[list[float]]], reference: str) -> None:
    """Print one row for each contender; `seconds` has a list for each round."""
    table = Table(title=title)
    for heading in ("", "min", "median", "max", f"times {reference}, round by round"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rounds in seconds.items():
        flat = [value for one in rounds for value in one]
        ratios = [median(one) / median(base) for one, base in zip(rounds, seconds[reference], strict=True)]
        table.add_row(
            name,
            *(f"{value:.3f}" for value in (min(flat), median(flat), max(flat))),
            f"{median(ratios):.2f} ({' '.join(f'{ratio:.2f}' for ratio in ratios)})",
        )
    Console(width=120).print(table)
