# SPDX-License-Identifier: Apache-2.0
"""Each kind of broken file gets its own sentence."""

import polars as pl
import pytest

from penchant.data.reading import columns_of, find_files
from penchant.data.source import read_table
from penchant.errors import DataError

KEYS = {"user": "[data.events] user_id", "item": "[data.events] item_id"}


def read(*files, **options):
    return read_table("events", list(files), KEYS, **options)


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    rows = read(put(tmp_path, "a.csv", b"\xef\xbb\xbfuser,item,more\r\n1,007,x\r\n2,8,y\r\n")).rows.collect()
    assert rows.rows() == [("1", "007"), ("2", "8")]


def test_other_separators(tmp_path):
    assert read(put(tmp_path, "a.tsv", "user\titem\n1\t2\n")).rows.collect().rows() == [("1", "2")]
    assert read(put(tmp_path, "a.csv", "user;item\n1;2\n"), separator=";").rows.collect().rows() == [("1", "2")]


def test_quotes_in_a_header(tmp_path):
    assert columns_of(put(tmp_path, "a.csv", '"the ""user""",item\n1,2\n')).names() == ['the "user"', "item"]


def test_places_name_file_and_row(tmp_path):
    source = read(put(tmp_path, "a.csv", "user,item\n1,1\n2,2\n"), put(tmp_path, "b.csv", "user,item\n3,3\n"))
    files, rows = source.places(pl.Series([0, 1, 2]))
    assert [name[-5:] for name in files] == ["a.csv", "a.csv", "b.csv"]
    assert rows.to_list() == [1, 2, 1]


def test_files_of_one_table_may_differ_in_width_and_type(tmp_path):
    frame = pl.DataFrame({"user": [1], "item": [2]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.cast({"user": pl.Int32, "item": pl.String}).write_parquet(tmp_path / "b.parquet")
    rows = read(tmp_path / "a.parquet", tmp_path / "b.parquet").rows.collect()
    assert rows.rows() == [(1, "2"), (1, "2")]


def test_files_that_do_not_fit_together(tmp_path):
    pl.DataFrame({"user": ["a"], "item": [[1]]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"user": ["a"], "item": ["x"]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="different types of one column"):
        read(tmp_path / "a.parquet", tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", "", "is empty"),
        ("e.csv", "user,item\n", "has no rows"),
        ("e.jsonl", "", "is empty"),
        (
            "e.csv",
            "usr,item\n1,2\n",
            r"no column 'user', which \[data.events\] user_id names \(did you mean 'usr'",
        ),
        ("e.csv", "user,item\n1,caf\xe9\n".encode("latin1"), "line 2 is not UTF-8.*iconv"),
        ("e.csv", "user,item\n1,2\n3,4,5\n", "row 2 has 3 cells, the header has 2"),
        ("e.csv", 'user,item\n1,"2\n3,4\n', r"e\.csv cannot be read"),
        ("e.jsonl", '{"user": 1, "item": 2}\n\n{"user": \n', "line 3 is not a JSON object"),
        ("e.jsonl", "[1, 2]\n", "line 1 is not a JSON object"),
        ("e.jsonl", '{"user": 1, "item": "caf\xe9"}\n'.encode("latin1"), "line 1 is not UTF-8"),
        ("e.parquet", b"PAR1 and then nothing", "is not a whole Parquet file"),
        ("e.xlsx", b"x", r"cannot tell what a \.xlsx file is; known: \.csv"),
        ("e", b"x", "what a nameless file is"),
    ],
)
def test_broken_files_are_named(tmp_path, name, content, message):
    path = put(tmp_path, name, content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_several_files_without_a_row(tmp_path):
    with pytest.raises(DataError, match="nor has any file beside it"):
        read(put(tmp_path, "a.csv", "user,item\n"), put(tmp_path, "b.csv", "user,item\n"))


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = put(tmp_path, "a.csv", "user,item\n1,2\n")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pl, "scan_csv", refuse)
    with pytest.raises(DataError, match=r"a\.csv cannot be read: Permission denied"):
        columns_of(path)


def test_find_files(tmp_path):
    for name in ("b-2.csv", "b-1.csv", "odd[1].csv"):
        put(tmp_path, name, "x")
    (tmp_path / "b-3.csv").mkdir()
    assert [path.name for path in find_files("b-*.csv", tmp_path)] == ["b-1.csv", "b-2.csv"]
    assert [path.name for path in find_files("odd[1].csv", tmp_path)] == ["odd[1].csv"]
    assert find_files(["b-2.csv", "b-1.csv"], tmp_path) == [tmp_path / "b-2.csv", tmp_path / "b-1.csv"]
    assert find_files(str(tmp_path / "b-1.csv"), tmp_path / "elsewhere") == [tmp_path / "b-1.csv"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("b-11.csv", r"no file .*b-11\.csv \(did you mean 'b-1\.csv'\?\)"),
        ("no/such.csv", r"no file .*such\.csv$"),
        ("c-*.csv", r"No file matches .*c-\*\.csv"),
        (".", "is a folder, where a file is meant"),
    ],
)
def test_files_that_are_not_there(tmp_path, path, message):
    put(tmp_path, "b-1.csv", "x")
    with pytest.raises(DataError, match=message):
        find_files(path, tmp_path)
