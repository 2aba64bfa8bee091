# SPDX-License-Identifier: Apache-2.0
"""Rows as they stand in files, by position."""

import gc

import polars as pl
import pytest

from penchant.data import source
from penchant.data.source import Scratch, read_table


@pytest.fixture(params=["memory", "disk"])
def table(tmp_path, monkeypatch, request):
    if request.param == "disk":
        monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    files = []
    for number, rows in enumerate(([0, 1, 2], [], [3, 4])):
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame(
            {"a": rows, "b": [f"b{i}" for i in rows]}, schema={"a": pl.Int64, "b": pl.String}
        ).write_parquet(path)
        files.append(path)
    return read_table("events", files, {"b": "x", "a": "y"}, scratch=Scratch(tmp_path))


def test_rows_are_numbered_over_all_files(table):
    assert (table.height, table.starts) == (5, (0, 3, 3))
    rows = table.numbered().collect()
    assert rows.columns == ["_at", "b", "a"]
    assert rows.rows() == [(i, f"b{i}", i) for i in range(5)]
    assert rows.schema["_at"] == pl.Int64
    assert table.rows.collect()["a"].to_list() == list(range(5))


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 2), (2, 4), (3, 5), (4, 9)])
def test_a_stretch_of_rows(table, first, last):
    assert table.numbered(first, last).collect()["_at"].to_list() == list(range(first, min(last, 5)))


def test_a_sample_is_spread_over_all_rows(table):
    assert table.sample("a", 100).to_list() == [0, 1, 2, 3, 4]
    assert table.sample("a", 3).to_list() == [0, 2, 4]


def test_places(table):
    files, rows = table.places(pl.Series([4, 0, 3]))
    assert [file[-9:] for file in files] == ["2.parquet", "0.parquet", "2.parquet"]
    assert rows.to_list() == [2, 1, 1]


def test_a_scratch_folder_comes_late_and_goes_early(tmp_path):
    scratch = Scratch(tmp_path / "deep" / "er")
    assert not (tmp_path / "deep").exists()
    first, second = scratch.place("a.parquet"), scratch.place("a.parquet")
    assert first != second
    assert first.parent.parent == tmp_path / "deep" / "er"
    first.touch()
    del scratch
    gc.collect()
    assert not first.parent.exists()
    elsewhere = Scratch().place("x")
    assert tmp_path not in elsewhere.parents
