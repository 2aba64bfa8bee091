# SPDX-License-Identifier: Apache-2.0
"""Cut a validation part out of the training part of Gowalla, as the authors of LightGCN split it.

    python benchmarks/gowalla_cut.py train.txt --out benchmarks/data/gowalla

A line of `train.txt` is a user and all their items, in no order that means anything. A tenth of each user's items,
at least one, drawn with a fixed seed, becomes `valid.parquet`; the rest is `train.parquet`. So choices are made
without the published test part, which nothing here reads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

SHARE = 0.1
SEED = 0


def read(path: Path) -> pl.DataFrame:
    """Distinct pairs (user_id, item_id), in the order of the file.

    Raises:
        SystemExit: the file is not there, or a line holds something other than whole numbers.
    """
    try:
        lines = pl.read_csv(path, has_header=False, separator="\n", schema={"line": pl.String})
        numbers = lines.select(pl.col("line").str.strip_chars().str.split(" ").cast(pl.List(pl.Int64)))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SystemExit(f"{path}: expected lines of a user and their items, whole numbers: {error}") from error
    pairs = numbers.select(user_id=pl.col("line").list.first(), item_id=pl.col("line").list.slice(1))
    return pairs.explode("item_id").drop_nulls().unique(maintain_order=True)


def cut(pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(train, validation): of each user a tenth of the pairs, rounded, at least one, goes to validation."""
    chance = pl.int_range(pl.len()).shuffle(seed=SEED)
    place = pl.col("chance").rank("ordinal").over("user_id")
    hidden = (pl.len().over("user_id") * SHARE).round().clip(1)
    marked = pairs.with_columns(chance=chance).with_columns(hidden=place <= hidden)
    parts = marked.partition_by("hidden", as_dict=True)
    return parts[(False,)].drop("chance", "hidden"), parts[(True,)].drop("chance", "hidden")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="train.txt of the split")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data" / "gowalla")
    wanted = parser.parse_args()
    train, valid = cut(read(wanted.path))
    wanted.out.mkdir(parents=True, exist_ok=True)
    train.write_parquet(wanted.out / "train.parquet")
    valid.write_parquet(wanted.out / "valid.parquet")
    for name, part in (("train", train), ("valid", valid)):
        users, items = part["user_id"].n_unique(), part["item_id"].n_unique()
        print(f"{name}.parquet: {part.height:,} pairs, {users:,} users, {items:,} items")


if __name__ == "__main__":
    main()
