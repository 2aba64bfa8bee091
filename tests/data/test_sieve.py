# SPDX-License-Identifier: Apache-2.0
"""Rows in = rows kept + rows in quarantine."""

import json

import polars as pl
import pytest

from penchant.data.checks import AT, QUARANTINE
from penchant.data.sieve import MAX_ID_BYTES, Sieve, id_checks
from penchant.data.source import read_table
from penchant.errors import DataError


def sieve_of(folder, users):
    """Users of two files, the first two in one."""
    for name, some in (("a", users[:2]), ("b", users[2:])):
        pl.DataFrame({"who": some}, schema={"who": pl.String}).write_parquet(folder / f"{name}.parquet")
    files = [folder / f"{name}.parquet" for name in "ab"]
    sieve = Sieve(read_table("events", files, {"who": "[data.events] user_id"}))
    return sieve, sieve.source.numbered().rename({"who": "user_id"})


def sift(sieve, rows):
    left, counted = sieve.sift(rows, id_checks("user_id", "who", pl.String()))
    return rows if left is None else rows.filter(left), counted


def test_ids_empty_or_too_long_fall(tmp_path):
    sieve, rows = sieve_of(tmp_path, ["a", " ", None, "é" * 512, "é" * 513])
    kept, counted = sift(sieve, rows)
    assert kept.collect()[AT].to_list() == [0, 3]
    assert counted == {"kept": 2}
    quarantine = sieve.quarantine().collect()
    assert dict(quarantine.schema) == QUARANTINE
    places = [(file[-9:], row) for file, row in quarantine.select("file", "row").rows()]
    assert places == [("a.parquet", 2), ("b.parquet", 1), ("b.parquet", 3)]
    assert quarantine["reason"][2] == f"column 'who': the id is longer than {MAX_ID_BYTES} bytes ('{'é' * 60}')"
    assert quarantine["row_json"].to_list()[:2] == ['{"who":" "}', '{"who":null}']
    report = sieve.report(2)
    assert report["refused"]["user_id_empty"]["count"] == 2
    assert report["refused"]["user_id_empty"]["row"] == 2
    assert report["quarantined"] == 3


def test_nothing_falls_of_clean_rows(tmp_path):
    sieve, rows = sieve_of(tmp_path, ["a", "b", "c"])
    left, _ = sieve.sift(rows, id_checks("user_id", "who", pl.String()))
    assert left is None
    assert sieve.sift(rows, [])[0] is None
    assert dict(sieve.quarantine().collect_schema()) == QUARANTINE
    assert sieve.quarantine().collect().is_empty()
    sieve.limit(0.0)


def test_conditions_are_counted_over_the_rows_that_are_left(tmp_path):
    sieve, rows = sieve_of(tmp_path, ["a", "", "a", "b"])
    _, counted = sieve.sift(rows, id_checks("user_id", "who", pl.String()), {"a": pl.col("user_id") == "a"})
    assert counted == {"kept": 3, "a": 2}


def test_what_rules_refuse_is_remembered_with_their_words(tmp_path):
    sieve, rows = sieve_of(tmp_path, ["a", "", "c", "d"])
    sift(sieve, rows)
    sieve.fall("bots", pl.DataFrame({AT: [3, 2], "reason": ["a bot", "another"]}))
    sieve.fall("none", pl.DataFrame(schema={AT: pl.Int64, "reason": pl.String}))
    assert sieve.quarantine().collect()["reason"].to_list() == [
        "column 'who': the id is empty ('')",
        "another",
        "a bot",
    ]
    assert sieve.quarantine().collect()["rule"].to_list() == ["user_id_empty", "bots", "bots"]
    assert sieve.report(1)["refused"].keys() == {"user_id_empty", "bots"}
    assert sieve.report(1)["refused"]["bots"]["reason"] == "another"
    assert sieve.summary() == "1 rows: column 'who': the id is empty (''); 2 rows: another"


def test_lost_rows_are_noticed(tmp_path):
    sieve, _ = sieve_of(tmp_path, ["a", "b", "c"])
    with pytest.raises(DataError, match=r"3 rows came in, but 2 were kept, 0 refused"):
        sieve.report(2)


def test_the_limit_is_inclusive(tmp_path):
    sieve, rows = sieve_of(tmp_path, ["a", "", "", "b"])
    sift(sieve, rows)
    sieve.limit(0.5)
    with pytest.raises(
        DataError, match=r"2 of 4 rows of events cannot be used\. First: .*a\.parquet, row 2: column 'who'"
    ):
        sieve.limit(0.49)


def test_every_type_of_cell_can_be_shown(tmp_path):
    table = pl.DataFrame(
        {
            "who": [None],
            "photo": [b"\xff\xd8" * 9],
            "photos": [[b"\xff"]],
            "text": ["x" * 20_000],
            "price": pl.Series(["1.50"]).cast(pl.Decimal(10, 2)),
            "at": pl.Series([0]).cast(pl.Datetime("us")),
            "tags": [["a", "b"]],
            "kind": pl.Series(["c"], dtype=pl.Categorical),
            "share": [float("nan")],
        },
        schema_overrides={"who": pl.Int64},
    )
    table.write_parquet(tmp_path / "e.parquet")
    sieve = Sieve(read_table("events", [tmp_path / "e.parquet"], dict.fromkeys(table.columns, "x")))
    sieve.sift(sieve.source.numbered().rename({"who": "user_id"}), id_checks("user_id", "who", pl.Int64()))
    row = json.loads(sieve.quarantine().collect()["row_json"][0])
    assert row["photo"] == "<18 bytes>"
    assert row["photos"] == "List(Binary)"
    assert len(row["text"]) == 10_000
    assert (row["price"], row["tags"], row["kind"]) == ("1.50", ["a", "b"], "c")
    assert row["at"].startswith("1970-01-01")
