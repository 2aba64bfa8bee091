# SPDX-License-Identifier: Apache-2.0
"""MIND: impressions and clicks of a news page, with the words of the news."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, CLICK, IMPRESSION, TEXT, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import first_of_each, headless, write, write_deeds

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_BEHAVIOURS = dict.fromkeys(("impression", "user_id", "time", "history", "shown"), pl.String)
_NEWS = dict.fromkeys(("item_id", "category", "subcategory", "title", "abstract"), pl.String)
_BEGIN = pl.datetime(2019, 11, 9)
"""When the log begins; the histories lie before."""


def convert(raw: Raw, out: Path) -> Run:
    """From the archives of the training and the development part; the second becomes the test part.

    The clicks of a user's history have no times. They are put one second apart, just before the log begins.
    """
    parts = [raw.inside(f"MIND{raw.variant}_{part}.zip") for part in ("train", "dev")]
    logs = [headless(part.need("behaviors.tsv")[0], _BEHAVIOURS) for part in parts]
    news = pl.concat([headless(part.need("news.tsv")[0], _NEWS) for part in parts])
    write(first_of_each(news, "item_id"), out / "items.parquet")
    write_deeds(pl.concat([_before(pl.concat(logs)), _events(logs[0])]), out, "train")
    write_deeds(_events(logs[1]), out, "test")
    return {
        "data": {
            "events": {
                "train": "train.parquet", "test": "test.parquet", "time": "time", "type": "type",
                "session": "impression",
                "types": {"impression": IMPRESSION, "click": {**CLICK, "strength": 1.0}},
            },
            "items": {
                "path": "items.parquet", "title": "title",
                "columns": {"category": CATEGORY, "subcategory": CATEGORY, "title": TEXT, "abstract": TEXT},
            },
            "split": {"kind": "given"},
        },
        **models(many_items=True),
    }  # fmt: skip


def _events(log: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each piece of news that was shown: `N55689-1` was clicked, `N35729-0` was not."""
    when = pl.col("time").str.to_datetime("%m/%d/%Y %I:%M:%S %p", time_unit="us", strict=False)
    each = log.select("user_id", when, "impression", pl.col("shown").str.split(" ")).explode("shown")
    clicked = pl.when(pl.col("shown").str.ends_with("-1")).then(pl.lit("click")).otherwise(pl.lit("impression"))
    return each.select(
        "user_id", pl.col("shown").str.head(-2).alias("item_id"), "time", clicked.alias("type"), "impression"
    )


def _before(log: pl.LazyFrame) -> pl.LazyFrame:
    """The history of each user, as the first impression has it."""
    some = first_of_each(log.select("user_id", "history"), "user_id").filter(pl.col("history").str.len_chars() > 0)
    clicks = some.with_columns(pl.col("history").str.split(" "))
    places = clicks.with_columns(pl.int_ranges(pl.col("history").list.len(), 0, -1).alias("back"))
    each = places.explode("history", "back")
    when = (_BEGIN - pl.duration(seconds=pl.col("back"))).cast(pl.Datetime("us"))
    return each.select(
        "user_id",
        pl.col("history").alias("item_id"),
        when.alias("time"),
        pl.lit("click").alias("type"),
        pl.lit(None, pl.String).alias("impression"),
    )


SOURCE = PublicSource(
    title="MIND, Microsoft News Dataset",
    licence="Microsoft Research License Terms: research only, no redistribution",
    citation=(
        "Fangzhao Wu, Ying Qiao, Jiun-Hung Chen and others. 2020. MIND: A Large-scale Dataset for News "
        "Recommendation. ACL. https://msnews.github.io"
    ),
    size="small: 50,000 users in each part, 65,000 news; large: 1 million, 161,000, and 15 million impressions",
    holds=(
        "What was shown and what was clicked, with seconds; news with category, title and abstract. The clicks of "
        "the histories have no times: they are put just before the log begins. Left out: bodies and entities"
    ),
    page="https://msnews.github.io/",
    convert=convert,
    by_hand="MINDsmall_train.zip and MINDsmall_dev.zip (or large)",
    downloads=(
        Download(url="https://recodatasets.z20.web.core.windows.net/newsrec/MIND{variant}_train.zip"),
        Download(url="https://recodatasets.z20.web.core.windows.net/newsrec/MIND{variant}_dev.zip"),
    ),
    must_accept=True,
    variants=("small", "large"),
    variant="small",
)
