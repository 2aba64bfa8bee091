# SPDX-License-Identifier: Apache-2.0
"""How do time and memory of ingestion, split and features grow with the number of events?

The input is simulated: events of made-up people with made-up items, written as Parquet before any clock runs.
One row in a thousand has no user, and one in a thousand stands there twice, so that checks find something.
Each size is measured in a process of its own, whose peak memory is what the system says of it at its end:

    python benchmarks/scale.py --sizes 1 10 100 --threads 2

What is timed, in this order: **ingest** (read, check, clean, sort by time, write the clean tables), **split** (by
time, and the count of each part), **vocabularies** (of items, users and types, fitted on the training part),
**features** (what was known of the user and of the item just before every event of all three parts, by the
measures `events`, `types`, `recency` and `trend`: nine columns a side). Events per second are those of the four
together. CPU is the time that all threads worked on them, Python's start included: on an idle machine it lies
between the sum of the four and that sum times the number of threads.

What comes on top, its memory in the peak: **few** are the features again with `events` and `recency` alone, three
columns a side; **last out** is the other split, which hides each user's last events.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from penchant.data.config import DataConfig
from penchant.data.dataset import Dataset
from penchant.data.ingest import ingest
from penchant.data.splits import Split, SplitConfig, split
from penchant.features.aggregates.measures import Measures, Plan
from penchant.features.streaming import as_of_parts, fit_vocabularies
from penchant.registry import read_config
from penchant.schema import ITEM

MILLION = 1_000_000
EVENTS_A_USER = 20
EVENTS_AN_ITEM = 100
ROWS_A_FILE = 5 * MILLION
YEAR = 365 * 86_400
START = 1_600_000_000
TYPES = ("view", "cart", "purchase")
MEASURES = ("events", "types", "recency", "trend")
FEW = ("events", "recency")
HALF_LIVES = (1.0, 30.0)
STAGES = ("ingest", "split", "vocabularies", "features")


def write_input(folder: Path, events: int, *, ordered: bool, seed: int = 0) -> None:
    """Simulated events, items and users as Parquet; `ordered` writes a log, else times are shuffled."""
    users, items = max(events // EVENTS_A_USER, 1), max(events // EVENTS_AN_ITEM, 1)
    chance = np.random.default_rng(seed)
    for first in range(0, events, ROWS_A_FILE):
        rows = min(ROWS_A_FILE, events - first)
        span = (first / events * YEAR, (first + rows) / events * YEAR) if ordered else (0, YEAR)
        when = START + chance.integers(int(span[0]), int(span[1]), rows)
        table = pl.DataFrame(
            {
                "user_id": (chance.random(rows) ** 2 * users).astype(np.int64),
                "item_id": (chance.random(rows) ** 3 * items).astype(np.int64),
                "timestamp": np.sort(when) if ordered else when,
                "event": pl.Series(chance.choice(3, rows, p=[0.85, 0.1, 0.05]).astype(np.int8)),
                "price": chance.integers(1, 10_000, rows) / 100,
            }
        )
        broken = pl.when(pl.int_range(pl.len()) % 1000 != 7).then("user_id").alias("user_id")
        names = pl.col("event").replace_strict(dict(enumerate(TYPES)), return_dtype=pl.String)
        dirty = table.with_columns(broken, names)
        twice = dirty.gather_every(1000, offset=500)
        both = pl.concat([dirty[: rows - twice.height], twice])
        both.write_parquet(folder / f"events-{first // ROWS_A_FILE:04d}.parquet")
    kinds = pl.Series(chance.integers(0, 50, items)).cast(pl.String)
    pl.DataFrame({"item_id": range(items), "kind": kinds, "price": chance.random(items)}).write_parquet(
        folder / "items.parquet"
    )
    pl.DataFrame({"user_id": range(users), "age": chance.integers(16, 90, users)}).write_parquet(
        folder / "users.parquet"
    )


def measure(folder: Path) -> dict[str, float]:
    """Seconds of each step and the peak of memory, of the process that calls this."""
    config = read_config(
        DataConfig,
        {
            "name": "scale",
            "events": {
                "path": "events-*.parquet",
                "time": "timestamp",
                "time_unit": "s",
                "type": "event",
                "amount": "price",
                "types": {"purchase": {"meaning": "purchase"}},
            },
            "items": {
                "path": "items.parquet",
                "columns": {"kind": {"kind": "category"}, "price": {"kind": "number"}},
            },
            "users": {"path": "users.parquet", "columns": {"age": {"kind": "number"}}},
        },
        "scale [data]",
    )
    begin = time.perf_counter()
    made = ingest(config, folder, beside=folder / "made")
    made.dataset.save(folder / "made" / "clean", {"quarantine": made.refused})
    report, ingested = made.report["events"], time.perf_counter()
    clean = Dataset.open(folder / "made" / "clean")
    parts = split(clean, SplitConfig(kind="time"))
    count(parts)
    divided = time.perf_counter()
    _, users, _ = fit_vocabularies(parts.scan("train"))
    listed = time.perf_counter()
    replay(clean, users.values, MEASURES)
    end, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    replay(clean, users.values, FEW)
    few = time.perf_counter()
    count(split(clean, SplitConfig(kind="leave_last_out")))
    last_out = time.perf_counter()
    return {
        "rows": report["rows"],
        "kept": report["kept"],
        "quarantined": report["quarantined"],
        "ingest": ingested - begin,
        "split": divided - ingested,
        "vocabularies": listed - divided,
        "features": end - listed,
        "cpu": used.ru_utime + used.ru_stime,
        "few": few - end,
        "last_out": last_out - few,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def count(parts: Split) -> None:
    """Go through the events of each part."""
    for name in ("train", "validation", "test"):
        parts.scan(name).select(pl.len()).collect(engine="streaming")


def replay(data: Dataset, users: pl.Series, measures: tuple[str, ...]) -> None:
    """Go through what was known just before each event."""
    plan = Plan(Measures.choose(measures, HALF_LIVES, data.schema))
    seen = sum(len(part.users) for part in as_of_parts(data.event_parts(), plan, data.items[ITEM], users))
    assert seen == data.event_count


def run(events: int, *, ordered: bool, threads: int, where: Path | None) -> dict[str, float]:
    """Make the input, measure in a process of its own, and clear up."""
    folder = Path(tempfile.mkdtemp(prefix="penchant-scale-", dir=where))
    try:
        write_input(folder, events, ordered=ordered)
        command = [sys.executable, __file__, "--measure", str(folder)]
        done = subprocess.run(
            command,
            env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout)
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 10, 100], help="millions of events")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--where", type=Path, help="the folder for input and output; 100 million need 8 GB")
    parser.add_argument("--order", choices=["shuffled", "log", "both"], default="both")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.measure:
        print(json.dumps(measure(told.measure)))
        return
    print("Simulated events; each row is a process of its own.\n")
    columns = ("events", "input", *STAGES, "events/s", "CPU", "few", "last out", "peak RSS")
    print(f"| {' | '.join(columns)} |")
    print("|" + "---|" * len(columns))
    for size in told.sizes:
        for order in ("shuffled", "log") if told.order == "both" else (told.order,):
            made = run(round(size * MILLION), ordered=order == "log", threads=told.threads, where=told.where)
            seconds = sum(made[stage] for stage in STAGES)
            stages = " | ".join(f"{made[stage]:.1f} s" for stage in STAGES)
            print(
                f"| {size:g} M | {order} | {stages} | {made['rows'] / seconds / MILLION:.2f} M | "
                f"{made['cpu']:.1f} s | {made['few']:.1f} s | {made['last_out']:.1f} s | "
                f"{made['peak'] / 2**30:.2f} GiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
