# SPDX-License-Identifier: Apache-2.0
"""Fit a model of Penchant and list the best items of each user; called by `classic.py`."""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import polars as pl
import torch

from penchant.data.dataset import Dataset
from penchant.evaluate.protocol import CELLS
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, IdType, Schema
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--choices", type=json.loads, required=True)
    parser.add_argument("--train", type=json.loads, default={}, help="the run file's [train] of a learned model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--k", type=int, required=True)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with np.load(wanted.data) as data:
        events = pl.DataFrame({USER: data["users"], ITEM: data["items"], TIME: data["times"]})
        asked = pl.Series(USER, data["asked"])
    events = events.with_columns(pl.lit("event").alias(TYPE), pl.lit(None, pl.Float64).alias(VALUE)).sort(
        TIME, maintain_order=True
    )
    items, users = events.select(ITEM).unique().sort(ITEM), events.select(USER).unique().sort(USER)
    schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, event_types=("event",))
    dataset = Dataset(name="classic", schema=schema, events=events, items=items, users=users)
    space = FeatureSpace.fit(dataset, events)
    catalogue = space.catalogue(items)
    everyone = space.users(users[USER], events, catalogue, users)
    model = make(wanted.kind, wanted.choices, space.sizes)
    start, cpu = time.perf_counter(), time.process_time()
    fit(model, everyone, TrainConfig(**wanted.train))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    pipeline = Pipeline(model, space, catalogue)
    who = space.users(asked, events, catalogue, users)
    step = max(1, min(CELLS // len(catalogue), 1024))
    rows = [pipeline.recommend(who.select(some), wanted.k).rows for some in torch.arange(len(asked)).split(step)]
    lists = torch.cat(rows).numpy()
    np.save(wanted.out, np.where(lists >= 0, items[ITEM].to_numpy()[lists], -1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
