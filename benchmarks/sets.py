# SPDX-License-Identifier: Apache-2.0
"""Every set of `zoo.py` as three tables (user, item, time): train, validation and test, ids counted from 0.

What is asked of models is the same everywhere: of a user, what they took up in the hidden part, less what they had
before and what nobody had. No part of a source that is published as a test is cut up for choosing.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = ("user", "item", "time")
SHARE = 0.1
"""Of the training pairs of a set without times, drawn for choosing."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A set in three parts.

    Attributes:
        train, validation, test: user, item (counted from 0) and time, in the order of events.
        dated: whether times are microseconds; else they are a mere order, or 0 where there is none.
        words: how it was cut.
        tags: item (counted from 0) and tag, a row for each pair: what items are, where the source says so.
    """

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame
    dated: bool
    words: str
    tags: pl.DataFrame | None = None

    @property
    def users(self) -> int:
        """How many users there are, those of the hidden parts included."""
        return 1 + max(int(part["user"].max() or 0) for part in (self.train, self.validation, self.test))

    @property
    def items(self) -> int:
        """The same of items."""
        return 1 + max(int(part["item"].max() or 0) for part in (self.train, self.validation, self.test))


def movielens_100k(data: Path) -> Parts:
    """P1: each user's last event but one chooses, the last one is the test."""
    train, validation, test = (
        pl.read_parquet(data / "p1" / f"{part}.parquet").select("user", "item", time=pl.col("timestamp") * 10**6)
        for part in ("train", "valid_all", "test")
    )
    tags = _tags(pl.scan_csv(data / "movielens-100k" / "items.csv"), "item_id", "genres")
    return _numbered(train, validation, test, "leave last out", dated=True, tags=tags)


def movielens_1m(data: Path) -> Parts:
    """The source's `valid` is the test; each user's last event before it chooses."""
    known, test = (
        pl.read_parquet(data / "movielens-1m" / f"{part}.parquet").select(
            user="user_id", item="item_id", time=pl.col("position").cast(pl.Int64)
        )
        for part in ("train", "valid")
    )
    # Only of users of the test: who is held out whole in the source has no event just before it.
    last = pl.col("time") == pl.col("time").max().over("user")
    asked = pl.col("user").is_in(test["user"].unique().to_list())
    words = "leave last out: the source's valid is the test, the event before it chose"
    tags = _tags(pl.scan_csv(data / "movielens-1m" / "items.csv"), "movie_id", "genres")
    return _numbered(known.filter(~(last & asked)), known.filter(last & asked), test, words, tags=tags)


def amazon(name: str) -> Callable[[Path], Parts]:
    """Beauty and Sports: the last event is the test, the one before it chooses."""

    def read(data: Path) -> Parts:
        parts = [
            pl.read_parquet(data / name / f"{part}.parquet").select(
                user="user_id", item="item_id", time=pl.col("position").cast(pl.Int64)
            )
            for part in ("train", "validation", "test")
        ]
        tags = _tags(pl.scan_parquet(data / name / "items.parquet"), "item_id", "attributes")
        return _numbered(*parts, "leave last out", tags=tags)

    return read


def gowalla(data: Path) -> Parts:
    """A tenth of the published training pairs is the test, another tenth of the rest chooses; no times."""
    known, test = (
        pl.read_parquet(data / "gowalla" / f"{part}.parquet").select(
            user="user_id", item="item_id", time=pl.lit(0, pl.Int64)
        )
        for part in ("train", "valid")
    )
    words = "a tenth of the published train is the test; another tenth of the rest, drawn, chose"
    return _numbered(*_drawn(known), test, words)


def tiktok(data: Path) -> Parts:
    """The source's `valid` is the test; a tenth of train chooses; there are no times."""
    rows = pl.read_parquet(data / "tiktok" / "interactions.parquet")
    known, test = (
        rows.filter(split=part).select("user", "item", time=pl.lit(0, pl.Int64)) for part in ("train", "valid")
    )
    return _numbered(*_drawn(known), test, "the source's valid is the test; a tenth of train, drawn, chose")


def ta_feng(data: Path) -> Parts:
    """By global time: the last tenth of the events is the test, the tenth before it chooses, days kept whole."""
    rows = pl.read_parquet(data / "ta-feng" / "ta_feng.parquet").sort("TRANSACTION_DT", maintain_order=True)
    events = rows.select(
        user="CUSTOMER_ID", item="PRODUCT_ID", time=pl.col("TRANSACTION_DT").dt.timestamp("us")
    ).unique(["user", "item"], keep="first", maintain_order=True)
    # Times are days: a cut within one would show half of a basket and ask for the other.
    time = pl.col("time")
    first, second = (int(events["time"][int(events.height * share)]) for share in (0.8, 0.9))
    parts = (
        events.filter(time < first),
        events.filter(time >= first, time < second),
        events.filter(time >= second),
    )
    # What a product is sold as is known before anybody buys it.
    tags = rows.select(item="PRODUCT_ID", tag=pl.col("PRODUCT_SUBCLASS").cast(pl.String)).unique()
    return _numbered(*parts, "by global time, 80 : 10 : 10, whole days; each pair once", dated=True, tags=tags)


SETS: dict[str, Callable[[Path], Parts]] = {
    "movielens-100k": movielens_100k,
    "movielens-1m": movielens_1m,
    "beauty": amazon("beauty"),
    "sports": amazon("sports"),
    "gowalla": gowalla,
    "tiktok": tiktok,
    "ta-feng": ta_feng,
}


def _drawn(pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(the rest, a tenth that is drawn)."""
    chosen = np.random.default_rng(0).random(pairs.height) < SHARE
    return pairs.filter(~chosen), pairs.filter(chosen)


def _tags(table: pl.LazyFrame, item: str, column: str) -> pl.DataFrame:
    """(item, tag), a row for each of the words between `|` in a column."""
    words = pl.col(column).cast(pl.String).str.split("|")
    return table.select(item=item, tag=words).explode("tag").drop_nulls().collect()


def _numbered(
    train: pl.DataFrame, validation: pl.DataFrame, test: pl.DataFrame, words: str, *, dated: bool = False,
    tags: pl.DataFrame | None = None,
) -> Parts:  # fmt: skip
    """Ids counted from 0 in ascending order; each part by time, ties in the order of the file."""
    parts = [train, validation, test]
    for column in ("user", "item"):
        ids = pl.concat([part[column] for part in parts]).unique().sort()
        table = pl.DataFrame({column: ids, "_number": np.arange(len(ids))})
        parts = [
            part.join(table, on=column, how="left", maintain_order="left").drop(column).rename({"_number": column})
            for part in parts
        ]
    if tags is not None:  # the table in hand is that of items
        tags = tags.join(table, on="item").select(item="_number", tag="tag").sort("item", "tag")
    train, validation, test = (part.select(COLUMNS).sort("time", maintain_order=True) for part in parts)
    return Parts(train=train, validation=validation, test=test, dated=dated, words=words, tags=tags)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parent / "data")
    for name, read in SETS.items():
        parts = read(parser.parse_args().data)
        sizes = f"{parts.users} users, {parts.items} items"
        print(f"{name}: {sizes}; {parts.train.height} + {parts.validation.height} + {parts.test.height} events")


if __name__ == "__main__":
    main()
