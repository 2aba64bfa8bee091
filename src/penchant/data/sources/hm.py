# SPDX-License-Identifier: Apache-2.0
"""H&M Personalized Fashion Recommendations (Kaggle): purchases of clothes, with words for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, IMAGE, NUMBER, PURCHASE, TEXT, models
from penchant.data.sources.source import PublicSource
from penchant.data.sources.tables import csv, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_FILES = ("transactions_train.csv", "articles.csv", "customers.csv")
_ARTICLE = (
    "product_type_name", "product_group_name", "graphical_appearance_name", "colour_group_name",
    "perceived_colour_master_name", "department_name", "index_name", "section_name", "garment_group_name",
)  # fmt: skip
_CUSTOMER = ("club_member_status", "fashion_news_frequency")


def convert(raw: Raw, out: Path) -> Run:
    """From Kaggle's tables. Pictures stay where they are: `image` is a path, looked for beside the items."""
    sales, articles, customers = raw.need(*_FILES)
    columns = ("t_dat", "customer_id", "article_id", "price", "sales_channel_id")
    rows = csv(sales, dict.fromkeys(columns, pl.String)).select(
        pl.col("customer_id").alias("user_id"),
        pl.col("article_id").alias("item_id"),
        pl.col("t_dat").str.to_datetime("%Y-%m-%d", time_unit="us", strict=False).alias("time"),
        pl.col("price").cast(pl.Float64, strict=False).alias("amount"),
        pl.col("sales_channel_id").alias("channel"),
    )
    write(rows, out / "events.parquet")
    items = csv(articles, dict.fromkeys(("article_id", "prod_name", "detail_desc", *_ARTICLE), pl.String))
    number = pl.col("article_id")
    picture = pl.format("images/{}/{}.jpg", number.str.slice(0, 3), number).alias("image")
    write(items.with_columns(picture).rename({"article_id": "item_id"}), out / "items.parquet")
    people = csv(customers, {"customer_id": pl.String, "age": pl.Float64, **dict.fromkeys(_CUSTOMER, pl.String)})
    write(people.rename({"customer_id": "user_id"}), out / "users.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "default_type": "purchase", "amount": "amount",
                "context": {"channel": CATEGORY},
                "types": {"purchase": PURCHASE},
            },
            "items": {
                "path": "items.parquet", "title": "prod_name",
                "columns": {**dict.fromkeys(_ARTICLE, CATEGORY), "detail_desc": TEXT, "image": IMAGE},
            },
            "users": {"path": "users.parquet", "columns": {"age": NUMBER, **dict.fromkeys(_CUSTOMER, CATEGORY)}},
        },
        "evaluate": {"repeats": True},
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="H&M Personalized Fashion Recommendations",
    licence="Rules of the Kaggle competition: for it and for research; not commercial, no redistribution",
    citation=(
        "Carlos Garcia Ling, ElizabethHMGroup, FridaRim and others. 2022. H&M Personalized Fashion "
        "Recommendations. Kaggle. https://kaggle.com/competitions/h-and-m-personalized-fashion-recommendations"
    ),
    size="1,371,980 customers, 105,542 articles, 31,788,324 purchases, September 2018 to September 2020",
    holds=(
        "Purchases with day, price and channel; articles with words, colours, kinds, and the path of a picture "
        "(put the folder images beside the tables to use it); customers with age and membership"
    ),
    page="https://www.kaggle.com/competitions/h-and-m-personalized-fashion-recommendations/data",
    convert=convert,
    by_hand=f"{', '.join(_FILES)} (or the zip file that has them)",
    must_accept=True,
)
