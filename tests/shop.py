# SPDX-License-Identifier: Apache-2.0
"""A small shop: its files in any format, with whole numbers or text as ids, and a run file for them."""

import numpy as np
import polars as pl
from typer.testing import CliRunner

from penchant.cli.app import app

USERS = 30
ITEMS = 24
EACH = 8

QUICK = """
[data.split]
kind = "leave_last_out"

[model]
kind = "sasrec"
embedding_size = 8
blocks = 1
heads = 1
inner_size = 8

[[baselines]]
kind = "popularity"

[train]
epochs = 2
checkpoint_every = 1
warmup_steps = 2
precision = "float32"
metric = "ndcg@5"

[evaluate]
ks = [5, 10]
bootstrap = 20
"""

CSV = """
[data]
name = "shop"

[data.events]
path = "events.csv"
user_id = "user"
item_id = "item"
time = "when"

[data.items]
path = "items.csv"
item_id = "item"
title = "name"

[data.items.columns]
name = { kind = "text" }
genre = { kind = "category" }
"""


def tables(*, text: bool = False, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and items; a user mostly takes items of the own half, and ids are like 7, or like "007"."""
    random = np.random.default_rng(seed)
    picks = [random.permutation(np.arange(u % 2, ITEMS, 2))[:EACH].tolist() for u in range(USERS)]
    rows = [
        (u + 1, i + 1, 1_600_000_000 + 3600 * (t * USERS + u))
        for u in range(USERS)
        for t, i in enumerate(picks[u])
    ]
    events = pl.DataFrame(rows, schema=["user", "item", "when"], orient="row").unique(
        ["user", "item"], keep="first", maintain_order=True
    )
    items = pl.DataFrame(
        {
            "item": range(1, ITEMS + 1),
            "name": [f"{('red', 'blue')[i % 2]} thing number {i}" for i in range(ITEMS)],
            "genre": [("warm", "cold")[i % 2] for i in range(ITEMS)],
        }
    )
    if text:
        padded = {
            "user": pl.col("user").cast(pl.String).str.zfill(3),
            "item": pl.col("item").cast(pl.String).str.zfill(4),
        }
        return events.with_columns(**padded), items.with_columns(item=padded["item"])
    return events, items


def write(table: pl.DataFrame, path) -> None:
    """One table as CSV, JSON lines or Parquet, by the ending."""
    {".csv": table.write_csv, ".jsonl": table.write_ndjson, ".parquet": table.write_parquet}[path.suffix](path)


def stock(folder, *, ending: str = "csv", text: bool = False, rest: str = QUICK):
    """Fill a folder with the shop's files, and return its run file."""
    events, items = tables(text=text)
    folder.mkdir(parents=True, exist_ok=True)
    write(events, folder / f"events.{ending}")
    write(items, folder / f"items.{ending}")
    run = folder / "run.toml"
    run.write_text(CSV.replace(".csv", f".{ending}") + rest)
    return run


def penchant(*words, code: int = 0):
    """Run a command in this process; assert its exit code, and that no traceback is shown."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert "Traceback" not in result.output + result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == code, result.output + result.stderr
    return result


def refused(*words) -> str:
    """Run a command that must be refused with the exit code 2; what it says on standard error, on one line."""
    return " ".join(penchant(*words, code=2).stderr.split())
