# SPDX-License-Identifier: Apache-2.0
"""Invoices of a wholesaler as they are, with all that is wrong with them, come out right.

The rows are made up, in the form of UCI's Online Retail; the run file is the one in `runs/`.
"""

import os
import tomllib
from pathlib import Path

import polars as pl
import pytest

from penchant.data.config import DataConfig
from penchant.data.ingest import ingest
from penchant.errors import ConfigError
from penchant.registry import read_config

RUN = Path(__file__).parents[2] / "runs" / "online-retail.toml"

# invoice, code, description, quantity, when, price, customer, country -> what becomes of it
ROWS = [
    ("500001", "10001A", "RED MUG", 6, "2010-12-01 08:26:00", 2.5, 11.0, "France", None),
    ("500001", "10002", "BLUE MUG", 4, "2010-12-01 08:26:00", 1.0, 11.0, "France", None),
    ("500001", "10002", "BLUE MUG", 4, "2010-12-01 08:26:00", 1.0, 11.0, "France", "duplicate"),
    ("500001", "10001A", "RED MUG", 2, "2010-12-01 08:26:00", 2.5, 11.0, "France", "near_duplicates"),
    ("500001", "POST", "POSTAGE", 1, "2010-12-01 08:26:00", 18.0, 11.0, "France", "not_products"),
    ("500002", "m", "Manual", 1, "2010-12-02 09:00:00", 9.0, 12.0, "Spain", "not_products"),
    ("500002", "gift_0001_20", "VOUCHER", 1, "2010-12-02 09:00:00", 20.0, 12.0, "Spain", "not_products"),
    ("500002", "10003", "LAMP", 12, "2010-12-02 09:00:00", 3.0, 12.0, "Spain", "returns"),
    ("C500003", "10003", "LAMP", -12, "2010-12-02 09:10:00", 3.0, 12.0, "Spain", "returns"),
    ("500004", "10003", "LAMP", 12, "2010-12-03 10:00:00", 3.0, 12.0, "Spain", None),
    ("C500005", "10003", "LAMP", -2, "2010-12-04 10:00:00", 3.0, 12.0, "Spain", "returns"),
    ("C500006", "10001A", "RED MUG", -1, "2010-12-01 07:00:00", 2.5, 12.0, "Spain", "returns"),
    ("500007", "10002", "BLUE MUG", 1, "2010-12-05 10:00:00", 0.0, 12.0, "Spain", "impossible_amount"),
    ("500008", "10002", "damaged", -9, "2010-12-05 11:00:00", 0.0, None, "Spain", "user_id_empty"),
    ("500008", "10001A", "?", 3, "2010-12-05 11:00:00", 2.5, None, "Spain", "user_id_empty"),
    ("A500009", "B", "Adjust bad debt", 1, "2010-12-06 10:00:00", -99.0, None, "Spain", "user_id_empty"),
    ("500010", "10004", None, 1, "2010-12-07 10:00:00", 7.0, 13.0, "Spain", None),
    ("500010", "10002", "BLUE MUG", 3, "2010-12-07 10:00:00", 1.0, 13.0, "Malta", None),
    ("500011", "10002", "BLUE MUG", 5, "2010-12-07 10:01:30", 1.0, 13.0, "Malta", None),
]
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)


@pytest.fixture(scope="module")
def tables():
    return tomllib.loads(RUN.read_text(encoding="utf-8"))["data"]


@pytest.fixture(scope="module")
def made(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    (folder / "data" / "online-retail").mkdir(parents=True)
    rows = pl.DataFrame([row[:8] for row in ROWS], schema=COLUMNS, orient="row")
    rows.write_parquet(folder / "data" / "online-retail" / "online_retail.parquet")
    (folder / "runs").mkdir()
    return ingest(read_config(DataConfig, tables, "data"), folder / "runs")


def test_each_row_has_the_fate_that_it_should(made):
    wanted = {}
    for *_, fate in ROWS:
        if fate:
            wanted[fate] = wanted.get(fate, 0) + 1
    report = made.report["events"]
    assert {rule: one["count"] for rule, one in report["refused"].items()} == wanted
    assert (report["rows"], report["kept"]) == (len(ROWS), sum(fate is None for *_, fate in ROWS))
    fallen = made.quarantine.filter(pl.col("table") == "events")["row"].to_list()
    assert fallen == [n for n, (*_, fate) in enumerate(ROWS, 1) if fate]


def test_what_is_left_is_right(made):
    events = made.dataset.events
    left = [row for row in ROWS if row[-1] is None]
    assert events["item_id"].to_list() == [row[1] for row in left]
    assert events["user_id"].to_list() == [int(row[6]) for row in left]
    assert events["quantity"].to_list() == [row[3] for row in left], "what came back in part stays as it was"
    assert events["amount"].to_list() == [row[3] * row[5] for row in left]
    assert events["session"].to_list() == [row[0] for row in left]
    assert events["type"].unique().to_list() == ["purchase"]


def test_returns_tell_why(made):
    reasons = made.quarantine.filter(pl.col("reason").str.contains("return"))["reason"].to_list()
    assert reasons == [
        "the purchase was returned",
        "the return of an earlier purchase",
        "the return of an earlier purchase",
        "a return without an earlier purchase",
    ]
    assert made.report["events"]["refused"]["returns"]["reasons"] == {
        "the return of an earlier purchase": 2,
        "the purchase was returned": 1,
        "a return without an earlier purchase": 1,
    }


def test_lines_of_invoices_become_items_and_users(made):
    titles = dict(made.dataset.items.select("item_id", "Description").rows())
    assert titles["10001A"] == "RED MUG"
    assert titles["10002"] == "BLUE MUG"
    assert titles["10004"] is None
    assert made.dataset.items["item_id"].is_unique().all()
    assert dict(made.dataset.users.rows()) == {11: "France", 12: "Spain", 13: "Malta"}
    items = made.report["items"]
    assert (items["rows"], items["kept"], items["merged_into"]) == (19, 19, {"items": 8})
    assert made.report["users"]["kept"] == 16


@pytest.mark.parametrize("keys", [{"price": "p"}, {"price": "p", "quantity": "q", "amount": "a"}])
def test_a_price_needs_a_quantity_and_no_amount(keys):
    with pytest.raises(ConfigError, match=r"\[data.events\] price needs quantity"):
        read_config(DataConfig, {"name": "x", "events": {"path": "e.csv", **keys}}, "data")


def priced(tmp_path, text):
    (tmp_path / "e.csv").write_text("user_id,item_id,p,q\n" + text, encoding="utf-8")
    events = {"path": "e.csv", "price": "p", "quantity": "q"}
    rules = {"impossible_amount": {"zero": "keep"}}
    return ingest(
        read_config(DataConfig, {"name": "x", "events": events, "checks": {"rules": rules}}, "data"), tmp_path
    )


def test_an_empty_quantity_is_one_piece_and_an_empty_price_no_amount(tmp_path):
    made = priced(tmp_path, "a,x,2.5,\na,y,,3\nb,x,2,4\n")
    assert made.dataset.events["amount"].to_list() == [2.5, None, 8]
    assert made.dataset.events["quantity"].to_list() == [None, 3, 4]


def test_prices_and_quantities_that_are_no_numbers_fall_by_their_own_reason(tmp_path):
    made = priced(tmp_path, "a,x,dear,1\na,y,2,many\nb,x,2,4\nb,y,2,4\nc,y,2,4\n")
    assert [reason.split(":")[0] for reason in made.quarantine["reason"]] == ["column 'p'", "column 'q'"]


@pytest.mark.skipif(
    not (Path(os.environ.get("PENCHANT_DATA", "/nowhere")) / "online-retail" / "online_retail.parquet").exists(),
    reason="Online Retail is not here",
)
def test_the_real_invoices(tables):
    folder = Path(os.environ["PENCHANT_DATA"])
    moved = {**tables}
    for name in ("events", "items", "users"):
        moved[name] = {**tables[name], "path": str(folder / "online-retail" / "online_retail.parquet")}
    made = ingest(read_config(DataConfig, moved, "data"), folder)
    counts = {rule: one["count"] for rule, one in made.report["events"]["refused"].items()}
    assert counts["user_id_empty"] == 135_080
    assert made.report["events"]["rows"] == 541_909 == made.dataset.event_count + sum(counts.values())
    assert made.dataset.events["amount"].min() > 0
    assert made.dataset.events["quantity"].min() > 0
