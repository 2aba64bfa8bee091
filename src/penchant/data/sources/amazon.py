# SPDX-License-Identifier: Apache-2.0
"""Amazon Reviews 2023, by category: ratings, review texts, products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, ID, IMAGE, NUMBER, RATING, TAGS, TEXT, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import first_of_each, json_lines, write

if TYPE_CHECKING:
    from pathlib import Path

    from polars._typing import PolarsDataType

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

CATEGORIES = (
    "All_Beauty", "Amazon_Fashion", "Appliances", "Arts_Crafts_and_Sewing", "Automotive", "Baby_Products",
    "Beauty_and_Personal_Care", "Books", "CDs_and_Vinyl", "Cell_Phones_and_Accessories",
    "Clothing_Shoes_and_Jewelry", "Digital_Music", "Electronics", "Gift_Cards", "Grocery_and_Gourmet_Food",
    "Handmade_Products", "Health_and_Household", "Health_and_Personal_Care", "Home_and_Kitchen",
    "Industrial_and_Scientific", "Kindle_Store", "Magazine_Subscriptions", "Movies_and_TV", "Musical_Instruments",
    "Office_Products", "Patio_Lawn_and_Garden", "Pet_Supplies", "Software", "Sports_and_Outdoors",
    "Subscription_Boxes", "Tools_and_Home_Improvement", "Toys_and_Games", "Unknown", "Video_Games",
)  # fmt: skip

_REVIEW = {
    "user_id": pl.String,
    "parent_asin": pl.String,
    "timestamp": pl.Int64,
    "rating": pl.Float64,
    "title": pl.String,
    "text": pl.String,
}
_PRODUCT: dict[str, PolarsDataType] = {
    "parent_asin": pl.String,
    "title": pl.String,
    "main_category": pl.String,
    "categories": pl.List(pl.String),
    "store": pl.String,
    "price": pl.String,
    "features": pl.List(pl.String),
    "description": pl.List(pl.String),
    "images": pl.List(pl.Struct({"large": pl.String})),
}


def convert(raw: Raw, out: Path) -> Run:
    """Two files of JSON lines. Average stars and their number are left out: they hold the future."""
    reviews, products = raw.need(f"{raw.variant}.jsonl", f"meta_{raw.variant}.jsonl")
    keys = ("user_id", pl.col("parent_asin").alias("item_id"), pl.col("timestamp").alias("time"))
    rows = json_lines(reviews, _REVIEW)
    write(rows.select(*keys, pl.col("rating").alias("value")), out / "events.parquet")
    words = pl.concat_str("title", "text", separator="\n", ignore_nulls=True)
    write(rows.select(*keys, words.alias("text"), "rating"), out / "reviews.parquet")
    items = json_lines(products, _PRODUCT).select(
        pl.col("parent_asin").alias("item_id"),
        "title",
        "main_category",
        "categories",
        "store",
        pl.col("price").str.extract(r"(\d[\d,]*\.?\d*)").str.replace_all(",", "").cast(pl.Float64).alias("price"),
        pl.col("features").list.concat("description").list.join("\n").alias("text"),
        pl.col("images").list.first().struct.field("large").alias("image"),
    )
    write(first_of_each(items, "item_id"), out / "items.parquet")
    time = {"time": "time", "time_unit": "ms"}
    columns = {
        "main_category": CATEGORY, "categories": TAGS, "store": ID, "price": NUMBER, "text": TEXT, "image": IMAGE,
    }  # fmt: skip
    return {
        "data": {
            "events": {
                "path": "events.parquet", **time, "value": "value", "default_type": "rating",
                "types": {"rating": RATING},
            },
            "reviews": {"path": "reviews.parquet", **time, "text": "text", "rating": "rating"},
            "items": {"path": "items.parquet", "title": "title", "columns": columns},
            "checks": {"min_user_events": 5, "min_item_events": 5},
        },
        **models(many_items=True),
    }  # fmt: skip


_ADDRESS = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw"

SOURCE = PublicSource(
    title="Amazon Reviews 2023",
    licence=(
        "The publisher names no licence: for research; the texts and pictures belong to those who made them and "
        "to Amazon"
    ),
    citation=(
        "Yupeng Hou, Jiacheng Li, Zhankui He, An Yan, Xiusi Chen and Julian McAuley. 2024. Bridging Language and "
        "Items for Retrieval and Recommendation. arXiv:2403.03952"
    ),
    size=(
        "in all 54.5 million users, 48.2 million products, 571.5 million reviews; All_Beauty 632,000, 112,600 and "
        "701,500"
    ),
    holds=(
        "Stars and texts of reviews with their milliseconds; products (all variants of one as one item) with "
        "title, categories, store, price, features, description and the address of a picture. Left out: average "
        "stars and their number, helpful votes, which hold the future"
    ),
    page="https://amazon-reviews-2023.github.io/",
    convert=convert,
    by_hand="CATEGORY.jsonl.gz and meta_CATEGORY.jsonl.gz",
    downloads=(
        Download(url=f"{_ADDRESS}/review_categories/{{variant}}.jsonl.gz"),
        Download(url=f"{_ADDRESS}/meta_categories/meta_{{variant}}.jsonl.gz"),
    ),
    variants=CATEGORIES,
    variant="All_Beauty",
)
