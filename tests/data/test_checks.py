# SPDX-License-Identifier: Apache-2.0
"""Rows in = rows kept + rows in quarantine."""

import polars as pl
import pytest

from penchant.data.checks import AT, MAX_ID_BYTES, QUARANTINE, ChecksConfig, Sieve, core_rule, id_rules
from penchant.data.reading import Source
from penchant.errors import DataError


def sieve_of(users):
    source = Source(table="events", rows=pl.DataFrame({"who": users}), files=("a.csv", "b.csv"), starts=(0, 2))
    rows = pl.DataFrame({AT: range(len(users)), "user_id": users}, schema_overrides={AT: pl.Int64})
    return Sieve(source), rows


def test_ids_empty_or_too_long_fall():
    sieve, rows = sieve_of(["a", " ", None, "é" * 512, "é" * 513])
    kept = sieve.sift(rows, id_rules("user_id", "who"))
    assert kept[AT].to_list() == [0, 3]
    quarantine = sieve.quarantine()
    assert dict(quarantine.schema) == QUARANTINE
    assert quarantine.select("file", "row").rows() == [("a.csv", 2), ("b.csv", 1), ("b.csv", 3)]
    assert quarantine["reason"][2] == f"column 'who': the id is longer than {MAX_ID_BYTES} bytes ('{'é' * 60}')"
    assert quarantine["row_json"].to_list()[:2] == ['{"who":" "}', '{"who":null}']
    report = sieve.report(kept.height)
    assert report["refused"]["user_id_empty"]["count"] == 2
    assert report["quarantined"] == 3


def test_nothing_falls_of_clean_rows():
    sieve, rows = sieve_of(["a", "b", "c"])
    assert sieve.sift(rows, id_rules("user_id", "who")).equals(rows)
    assert dict(sieve.quarantine().schema) == QUARANTINE
    assert sieve.quarantine().is_empty()
    sieve.limit(0.0)


def test_lost_rows_are_noticed():
    sieve, _ = sieve_of(["a", "b", "c"])
    with pytest.raises(DataError, match=r"3 rows came in, but 2 were kept, 0 refused"):
        sieve.report(2)


def test_the_limit_is_inclusive():
    sieve, rows = sieve_of(["a", "", "", "b"])
    sieve.sift(rows, id_rules("user_id", "who"))
    sieve.limit(0.5)
    with pytest.raises(
        DataError, match=r"2 of 4 rows of events cannot be used\. First: a\.csv, row 2: column 'who'"
    ):
        sieve.limit(0.49)


def test_the_core_is_found_in_rounds():
    # A chain: each round takes one end away, until nothing is left of it; the square stays.
    chain = [(f"u{i}", f"i{i + d}") for i in range(6) for d in (0, 1)][1:]
    square = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    events = pl.DataFrame(chain + square, schema=["user_id", "item_id"], orient="row").with_row_index(AT)
    rule = core_rule(events, ChecksConfig(min_user_events=2, min_item_events=2))
    kept = events.filter(~rule.broken)
    assert kept["user_id"].to_list() == ["a", "a", "b", "b"]
