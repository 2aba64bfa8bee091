# SPDX-License-Identifier: Apache-2.0
"""OTTO (RecSys data set): clicks, carts and orders of sessions in a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import PURCHASE, VIEW, models
from penchant.data.sources.source import PublicSource
from penchant.data.sources.tables import json_lines, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_FILES = ("otto-recsys-train.jsonl", "train.jsonl")
_EVENT = pl.Struct({"aid": pl.Int64, "ts": pl.Int64, "type": pl.String})


def convert(raw: Raw, out: Path) -> Run:
    """From the training file, a session on each line. There are no users: a session takes their place."""
    found = raw.find(*_FILES)
    path = next((found[name] for name in _FILES if name in found), None) or raw.need(_FILES[0])[0]
    sessions = json_lines(path, {"session": pl.Int64, "events": pl.List(_EVENT)})
    rows = sessions.explode("events").filter(pl.col("events").is_not_null())
    fields = {"aid": "item_id", "ts": "time", "type": "type"}
    parts = (pl.col("events").struct.field(theirs).alias(ours) for theirs, ours in fields.items())
    write(rows.select(pl.col("session").alias("user_id"), *parts), out / "events.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "time_unit": "ms", "type": "type",
                "types": {
                    "clicks": VIEW, "carts": {"meaning": "cart", "strength": 0.5}, "orders": PURCHASE,
                },
            },
            "checks": {"min_user_events": 3, "min_item_events": 5},
        },
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="OTTO recommender systems dataset",
    licence="CC BY 4.0",
    citation=(
        "Philipp Normann, Sophie Baumeister and Timo Wilm. 2023. OTTO Recommender Systems Dataset. Kaggle. "
        "https://github.com/otto-de/recsys-dataset"
    ),
    size="12.9 million sessions, 1.86 million products, 216.7 million events of four weeks",
    holds="Clicks, carts and orders with milliseconds; a session stands for a user; nothing of the products",
    page="https://github.com/otto-de/recsys-dataset",
    convert=convert,
    by_hand="otto-recsys-train.jsonl (or the zip file that has it)",
)
