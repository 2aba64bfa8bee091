# SPDX-License-Identifier: Apache-2.0
"""Cut a part for choosing out of the training pairs of TikTok, which looks as the published validation part does.

    python benchmarks/tiktok_cut.py benchmarks/data/tiktok --out benchmarks/data/tiktok-cut

The published `valid` holds one pair of each of some three thousand users, most of whom have one to three others.
So one pair each, drawn with a fixed seed, of as many users who have two or more becomes `choose.parquet`, and the
rest `learn.parquet`. `valid.parquet` is the published part, the test here; `items.parquet` holds the vectors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl

SEED = 0
VECTORS = {"picture": "image_feat.npy", "sound": "audio_feat.npy"}


def cut(pairs: pl.DataFrame, users: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(learn, choose): one pair of each of `users` users who have two or more is in `choose`."""
    shuffled = pairs.sample(fraction=1, shuffle=True, seed=SEED)
    several = shuffled.filter(pl.len().over("user_id") > 1)
    choose = several.unique("user_id", keep="first", maintain_order=True).head(users)
    return pairs.join(choose, on=["user_id", "item_id"], how="anti", maintain_order="left"), choose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="folder with interactions.parquet and the vectors")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data" / "tiktok-cut")
    wanted = parser.parse_args()
    rows = pl.read_parquet(wanted.path / "interactions.parquet").select(
        pl.col("user").cast(pl.Int64).alias("user_id"), pl.col("item").cast(pl.Int64).alias("item_id"), "split"
    )
    train, valid = (rows.filter(pl.col("split") == part).drop("split") for part in ("train", "valid"))
    learn, choose = cut(train, valid["user_id"].n_unique())
    wanted.out.mkdir(parents=True, exist_ok=True)
    for name, part in {"train": train, "learn": learn, "choose": choose, "valid": valid}.items():
        part.write_parquet(wanted.out / f"{name}.parquet")
        print(f"{name}.parquet: {part.height:,} pairs, {part['user_id'].n_unique():,} users")
    vectors = {name: np.load(wanted.path / file).astype(np.float32) for name, file in VECTORS.items()}
    size = min(map(len, vectors.values()))
    items = pl.DataFrame({"item_id": np.arange(size)} | {name: pl.Series(v[:size]) for name, v in vectors.items()})
    items.write_parquet(wanted.out / "items.parquet")
    print(f"items.parquet: {size:,} items with {', '.join(vectors)}")


if __name__ == "__main__":
    main()
