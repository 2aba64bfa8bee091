# SPDX-License-Identifier: Apache-2.0
"""Amazon Beauty and Sports, as S3-Rec published them, to the files that beauty.toml and sports.toml name.

    python benchmarks/amazon_sequences.py --source FOLDER

`FOLDER` holds `Beauty.txt` and `Sports_and_Outdoors.txt`, one line a user, `user item item ...` in order of time,
and beside each `<name>_item2attributes.json`, the numbers of each item's attributes. As in the paper (Zhou et al.,
CIKM 2020, https://arxiv.org/abs/2008.07873) the last item of each user is the test part and the one before it the
validation part. The files give no times, so an event's time is its place in the line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
SETS = {"beauty": "Beauty", "sports": "Sports_and_Outdoors"}
PARTS = {"test": 0, "validation": 1}
"""How many events of the same user come after the one that is hidden."""


def events(source: Path) -> pl.DataFrame:
    """(user_id, item_id, position) of every event, and how many of its user's come after it (`left`)."""
    lines = pl.read_csv(source, has_header=False, new_columns=["line"], separator="\t", infer_schema=False)
    words = pl.col("line").str.strip_chars().str.split(" ")
    items = lines.select(user_id=words.list.first().cast(pl.Int64), item_id=words.list.slice(1))
    position = pl.int_range(pl.len()).over("user_id")
    return items.explode("item_id").with_columns(
        pl.col("item_id").cast(pl.Int64), position=position, left=pl.len().over("user_id") - 1 - position
    )


def attributes(source: Path) -> pl.DataFrame:
    """(item_id, attributes) of every item, the attributes as one text with bars between."""
    whole = pl.read_json(source)
    numbers = pl.col("attributes").list.eval(pl.element().cast(pl.String)).list.join("|")
    return whole.unpivot(variable_name="item_id", value_name="attributes").select(
        pl.col("item_id").cast(pl.Int64), numbers
    )


def main() -> None:
    """Write both sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of the published files")
    parser.add_argument("--out", type=Path, default=HERE / "data", help="where the folders of both sets go")
    chosen = parser.parse_args()
    for name, published in SETS.items():
        folder = chosen.out / name
        folder.mkdir(parents=True, exist_ok=True)
        whole = events(chosen.source / f"{published}.txt")
        for part, left in PARTS.items():
            whole.filter(pl.col("left") == left).drop("left").write_parquet(folder / f"{part}.parquet")
        whole.filter(pl.col("left") >= len(PARTS)).drop("left").write_parquet(folder / "train.parquet")
        attributes(chosen.source / f"{published}_item2attributes.json").write_parquet(folder / "items.parquet")
        print(f"{name}: {whole.height:,} events in {folder}")


if __name__ == "__main__":
    main()
