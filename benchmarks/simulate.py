# SPDX-License-Identifier: Apache-2.0
"""Seconds and peak memory of `penchant simulate shop`, at 0.1, 1 and 10 million events.

    python benchmarks/simulate.py
    python benchmarks/simulate.py --sheet docs/images/simulated-products.png

Each size runs in a process of its own; timed is the whole command, from start to the finished folder, with two
threads or as many as `--threads` says. Peak memory is that of the whole process, libraries included. The second
command draws the contact sheet of the documentation and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from penchant.simulate.config import ShopConfig
from penchant.simulate.pictures import draw, picture_lots
from penchant.simulate.words import CATEGORIES
from penchant.simulate.world import draw_world

SIZES = ((20_000, 5_000, 100_000), (100_000, 20_000, 1_000_000), (1_000_000, 100_000, 10_000_000))
"""Users, items, events."""

COLUMNS, EDGE = 10, 80


def measure(sizes: tuple[int, int, int], threads: int) -> tuple[float, float, int]:
    """Seconds, peak gigabytes and bytes on disk of one simulation."""
    program = "from penchant.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shop"
        options = [f"--{name}={size}" for name, size in zip(("users", "items", "events"), sizes, strict=True)]
        command = [sys.executable, "-c", program, "simulate", "shop", *options, "--seed=1", f"--out={out}"]
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        environment = {**os.environ, "POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        begun = time.perf_counter()
        child = os.posix_spawn(sys.executable, command, environment, file_actions=quiet)
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - begun
        if status:
            raise SystemExit(f"the simulation of {sizes[2]:,} events failed")
        stored = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return seconds, usage.ru_maxrss / 1e6, stored


def sheet(target: Path) -> None:
    """Some products of each category, in one picture."""
    things = draw_world(ShopConfig(users=1, items=1000, events=1, seed=3)).things
    rows = np.concatenate(
        [np.flatnonzero(things.category == code)[: COLUMNS // 2] for code in range(len(CATEGORIES))]
    )
    pictures = draw(things, rows, picture_lots(things, 3)[rows], EDGE)
    grid = pictures.reshape(-1, COLUMNS, EDGE, EDGE, 3).swapaxes(1, 2).reshape(-1, COLUMNS * EDGE, 3)
    image = Image.fromarray(grid).quantize(256, kmeans=5, dither=Image.Dither.NONE)
    image.save(target, optimize=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--sheet", type=Path)
    chosen = arguments.parse_args()
    if chosen.sheet:
        sheet(chosen.sheet)
        return
    print("| users | items | events | seconds | events/s | peak GB | MB on disk |")
    print("|---|---|---|---|---|---|---|")
    for sizes in SIZES:
        seconds, peak, stored = measure(sizes, chosen.threads)
        rate = sizes[2] / seconds
        counts = " | ".join(f"{size:,}" for size in sizes)
        print(f"| {counts} | {seconds:.1f} | {rate:,.0f} | {peak:.2f} | {stored / 1e6:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
