# SPDX-License-Identifier: Apache-2.0
"""Online Retail: nothing is lost on the way to ingestion."""

import sys
from datetime import datetime

import polars as pl
import pytest
import xlsxwriter

from penchant.errors import DataError, MissingExtraError
from publisher import get, pack

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = (
    "536365,85123A, WHITE HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    "536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom\n"
    "C536379,85123A,damaged?,-1,2010-12-01 09:41:00,2.55,17850.0,United Kingdom\n"
)


def check(made):
    assert made.events["type"].to_list() == ["purchase", "purchase", "return"]
    assert made.events["user_id"].to_list() == ["17850", None, "17850"]
    assert made.events["amount"].to_list() == pytest.approx([15.3, 0.0, -2.55])
    assert made.events["invoice"].to_list() == ["536365", "536414", "C536379"]
    assert made.events["time"][2] == datetime(2010, 12, 1, 9, 41)  # noqa: DTZ001
    assert made.items.rows() == [("85123A", "WHITE HEART")]


def test_csv(tmp_path):
    check(get("online-retail", tmp_path, {"online_retail.csv": HEAD + ROWS}))


def test_parquet(tmp_path):
    table = pl.read_csv((HEAD + ROWS).encode(), schema_overrides={"InvoiceNo": pl.String})
    table.write_parquet(tmp_path / "x.parquet")
    check(get("online-retail", tmp_path, {"online_retail.parquet": (tmp_path / "x.parquet").read_bytes()}))


def test_a_sheet_needs_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(MissingExtraError, match=r"penchant\[excel\]"):
        get("online-retail", tmp_path, {"Online Retail.xlsx": b""})


@pytest.mark.parametrize("content", [b"no sheet", pytest.param(None, id="a zip file")])
def test_a_sheet_that_is_none(tmp_path, content):
    sheet = content or pack(tmp_path / "x.xlsx", {"a": b"b"}).read_bytes()
    with pytest.raises(DataError, match=r"Online Retail\.xlsx cannot be read"):
        get("online-retail", tmp_path, {"Online Retail.xlsx": sheet})


def test_a_sheet_that_is_a_bomb(tmp_path):
    sheet = pack(tmp_path / "x.xlsx", {"xl/worksheets/sheet1.xml": b"0" * 10_000_000}).read_bytes()
    with pytest.raises(DataError, match=r"Online Retail\.xlsx would hold 10,000,000 bytes"):
        get("online-retail", tmp_path, {"Online Retail.xlsx": sheet})


def test_a_sheet(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
    sheet, date = book.add_worksheet(), book.add_format({"num_format": "m/d/yy h:mm"})
    for number, line in enumerate((HEAD + ROWS).splitlines()):
        for column, cell in enumerate(line.split(",")):
            if number and column == 4:
                sheet.write_datetime(number, column, datetime.fromisoformat(cell), date)
            elif number and cell and (column in (3, 5, 6) or (column == 0 and cell.isdecimal())):
                sheet.write_number(number, column, float(cell))
            elif cell:
                sheet.write_string(number, column, cell)
    book.close()
    packed = pack(tmp_path / "x.zip", {"Online Retail.xlsx": (tmp_path / "x.xlsx").read_bytes()}).read_bytes()
    check(get("online-retail", tmp_path, {"online+retail.zip": packed}))
