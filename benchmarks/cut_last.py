# SPDX-License-Identifier: Apache-2.0
"""Cut each user's last event out of a training part, for choices that the part to be judged on must not make.

    python benchmarks/cut_last.py benchmarks/data/movielens-1m

reads `train.parquet` of the folder and writes `choose.parquet`, the last event of each user, and `learn.parquet`,
the others. Nothing else is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl


def cut(events: pl.DataFrame, user: str, time: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(the others, the last event of each user); of events at one time the last row is the last event."""
    order = pl.struct(time, pl.int_range(pl.len()).alias("row"))
    last = order.rank("ordinal", descending=True).over(user) == 1
    parts = events.with_columns(last=last).partition_by("last", as_dict=True)
    return parts[(False,)].drop("last"), parts[(True,)].drop("last")


def main() -> None:
    """Write both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where train.parquet is, and where the parts go")
    parser.add_argument("--user", default="user_id", help="the column that says who")
    parser.add_argument("--time", default="position", help="the column that says when")
    wanted = parser.parse_args()
    try:
        parts = cut(pl.read_parquet(wanted.folder / "train.parquet"), wanted.user, wanted.time)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SystemExit(f"{wanted.folder / 'train.parquet'}: {error}") from error
    for name, part in zip(("learn", "choose"), parts, strict=True):
        part.write_parquet(wanted.folder / f"{name}.parquet")
        print(f"{name}.parquet: {part.height:,} events of {part[wanted.user].n_unique():,} users")


if __name__ == "__main__":
    main()
