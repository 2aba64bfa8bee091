# SPDX-License-Identifier: Apache-2.0
"""Steam: reviews of games and what is known of the games."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources import pydict
from penchant.data.sources.runfile import CATEGORY, ID, NUMBER, TAGS, TIME, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import first_of_each, lines, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_LINE = pl.col("line")


def _text(key: str) -> pl.Expr:
    return pydict.text(pydict.value(_LINE, key))


def _day(key: str) -> pl.Expr:
    return _text(key).str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)


def convert(raw: Raw, out: Path) -> Run:
    """Two files of Python dictionaries. Hours and votes are left out: they were counted later than the reviews."""
    reviews, games = raw.need("steam_reviews.json", "steam_games.json")
    rows = lines(reviews).select(
        user_id=_text("username"),
        item_id=_text("product_id"),
        time=_day("date"),
        early_access=pydict.value(_LINE, "early_access"),
        text=_text("text"),
    )
    write(rows, out / "reviews.parquet")
    write(pl.scan_parquet(out / "reviews.parquet").drop("text"), out / "events.parquet")
    items = lines(games).select(
        item_id=_text("id"),
        title=pl.coalesce(_text("title"), _text("app_name")),
        developer=_text("developer"),
        publisher=_text("publisher"),
        genres=pydict.texts(pydict.value(_LINE, "genres")),
        specs=pydict.texts(pydict.value(_LINE, "specs")),
        price=pydict.number(pydict.value(_LINE, "price")),
        released=_day("release_date"),
    )
    write(first_of_each(items, "item_id"), out / "items.parquet")
    columns = {
        "developer": ID, "publisher": ID, "genres": TAGS, "specs": TAGS, "price": NUMBER, "released": TIME,
    }  # fmt: skip
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "default_type": "review",
                "context": {"early_access": CATEGORY},
                "types": {"review": {"meaning": "play"}},
            },
            "reviews": {"path": "reviews.parquet", "time": "time", "text": "text"},
            "items": {"path": "items.parquet", "title": "title", "columns": columns},
            "checks": {"min_user_events": 5, "min_item_events": 5},
        },
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="Steam reviews",
    licence="The publisher names no licence: for research; the texts belong to those who wrote them and to Valve",
    citation=(
        "Wang-Cheng Kang and Julian McAuley. 2018. Self-Attentive Sequential Recommendation. ICDM. Mengting Wan "
        "and Julian McAuley. 2018. Item Recommendation on Monotonic Behavior Chains. RecSys"
    ),
    size="2,567,538 users, 15,474 games (32,135 listed), 7,793,069 reviews, October 2010 to January 2018",
    holds=(
        "Reviews with day and text; games with developer, publisher, genres, specs, price when it was looked up, "
        "and release. Left out: hours and votes, which hold the future; tags"
    ),
    page="https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data",
    convert=convert,
    by_hand="steam_reviews.json.gz and steam_games.json.gz",
    downloads=(
        Download(url="https://mcauleylab.ucsd.edu/public_datasets/data/steam/steam_reviews.json.gz"),
        Download(url="https://mcauleylab.ucsd.edu/public_datasets/data/steam/steam_games.json.gz"),
    ),
)
