# SPDX-License-Identifier: Apache-2.0
"""Files as people have them: each is read, or refused in words that name the file and the way out."""

import tomllib

import numpy as np
import polars as pl
import pytest

from penchant.data import source
from penchant.data.drafting import write_run_file
from penchant.data.ingest import DataConfig, ingest
from penchant.data.inspect import guess
from penchant.errors import DataError
from penchant.registry import read_config

CSV = 'name = "x"\n[events]\npath = "e.csv"\n'
ITEMS = CSV + '[items]\npath = "{}"\ncolumns = {{ t = {{ kind = "text" }} }}\n'
BIG = "x" * 50_000_000


def run(folder, text=CSV, **files):
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ingest(read_config(DataConfig, tomllib.loads(text), "run.toml [data]"), folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user_id,item_id,user_id\n1,2,3\n", r"e\.csv has two columns 'user_id', .* Rename one of them"),
        (
            "user_id,item_id\n1,2\n".encode("utf-16"),
            r"e\.csv is UTF-16, .* iconv -f utf-16 -t utf-8 e\.csv > new\.csv",
        ),
        (
            "user_id,item_id\n1,é\n".encode() + "2,é\n".encode("latin1"),
            r"e\.csv: line 3 is not UTF-8\. Convert the file",
        ),
        (
            b"user_id,item_id\r1,2\r",
            r"e\.csv: lines end with a carriage return alone\. Convert them: tr '\\r' '\\n'",
        ),
        ("user_id;item_id\n1;2\n", r"no column 'user_id', .*did you mean 'user_id;item_id'"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        run(tmp_path, e_csv=content)


def test_a_column_that_stands_there_twice_hurts_only_who_names_it(tmp_path):
    assert run(tmp_path, e_csv="user_id,item_id,x,x\n1,2,3,4\n").dataset.events.height == 1


def test_a_byte_order_mark_and_windows_line_ends(tmp_path):
    assert run(tmp_path, e_csv=b"\xef\xbb\xbfuser_id,item_id\r\n1,2\r\n").dataset.events["item_id"].to_list() == [
        2
    ]
    lines = b'\xef\xbb\xbf{"user_id": 1, "item_id": 2}\r\n{"user_id": 3, "item_id": 4}\r\n'
    made = run(tmp_path, CSV.replace("csv", "jsonl"), e_jsonl=lines)
    assert made.dataset.events["item_id"].to_list() == [2, 4]


@pytest.mark.parametrize("table", ["events", "items", "users", "reviews", "social"])
def test_a_folder_where_a_file_is_meant(tmp_path, table):
    (tmp_path / "d.parquet").mkdir()
    text = CSV.replace("e.csv", "d.parquet") if table == "events" else f'{CSV}[{table}]\npath = "d.parquet"\n'
    with pytest.raises(
        DataError, match=r"d\.parquet is a folder, where a file is meant: name a file, or a pattern"
    ):
        run(tmp_path, text, e_csv="user_id,item_id\n1,2\n")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_ten_thousand_columns(tmp_path, ending):
    names = ["user_id", "item_id", *(f"c{i}" for i in range(9_998))]
    table = pl.DataFrame({name: [1, 2] for name in names})
    path = tmp_path / f"e.{ending}"
    table.write_csv(path) if ending == "csv" else table.write_parquet(path)
    assert run(tmp_path, CSV.replace("csv", ending)).dataset.events.height == 2
    found = guess([path], [path])
    assert sum("one of more than 300 columns: left out" in line for line in found.reasons()) > 9_000
    assert len(write_run_file(found, tmp_path)) > 1000


@pytest.mark.parametrize("large", [False, True])
def test_a_text_of_fifty_megabytes(tmp_path, monkeypatch, large):
    if large:
        monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    made = run(
        tmp_path, ITEMS.format("i.csv"), e_csv="user_id,item_id\n1,4\n", i_csv=f'item_id,t\n4,"{BIG}"\n,"{BIG}"\n'
    )
    assert made.dataset.items["t"].str.len_bytes().to_list() == [len(BIG)]
    assert made.quarantine["row_json"].str.len_bytes()[0] < 20_000
    lines = f'{{"item_id": 4, "t": "{BIG}"}}\n'
    made = run(tmp_path, ITEMS.format("i.jsonl"), e_csv="user_id,item_id\n1,4\n", i_jsonl=lines)
    assert made.dataset.items["t"].str.len_bytes().to_list() == [len(BIG)]


def test_a_broken_file_with_a_text_of_megabytes(tmp_path):
    with pytest.raises(DataError, match=r"e\.csv cannot be read"):
        run(tmp_path, e_csv=f"user_id,item_id\n1,{BIG[:2_000_000]}\n3,4,5\n")


def test_an_id_of_megabytes_falls(tmp_path):
    made = run(tmp_path, e_csv=f"user_id,item_id\n1,{BIG[:2_000_000]}\n3,4\n")
    assert made.dataset.events["item_id"].to_list() == [4]
    assert made.quarantine["reason"][0].startswith("column 'item_id': the id is longer than 1024 bytes")


def test_ids_of_every_writing_come_back(tmp_path):
    ids = ["a/b", "../c", "猫", "🐈", "a b", "O'Neil", '"q"', "0", "-", "é"]
    pl.DataFrame({"user_id": ids, "item_id": ids[::-1]}).write_csv(tmp_path / "e.csv")
    made = run(tmp_path)
    assert made.dataset.events["user_id"].to_list() == ids
    assert made.dataset.events["item_id"].to_list() == ids[::-1]


def test_ids_of_2_to_the_63_stay_text(tmp_path):
    made = run(tmp_path, e_csv="user_id,item_id\n9223372036854775808,1\n1,2\n")
    assert made.dataset.events["user_id"].to_list() == ["9223372036854775808", "1"]


def test_parquet_that_is_damaged_in_the_middle(tmp_path, monkeypatch):
    table = pl.DataFrame({"user_id": range(20_000), "item_id": range(20_000)})
    table.write_parquet(tmp_path / "e.parquet", row_group_size=1000, compression="zstd")
    whole = bytearray((tmp_path / "e.parquet").read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 4000] = b"\x00" * 4000
    (tmp_path / "e.parquet").write_bytes(bytes(whole))
    for most in (None, 0):
        if most is not None:
            monkeypatch.setattr(source, "IN_MEMORY_BYTES", most)
        with pytest.raises(DataError, match=r"e\.parquet is not a whole Parquet file"):
            run(tmp_path, CSV.replace("csv", "parquet"))


def test_parquet_that_is_damaged_where_checks_do_not_look(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    chance = np.random.default_rng(0)
    types = [chance.bytes(8).hex() for _ in range(20_000)]
    table = {"user_id": range(20_000), "item_id": [1] * 20_000, "at": chance.permutation(20_000), "kind": types}
    pl.DataFrame(table).write_parquet(tmp_path / "e.parquet", compression="uncompressed", statistics=False)
    whole = (tmp_path / "e.parquet").read_bytes()
    at = whole.index(types[10_000].encode()) - 4
    (tmp_path / "e.parquet").write_bytes(whole[:at] + b"\xff" * 60 + whole[at + 60 :])
    text = CSV.replace("csv", "parquet") + 'time = "at"\ntime_unit = "s"\ntype = "kind"\n'
    with pytest.raises(DataError, match=r"e\.parquet is not a whole Parquet file"):
        ingest(read_config(DataConfig, tomllib.loads(text), "x"), tmp_path, most=1000)


def test_a_query_that_fails_names_the_table(tmp_path):
    pl.DataFrame({"user_id": [b"\xff"], "item_id": [1]}).write_parquet(tmp_path / "e.parquet")
    with pytest.raises(DataError, match=r"e\.parquet \(events\) cannot be used as the run file says"):
        run(tmp_path, CSV.replace("csv", "parquet"))


def test_large_text_is_taken_apart_once(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "IN_MEMORY_BYTES", 0)
    made = run(tmp_path, e_csv='user_id,item_id\n007,"a\nb"\n8,c\n,d\n')
    assert made.dataset.events["user_id"].to_list() == ["007", "8"]
    assert made.dataset.events["item_id"].to_list() == ["a\nb", "c"]
    assert made.quarantine["row"].to_list() == [3]
