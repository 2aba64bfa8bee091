# SPDX-License-Identifier: Apache-2.0
"""How much memory does it take to judge a model on every user of a set, and how long?

    python benchmarks/memory.py --set gowalla

Each model is fitted on `train` in a process of its own, and then every user with a hidden event is asked for the
best items of the whole catalogue, by the protocol that reports and early stopping use (`penchant.evaluate`), and
every metric of a report is taken. The peak is what the system says of the process: libraries, tables, fit and all.
A model that learns by steps goes through its users once: more would not take more memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
from classic import HERE, PENCHANT, events
from torch import set_num_threads

from penchant.data.dataset import Dataset
from penchant.evaluate import beyond
from penchant.evaluate.protocol import Cut, Question
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, IdType, Schema
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig

KINDS = ("popularity", "item_knn", "user_knn", "rp3beta", "block_ease", "ials", "lightgcn", "multvae")


def canonical(pairs: pl.DataFrame) -> pl.DataFrame:
    """Events of user, item and time as the package wants them."""
    named = pairs.rename({"user": USER, "item": ITEM, "time": TIME})
    return named.with_columns(pl.lit("event").alias(TYPE), pl.lit(None, pl.Float64).alias(VALUE))


def peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, kind: str, folder: Path, threads: int) -> dict[str, float]:
    """Peaks in MiB as of each step, and seconds of the last two."""
    set_num_threads(threads)
    known, hidden = map(canonical, events(name, folder))
    items, users = known.select(ITEM).unique().sort(ITEM), known.select(USER).unique().sort(USER)
    schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, event_types=("event",))
    dataset = Dataset(name=name, schema=schema, events=known, items=items, users=users)
    space = FeatureSpace.fit(dataset, known)
    catalogue = space.catalogue(items)
    everyone = space.users(users[USER], known, catalogue, users)
    read, begin = peak(), time.perf_counter()
    model = make(kind, PENCHANT[name].get(kind, {}), space.sizes)
    fit(model, everyone, TrainConfig(epochs=1))
    fitted, middle = peak(), time.perf_counter()
    question = Question.prepare(space, catalogue, Cut(known, known, hidden), users)
    found = beyond.measure(question.ask(Pipeline(model, space, catalogue)))
    seconds = time.perf_counter() - middle
    return {
        "users": len(question.ids), "items": len(items), "ndcg@10": found.means()["ndcg@10"],
        "read": read, "fitted": fitted, "asked": peak(), "fit s": middle - begin, "ask s": seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", dest="name", choices=PENCHANT, default="gowalla")
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--models", nargs="+", default=KINDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.measure:
        print(json.dumps(measure(told.name, told.measure, told.data, told.threads)))
        return
    for kind in told.models:
        command = [sys.executable, __file__, "--measure", kind, "--set", told.name, "--data", str(told.data)]
        settings = {**os.environ, "OMP_NUM_THREADS": str(told.threads)}
        done = subprocess.run(
            [*command, "--threads", str(told.threads)], env=settings, stdout=subprocess.PIPE, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        print(kind, *(f"{key} {value:.4g}" for key, value in found.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main()
