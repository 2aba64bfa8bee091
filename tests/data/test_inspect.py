# SPDX-License-Identifier: Apache-2.0
"""Guesses on tables in the usual styles, and run files that ingest accepts."""

import tomllib
from datetime import UTC, datetime

import polars as pl
import pytest

from penchant.data.drafting import write_run_file
from penchant.data.ingest import DataConfig, ingest
from penchant.data.inspect import guess
from penchant.data.times import TimeUnit
from penchant.errors import DataError
from penchant.registry import read_config


def put(folder, name, table):
    frame = pl.DataFrame(table)
    path = folder / name
    frame.write_parquet(path) if name.endswith("parquet") else frame.write_csv(path)
    return path


def roles(found):
    return {role: guess.column for role, guess in found.events.roles.items()}


def taken(text, folder):
    return ingest(read_config(DataConfig, tomllib.loads(text)["data"], "run.toml [data]"), folder)


@pytest.mark.parametrize(
    ("table", "expected", "unit"),
    [
        (
            {"user_id": [1, 2], "item_id": [3, 4], "rating": [1, 5], "timestamp": [881250949, 881250950]},
            {"user": "user_id", "item": "item_id", "value": "rating", "time": "timestamp"},
            TimeUnit.SECONDS,
        ),
        (
            {
                "InvoiceNo": ["1", "2"],
                "StockCode": ["a", "b"],
                "Quantity": [6, -1],
                "InvoiceDate": ["2010-12-01 08:26:00"] * 2,
                "UnitPrice": [2.5, 1],
                "CustomerID": [17850.0, None],
            },
            {
                "user": "CustomerID",
                "item": "StockCode",
                "quantity": "Quantity",
                "session": "InvoiceNo",
                "time": "InvoiceDate",
            },
            TimeUnit.AUTO,
        ),
        (
            {"visitorid": [1], "itemid": [2], "event": ["view"], "timestamp": [1433221332117]},
            {"user": "visitorid", "item": "itemid", "type": "event", "time": "timestamp"},
            TimeUnit.MILLISECONDS,
        ),
        (
            {"userId": ["u"], "parent_asin": ["B0"], "position": [5]},
            {"user": "userId", "item": "parent_asin", "time": "position"},
            TimeUnit.ORDER,
        ),
        (
            {"user:token": ["u"], "business key": ["x"], "item of shop": ["y"], "seen": ["2020-01-01"]},
            {"user": "user:token", "item": "item of shop", "time": "seen"},
            TimeUnit.AUTO,
        ),
        ({"user": [1], "item": [2], "date": ["who knows"]}, {"user": "user", "item": "item"}, None),
        (
            {"uid": [1], "sku": [2], "day": [20101201], "date": [20101201]},
            {"user": "uid", "item": "sku", "time": "date"},
            TimeUnit.AUTO,
        ),
        (
            {"user": [1], "item": [2], "logged": [datetime(2020, 1, 1, tzinfo=UTC)]},
            {"user": "user", "item": "item", "time": "logged"},
            TimeUnit.AUTO,
        ),
    ],
)
def test_events_in_many_styles(tmp_path, table, expected, unit):
    found = guess([put(tmp_path, "e.parquet", table)])
    assert roles(found) == expected
    assert found.time_unit is unit


def test_what_you_say_goes(tmp_path):
    path = put(tmp_path, "e.csv", {"a": ["x"], "b": ["y"], "user": ["z"]})
    found = guess([path], overrides={"user": "b", "item": "a"})
    assert roles(found) == {"user": "b", "item": "a"}
    assert "events: user = b (you said so)" in found.reasons()
    assert found.reasons()[-1].startswith("events: no column holds times")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({}, r"cannot tell which column is the user; it has a, b\. Say it by --user-column"),
        ({"user": "a"}, "which column is the item.*--item-column"),
        ({"user": "c"}, r"e\.csv has no column 'c'"),
        ({"usr": "a"}, r"There is no role 'usr' \(did you mean 'user'"),
    ],
)
def test_what_cannot_be_told_is_asked_for(tmp_path, overrides, message):
    path = put(tmp_path, "e.csv", {"a": ["x"], "b": ["y"]})
    with pytest.raises(DataError, match=message):
        guess([path], overrides=overrides)


def test_the_only_column_that_can_be_the_item_is_it(tmp_path):
    rows = 300
    table = {
        "customer": [i % 7 for i in range(rows)],
        "ding": [f"d{i % 40}" for i in range(rows)],
        "mark": [i % 5 for i in range(rows)],
        "logged": [1_500_000_000 + i % 60 for i in range(rows)],
        "weight of it": [i / 7 for i in range(rows)],
    }
    found = guess([put(tmp_path, "e.csv", table)])
    assert roles(found) == {"user": "customer", "item": "ding"}
    assert found.events.roles["item"].reason == "the only column left whose many values come again"
    two = guess(
        [put(tmp_path, "f.csv", table)], overrides={"item": "mark", "time": "logged", "value": "weight of it"}
    )
    assert roles(two) == {"user": "customer", "item": "mark", "time": "logged", "value": "weight of it"}
    with pytest.raises(DataError, match="--item-column"):
        guess([put(tmp_path, "g.csv", {**table, "dong": table["ding"]})])


def test_the_run_file_is_accepted_whatever_the_columns_are_called(tmp_path):
    names = ("the user", 'item."x"', "时间", "tab\there")
    events = put(
        tmp_path, "événements 1.csv", dict(zip(names, ([1, 2], [3, 4], ["2020-01-01"] * 2, [1, 2]), strict=True))
    )
    items = put(
        tmp_path,
        "films.csv",
        {'item."x"': range(60), "标题": [f"第{i}部电影的名字" for i in range(60)], "a.b c": ["x", "y"] * 30},
    )
    found = guess([events], [items], overrides={"item": 'item."x"', "time": "时间", "title": "标题"})
    made = taken(write_run_file(found, tmp_path), tmp_path)
    assert made.dataset.name == "événements-1"
    assert set(made.dataset.schema.items) == {"标题", "a.b c"}
    assert made.dataset.schema.title == "标题"
    assert made.dataset.items.height == 60


def test_tables_of_items_and_users(tmp_path):
    count = 60
    events = put(tmp_path, "e.csv", {"user": range(count), "film": range(count), "ts": [10**9] * count})
    items = put(
        tmp_path,
        "i.csv",
        {
            "id": range(count),
            "name": [f"Film number {i}" for i in range(count)],
            "genres": ["Drama|War", "War|Comedy|Drama"] * 30,
            "stock": range(7, count + 7),
        },
    )
    users = put(tmp_path, "u.csv", {"user": range(count), "zip": [f"0{i % 9}" for i in range(count)]})
    found = guess([events], [items], [users])
    text = write_run_file(found, tmp_path)
    made = taken(text, tmp_path)
    kinds = {name: column.kind.value for name, column in made.dataset.schema.items.items()}
    assert kinds == {"name": "text", "genres": "tags", "stock": "number"}
    assert made.dataset.schema.title == "name"
    assert made.dataset.schema.items["genres"].separator == "|"
    assert made.dataset.schema.users["zip"].kind.value == "category"
    assert "# genres: short words between '|', used again and again" in text
    assert "items: item = id (its name says id)" in found.reasons()
    assert "users: user = user (named as in the events)" in found.reasons()


def test_items_told_in_the_events_keep_only_what_belongs_to_them(tmp_path):
    table = {
        "customer": [f"c{i % 7}" for i in range(90)],
        "sku": [f"s{i % 30}" for i in range(90)],
        "colour": [("red", "blue")[i % 2] for i in range(90)],
        "basket": [f"b{i}" for i in range(90)],
    }
    path = put(tmp_path, "e.csv", table)
    found = guess([path], [path])
    assert {column.name: column.column is not None for column in found.items.columns} == {
        "customer": False,
        "colour": True,
        "basket": False,
    }
    assert "items: basket: left out (differs between rows of one item: left out)" in found.reasons()


def test_several_files_and_files_elsewhere(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "run").mkdir()
    paths = [put(tmp_path / "in", f"{n}.csv", {"user": [n], "item": [1]}) for n in (1, 2)]
    assert 'path = ["in/1.csv", "in/2.csv"]' in write_run_file(guess(paths), tmp_path)
    text = write_run_file(guess(paths), tmp_path / "run")
    assert taken(text, tmp_path / "run").dataset.events["user_id"].to_list() == [1, 2]


def test_an_items_table_without_a_key(tmp_path):
    events = put(tmp_path, "e.csv", {"user": [1], "item": [1]})
    items = put(tmp_path, "i.csv", {"colour": ["red"]})
    with pytest.raises(DataError, match=r"i\.csv: cannot tell which column is the item.*Name it 'item'"):
        guess([events], [items])
    with pytest.raises(DataError, match=r"e\.csv has no column 'nme'"):
        guess([events], [events], overrides={"title": "nme"})


def test_a_broken_file(tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes(b"user,item\n1,2,3\n")
    with pytest.raises(DataError, match="row 1 has 3 cells"):
        guess([path])
