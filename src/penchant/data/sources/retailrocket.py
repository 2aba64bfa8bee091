# SPDX-License-Identifier: Apache-2.0
"""RetailRocket (Kaggle): views, carts and purchases of a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import ID, PURCHASE, VIEW, models
from penchant.data.sources.source import PublicSource
from penchant.data.sources.tables import csv, first_of_each, merged, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_EVENTS = "events.csv"
_PROPERTIES = ("item_properties_part1.csv", "item_properties_part2.csv")
_TREE = "category_tree.csv"


def convert(raw: Raw, out: Path) -> Run:
    """From Kaggle's tables. Of the properties, the category as it was first told; the others are hashed words."""
    events, tree, *properties = raw.need(_EVENTS, _TREE, *_PROPERTIES)
    numbers = dict.fromkeys(("timestamp", "visitorid", "itemid"), pl.Int64)
    rows = csv(events, {**numbers, "event": pl.String}).rename(
        {"timestamp": "time", "visitorid": "user_id", "itemid": "item_id", "event": "type"}
    )
    write(rows, out / "events.parquet")
    told = merged(properties, {"timestamp": pl.Int64, **dict.fromkeys(("itemid", "property", "value"), pl.String)})
    category = (
        told.filter(pl.col("property") == "categoryid")
        .sort("timestamp", maintain_order=True)
        .select(pl.col("itemid").cast(pl.Int64).alias("item_id"), pl.col("value").alias("category"))
    )
    parents = csv(tree, dict.fromkeys(("categoryid", "parentid"), pl.String))
    parents = parents.rename({"categoryid": "category", "parentid": "department"})
    items = first_of_each(category, "item_id").join(parents, on="category", how="left", maintain_order="left")
    write(items, out / "items.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "time_unit": "ms", "type": "type",
                "types": {
                    "view": VIEW, "addtocart": {"meaning": "cart", "strength": 0.5}, "transaction": PURCHASE,
                },
            },
            "items": {"path": "items.parquet", "columns": {"category": ID, "department": ID}},
            "checks": {"min_user_events": 3, "min_item_events": 3},
        },
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="RetailRocket",
    licence="CC BY-NC-SA 4.0",
    citation=(
        "Roman Zykov, Artem Noskov and Alexander Anokhin. 2022. Retailrocket recommender system dataset. Kaggle"
    ),
    size="1,407,580 visitors, 235,061 products with events, 2,756,101 events in four and a half months",
    holds=(
        "Views, carts and purchases with milliseconds; products with category and department. Left out: the other "
        "properties, which are hashed"
    ),
    page="https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset",
    convert=convert,
    by_hand=f"{_EVENTS}, {_TREE}, {' and '.join(_PROPERTIES)} (or the zip file that has them)",
    must_accept=True,
)
