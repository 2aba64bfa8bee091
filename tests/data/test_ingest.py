# SPDX-License-Identifier: Apache-2.0
"""From files to a data set: what goes in comes out clean, and bad files are refused in words."""

import tomllib
from datetime import UTC, datetime

import polars as pl
import pytest

from penchant.data.dataset import PART, Dataset
from penchant.data.ingest import DataConfig, ingest
from penchant.errors import ConfigError, DataError
from penchant.registry import read_config
from penchant.schema import EVENT_COLUMNS, IdType, Kind

NOW = datetime(2024, 1, 1, tzinfo=UTC)

EVENTS = """user,film,stars,seen
7,1,5,1000000300
8,2,4,1000000100
7,2,,1000000200
"""
ITEMS = """film,name,genres,year,picture
1,One,Drama| Comedy|,1999,p/1.jpg
3,Three,,unknown,
"""
USERS = """who,age
7,30
"""
RUN = """
name = "films"
[events]
path = "events.csv"
user_id = "user"
item_id = "film"
time = "seen"
value = "stars"
default_type = "rating"
[items]
path = "items.csv"
item_id = "film"
title = "name"
[items.columns]
genres = { kind = "tags", separator = "|" }
year = { kind = "number" }
picture = { kind = "image" }
[users]
path = "users.csv"
user_id = "who"
[users.columns]
age = { kind = "number" }
"""


def run(folder, text=RUN, **files):
    for name, content in {"events": EVENTS, "items": ITEMS, "users": USERS, **files}.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    return ingest(read_config(DataConfig, tomllib.loads(text), "run.toml [data]"), folder, now=NOW)


def only_events(extra="", **table):
    keys = "".join(f"{key} = {value!r}\n" for key, value in table.items())
    return f'name = "x"\n[events]\nuser_id = "user"\nitem_id = "film"\n{keys}{extra}'


def test_tables_come_out_in_canonical_columns(tmp_path):
    made = run(tmp_path)
    data = made.dataset
    assert data.events.columns == list(EVENT_COLUMNS)
    assert data.events["user_id"].to_list() == [8, 7, 7]
    assert data.events["item_id"].to_list() == [2, 2, 1]
    assert data.events["time"].to_list() == [1000000100_000000, 1000000200_000000, 1000000300_000000]
    assert data.events["value"].to_list() == [4.0, None, 5.0]
    assert data.events["type"].unique().to_list() == ["rating"]
    assert data.users.to_dicts() == [{"user_id": 7, "age": 30.0}]
    assert data.root == tmp_path.resolve()
    assert made.quarantine.is_empty()


def test_schema_says_what_the_tables_hold(tmp_path):
    schema = run(tmp_path).dataset.schema
    assert (schema.user_id, schema.item_id) == (IdType.INTEGER, IdType.INTEGER)
    assert {name: column.kind for name, column in schema.items.items()} == {
        "genres": Kind.TAGS,
        "year": Kind.NUMBER,
        "picture": Kind.IMAGE,
    }
    assert (schema.title, schema.image) == ("name", "picture")
    assert schema.has_value
    assert schema.has_time
    assert schema.event_types == ("rating",)


def test_every_item_of_events_has_a_row(tmp_path):
    made = run(tmp_path)
    rows = made.dataset.items.to_dicts()
    assert [row["item_id"] for row in rows] == [1, 3, 2]
    assert rows[0] == {
        "item_id": 1,
        "name": "One",
        "genres": ["Drama", "Comedy"],
        "year": 1999.0,
        "picture": "p/1.jpg",
    }
    assert rows[2] == {"item_id": 2, "name": None, "genres": None, "year": None, "picture": None}
    assert made.report["dataset"] == {
        "events": 3,
        "users": 2,
        "items": 2,
        "items_without_events": 1,
        "items_without_row": 1,
    }


def test_numbers_that_do_not_parse_become_null_and_are_counted(tmp_path):
    made = run(tmp_path)
    assert made.dataset.items["year"].to_list() == [1999.0, None, None]
    assert made.report["items"]["numbers_unread"] == {"year": {"count": 1, "example": "unknown"}}


def test_a_data_set_survives_saving(tmp_path):
    data = run(tmp_path).dataset
    data.save(tmp_path / "saved")
    again = Dataset.open(tmp_path / "saved")
    assert again.events.equals(data.events)
    assert again.items.equals(data.items)
    assert again.schema == data.schema


def test_ids_keep_their_leading_zeros(tmp_path):
    made = run(tmp_path, only_events(path="events.csv"), events="user,film\n007,1\n8,2\n")
    assert made.dataset.events["user_id"].to_list() == ["007", "8"]
    assert made.dataset.events["item_id"].to_list() == [1, 2]


def test_one_table_with_text_ids_makes_all_ids_text(tmp_path):
    made = run(tmp_path, items=ITEMS + "tt4,Four,,,\n")
    assert made.dataset.schema.item_id is IdType.STRING
    assert made.dataset.events["item_id"].to_list() == ["2", "2", "1"]
    assert made.dataset.items["item_id"].to_list() == ["1", "3", "tt4", "2"]


def test_without_time_the_order_of_the_file_is_the_order(tmp_path):
    made = run(tmp_path, only_events(path="events.csv"))
    assert made.dataset.events["time"].to_list() == [0, 1, 2]
    assert made.dataset.events["user_id"].to_list() == [7, 8, 7]
    assert not made.dataset.schema.has_time
    assert made.dataset.schema.event_types == ("event",)
    assert made.dataset.users.columns == ["user_id"]
    assert made.dataset.root is None


def test_a_position_column_orders_without_being_a_clock(tmp_path):
    text = only_events(path="events.csv", time="at", time_unit="order")
    made = run(tmp_path, text, events="user,film,at\n1,1,5\n1,2,-3\n1,3,x\n")
    assert made.dataset.events["item_id"].to_list() == [2, 1]
    assert made.dataset.events["time"].to_list() == [-3, 5]
    assert not made.dataset.schema.has_time
    assert made.quarantine["reason"].to_list() == ["column 'at': this is not a time ('x')"]


def test_ties_in_time_keep_the_order_of_files_and_rows(tmp_path):
    for number, films in (("2", "c,d"), ("1", "a,b")):
        rows = "".join(f"u,{film},2001-01-01\n" for film in films.split(","))
        (tmp_path / f"part-{number}.csv").write_text("user,film,at\n" + rows)
    made = run(tmp_path, only_events(path="part-*.csv", time="at"))
    assert made.dataset.events["item_id"].to_list() == ["a", "b", "c", "d"]


def test_types_come_from_their_column_or_the_default(tmp_path):
    text = only_events(path="events.csv", type="what", default_type="view")
    made = run(tmp_path, text, events="user,film,what\n1,1,buy\n1,2,\n1,3,cart\n")
    assert made.dataset.events["type"].to_list() == ["buy", "view", "cart"]
    assert made.dataset.schema.event_types == ("buy", "cart", "view")


def test_a_ready_split_keeps_its_parts(tmp_path):
    for name, rows in (("a", "1,1,300\n1,2,100"), ("b", "1,3,200"), ("c", "1,4,100\n1,2,100")):
        (tmp_path / f"{name}.csv").write_text("user,film,at\n" + rows + "\n")
    text = only_events(train="a.csv", validation="b.csv", test="c.csv", time="at", time_unit="s")
    events = run(tmp_path, text).dataset.events
    assert events["item_id"].to_list() == [2, 4, 2, 3, 1]
    assert events[PART].to_list() == ["train", "test", "test", "validation", "train"]


def test_a_ready_split_may_lack_parts_and_span_files(tmp_path):
    for name, rows in (("a1", "1,1"), ("a2", "1,2\n1,3"), ("c", "1,4")):
        (tmp_path / f"{name}.csv").write_text("user,film\n" + rows + "\n")
    events = run(tmp_path, only_events(train=["a1.csv", "a2.csv"], test="c.csv")).dataset.events
    assert events[PART].to_list() == ["train", "train", "train", "test"]


@pytest.mark.parametrize("keys", [{}, {"path": "a.csv", "train": "b.csv"}, {"test": "c.csv"}])
def test_either_one_table_or_a_split(tmp_path, keys):
    with pytest.raises(ConfigError, match=r"\[data.events\]"):
        run(tmp_path, only_events(**keys))


def test_refused_rows_are_kept_with_their_reasons(tmp_path):
    events = (
        "user,film,stars,seen\n7,1,5,1000000300\n,1,5,1000000300\n7,,1,1000000300\n7,3,many,1000000300\n"
        "7,4,3,soon\n7,5,3,-5\n7,6,3,9000000000\n7,1,5,1000000300\n8,1,5,1000000300\n"
    )
    made = run(tmp_path, RUN + "[checks]\nmax_bad_fraction = 0.9\n", events=events)
    assert made.dataset.events.height == 2
    assert made.quarantine["row"].to_list() == [2, 3, 4, 5, 6, 7, 8]
    assert made.quarantine["reason"].to_list() == [
        "column 'user': the id is empty ('')",
        "column 'film': the id is empty ('')",
        "column 'stars': this is not a number ('many')",
        "column 'seen': this is not a time ('soon')",
        "column 'seen': the time is before 1970 ('-5')",
        "column 'seen': the time is in the future ('9000000000')",
        "an earlier row is the same in every column",
    ]
    assert made.quarantine["row_json"][3] == '{"user":"7","film":"4","seen":"soon","stars":"3"}'
    assert set(made.quarantine["file"]) == {str(tmp_path / "events.csv")}
    counts = made.report["events"]
    assert (counts["rows"], counts["kept"], counts["quarantined"]) == (9, 2, 7)
    assert counts["refused"]["time_in_future"]["count"] == 1
    assert counts["refused"]["time_in_future"]["row"] == 7


def test_duplicates_can_be_kept(tmp_path):
    twice = EVENTS + "7,1,5,1000000300\n"
    assert run(tmp_path, events=twice).dataset.events.height == 3
    assert run(tmp_path, RUN + '[checks]\nduplicates = "keep"\n', events=twice).dataset.events.height == 4


def test_doubled_ids_of_items_and_users_keep_the_first(tmp_path):
    made = run(tmp_path, items=ITEMS + "1,Uno,,2000,\n", users=USERS + "7,99\n,5\n")
    assert made.dataset.items.filter(pl.col("item_id") == 1)["name"].to_list() == ["One"]
    assert made.quarantine.select("table", "row", "reason").rows() == [
        ("items", 3, "an earlier row has the same id"),
        ("users", 2, "an earlier row has the same id"),
        ("users", 3, "column 'who': the id is empty ('')"),
    ]


def test_mostly_bad_rows_are_an_error_that_names_the_first(tmp_path):
    with pytest.raises(DataError, match=r"2 of 3 rows of events.*events\.csv, row 1: column 'seen'.*'x'.*max_bad"):
        run(tmp_path, events="user,film,stars,seen\n1,1,1,x\n1,2,1,2001-01-01\n1,3,1,y\n")


def test_nothing_left_is_an_error(tmp_path):
    text = RUN + "[checks]\nmin_user_events = 50\n"
    with pytest.raises(DataError, match=r"No row of events is left.*min_user_events = 50"):
        run(tmp_path, text)
    with pytest.raises(DataError, match="No row of users is left"):
        run(tmp_path, RUN + "[checks]\nmax_bad_fraction = 1\n", users="who,age\n,3\n")
    with pytest.raises(DataError, match=r"No row of events is left\. 1 rows: column 'user': the id is empty"):
        run(tmp_path, RUN + "[checks]\nmax_bad_fraction = 1\n", events="user,film,stars,seen\n,1,5,1000000300\n")


def test_rare_users_and_items_can_be_left_out(tmp_path):
    # Film 3 has two events only while user 3 counts, and user 3 falls for having one that counts.
    events = "user,film\n1,1\n1,2\n2,1\n2,2\n3,3\n3,4\n4,3\n"
    text = only_events("[checks]\nmin_user_events = 2\nmin_item_events = 2\n", path="events.csv")
    made = run(tmp_path, text, events=events)
    assert made.dataset.events.select("user_id", "item_id").rows() == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert made.report["events"]["refused"]["too_few_events"]["count"] == 3


def test_a_column_may_not_take_the_name_of_the_id(tmp_path):
    text = RUN.replace("year = {", "item_id = {")
    with pytest.raises(ConfigError, match="'item_id' is the name of the id"):
        run(tmp_path, text)


def test_unknown_keys_are_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown key 'user_di' \(did you mean 'user_id'\?\)"):
        run(tmp_path, RUN.replace('user_id = "who"', 'user_di = "who"'))


def test_parquet_types_are_taken_as_they_are(tmp_path):
    frame = pl.DataFrame(
        {
            "user": [17850.0, None, 3.0],
            "film": pl.Series([1, 2, 3], dtype=pl.Int32),
            "at": [datetime(2001, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
            "price": [float("nan"), 1.0, 2.5],
        }
    )
    frame.write_parquet(tmp_path / "e.parquet")
    made = run(tmp_path, only_events(path="e.parquet", time="at", value="price"))
    assert made.dataset.events["user_id"].to_list() == [17850, 3]
    assert made.dataset.events["time"].to_list() == [978307200_000000, 978480000_000000]
    assert made.dataset.events["value"].to_list() == [None, 2.5]
    assert made.quarantine["row_json"].str.contains('"film":2').to_list() == [True]


def test_json_lines(tmp_path):
    lines = '{"user": "a", "film": 1, "tags": ["x", " y"]}\n{"user": "b", "film": 2}\n'
    (tmp_path / "e.jsonl").write_text(lines)
    text = only_events('[items]\npath="e.jsonl"\nitem_id="film"\ncolumns={tags={kind="tags"}}\n', path="e.jsonl")
    made = run(tmp_path, text)
    assert made.dataset.events["user_id"].to_list() == ["a", "b"]
    assert made.dataset.items["tags"].to_list() == [["x", "y"], None]
