# SPDX-License-Identifier: Apache-2.0
"""Online Retail (UCI): the invoices of a British shop, as dirty as they came."""

from __future__ import annotations

import zipfile
from importlib import import_module
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.archives import MAX_RATIO
from penchant.data.sources.runfile import CATEGORY, NUMBER, PURCHASE, RETURN, TEXT, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import csv, first_of_each, write
from penchant.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_COLUMNS = (
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
)  # fmt: skip
_SHEET, _CSV, _PARQUET = "Online Retail.xlsx", "online_retail.csv", "online_retail.parquet"
_MAX_SHEET = 2**30


def convert(raw: Raw, out: Path) -> Run:
    """From the publisher's sheet, or the same table as CSV or Parquet. Every row stays: ingestion cleans."""
    rows = _rows(raw).select(
        pl.col("CustomerID").cast(pl.String).str.strip_suffix(".0").alias("user_id"),
        pl.col("StockCode").cast(pl.String).alias("item_id"),
        _time().alias("time"),
        pl.when(pl.col("Quantity").cast(pl.Float64, strict=False) < 0)
        .then(pl.lit("return"))
        .otherwise(pl.lit("purchase"))
        .alias("type"),
        pl.col("Quantity").cast(pl.Float64, strict=False).alias("quantity"),
        pl.col("UnitPrice").cast(pl.Float64, strict=False).alias("price"),
        pl.col("InvoiceNo").cast(pl.String).alias("invoice"),
        pl.col("Country").cast(pl.String).alias("country"),
        pl.col("Description").cast(pl.String).str.strip_chars().alias("description"),
    )
    paid = (pl.col("quantity") * pl.col("price")).alias("amount")
    write(rows.drop("description").with_columns(paid), out / "events.parquet")
    # The first words for a stock code; later ones are often notes of the staff ("damaged?").
    named = rows.select("item_id", "description").filter(pl.col("description").str.len_chars() > 0)
    write(first_of_each(named, "item_id"), out / "items.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "type": "type", "quantity": "quantity",
                "amount": "amount", "session": "invoice",
                "context": {"price": NUMBER, "country": CATEGORY},
                "types": {"purchase": PURCHASE, "return": RETURN},
            },
            "items": {"path": "items.parquet", "title": "description", "columns": {"description": TEXT}},
        },
        **models(),
    }  # fmt: skip


def _rows(raw: Raw) -> pl.LazyFrame:
    found = raw.find(_PARQUET, _CSV)
    if _PARQUET in found:
        return pl.scan_parquet(found[_PARQUET]).select(_COLUMNS)
    if _CSV in found:
        return csv(found[_CSV], dict.fromkeys(_COLUMNS, pl.String))
    return _sheet(raw.need(_SHEET)[0])


def _sheet(path: Path) -> pl.LazyFrame:
    """The table of an Excel sheet, which is a zip file and so may be a bomb."""
    try:
        fastexcel = import_module("fastexcel")
    except ImportError:
        raise MissingExtraError("Reading an Excel sheet", "excel") from None
    try:
        with zipfile.ZipFile(path) as parts:
            plain = sum(part.file_size for part in parts.infolist())
        if plain > min(_MAX_SHEET, MAX_RATIO * path.stat().st_size):
            raise DataError(f"{path.name} would hold {plain:,} bytes, which was not expected")
        return pl.read_excel(path, columns=list(_COLUMNS), schema_overrides={"InvoiceNo": pl.String}).lazy()
    except (zipfile.BadZipFile, fastexcel.FastExcelError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error


def _time() -> pl.Expr:
    """Text, or the dates of a sheet."""
    return pl.col("InvoiceDate").cast(pl.String).str.replace(r"\.\d+$", "").str.to_datetime(
        "%Y-%m-%d %H:%M:%S", time_unit="us", strict=False
    )  # fmt: skip


SOURCE = PublicSource(
    title="Online Retail (UCI)",
    licence="CC BY 4.0",
    citation="Daqing Chen. 2015. Online Retail. UCI Machine Learning Repository. https://doi.org/10.24432/C5BW33",
    size="4,372 customers, 4,070 products, 541,909 rows of invoices",
    holds=(
        "Purchases and returns with minute, quantity, price, amount, invoice and country; what products are "
        "called. A quarter of the rows has no customer: ingestion puts them aside"
    ),
    page="https://archive.ics.uci.edu/dataset/352/online+retail",
    convert=convert,
    by_hand=f"online+retail.zip, or the same table as {_CSV} (times as 2010-12-01 08:26:00) or {_PARQUET}",
    downloads=(Download(url="https://archive.ics.uci.edu/static/public/352/online+retail.zip"),),
)
