# SPDX-License-Identifier: Apache-2.0
"""The Yelp Open Dataset: stars, review texts, businesses, friends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, NUMBER, RATING, TAGS, TIME, models
from penchant.data.sources.source import PublicSource
from penchant.data.sources.tables import json_lines, word, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_FILES = tuple(f"yelp_academic_dataset_{table}.json" for table in ("review", "business", "user"))
_PACKED = "yelp_dataset.tar"


def convert(raw: Raw, out: Path) -> Run:
    """Files of JSON lines, or the archives they come in. Counts, averages and votes hold the future: left out."""
    if _FILES[0] not in (found := raw.find(*_FILES)):
        found = dict(zip(_FILES, raw.inside(_PACKED).need(*_FILES), strict=True))
    reviews, businesses, users = (found[name] for name in _FILES)
    fields = {"user_id": pl.String, "business_id": pl.String, "stars": pl.Float64, "text": pl.String}
    rows = json_lines(reviews, {**fields, "date": pl.String})
    when = pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).alias("time")
    keys = ("user_id", pl.col("business_id").alias("item_id"), when)
    write(rows.select(*keys, pl.col("stars").alias("value")), out / "events.parquet")
    write(rows.select(*keys, "text", pl.col("stars").alias("rating")), out / "reviews.parquet")
    names = ("business_id", "name", "city", "state", "categories")
    where = {"latitude": pl.Float64, "longitude": pl.Float64}
    places = json_lines(businesses, {**dict.fromkeys(names, pl.String), **where})
    tags = pl.col("categories").str.split(", ")
    write(places.rename({"business_id": "item_id"}).with_columns(tags), out / "items.parquet")
    people = json_lines(users, dict.fromkeys(("user_id", "yelping_since", "friends"), pl.String))
    write(people.select("user_id", pl.col("yelping_since").alias("since")), out / "users.parquet")
    friends = people.select("user_id", pl.col("friends").str.split(", ").alias("friend_id")).explode("friend_id")
    some = friends.with_columns(word("friend_id")).filter(pl.col("friend_id") != "None")
    write(some, out / "social.parquet")
    columns = {
        "categories": TAGS, "city": CATEGORY, "state": CATEGORY, "latitude": NUMBER, "longitude": NUMBER,
    }  # fmt: skip
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "value": "value", "default_type": "rating",
                "types": {"rating": RATING},
            },
            "reviews": {"path": "reviews.parquet", "time": "time", "text": "text", "rating": "rating"},
            "social": {"path": "social.parquet"},
            "items": {"path": "items.parquet", "title": "name", "columns": columns},
            "users": {"path": "users.parquet", "columns": {"since": TIME}},
            "checks": {"min_user_events": 5, "min_item_events": 5},
        },
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="Yelp Open Dataset",
    licence="Yelp Dataset Terms of Use: academic use only, no redistribution",
    citation="Yelp Inc. Yelp Open Dataset. https://business.yelp.com/data/resources/open-dataset/",
    size="about 2 million users, 150,000 businesses, 7 million reviews",
    holds=(
        "Stars and texts of reviews with their seconds; businesses with name, categories, city and place; who is "
        "whose friend. Left out: counts, averages and votes, which hold the future; tips; check-ins"
    ),
    page="https://business.yelp.com/data/resources/open-dataset/",
    convert=convert,
    by_hand="Yelp-JSON.zip, or yelp_dataset.tar, or the JSON files out of it",
    must_accept=True,
)
