# SPDX-License-Identifier: Apache-2.0
"""Each odd thing is told when it is there, and not when it is not."""

import polars as pl
import pytest

import looks
from logs import log
from penchant.profile import counts, suspicious
from penchant.profile.coverage import coverage
from penchant.profile.describe import columns
from penchant.profile.drift import newcomers
from penchant.profile.facts import Coverage


def found(view):
    sized = counts.sizes(view)
    users, items = (counts.tail(view, key) for key in ("user_id", "item_id"))
    return {
        one.title: one
        for one in (
            *suspicious.of_users(users, items, sized),
            *suspicious.of_split(newcomers(view), sized),
            *suspicious.of_columns(columns(view)),
            *suspicious.of_ids(view),
            *suspicious.of_content(coverage(view), sized),
        )
    }


def test_nothing_is_told_of_a_sound_set():
    events = looks.steady(days=400, value=[k % 5 for k in range(4000)])
    assert found(looks.view(events)) == {}


def test_users_with_one_event():
    events = log(user_id=[f"u{k}" for k in range(3000)], item_id=[f"i{k % 9}" for k in range(3000)])
    told = found(looks.view(events))
    assert told["Most users have a single event"].words.startswith("100% of 3,000 users")
    assert told["Many users of the test part are new"].level == "warn"


def test_items_with_one_event_and_one_who_has_much():
    events = log(
        user_id=["guest"] * 1500 + [f"u{k % 30}" for k in range(500)], item_id=[f"i{k}" for k in range(2000)]
    )
    told = found(looks.view(events))
    assert told["One user has much of all"].words == "guest has 1,500 of 2,000 events (75%)."
    assert told["Most items have a single event"].level == "note"
    assert "One item has much of all" not in told


def test_a_test_part_that_is_tiny_or_absent():
    assert "The test part is tiny" in found(looks.view(log(user_id=["u"] * 100)))
    assert "There is no test part" in found(looks.view(log(user_id=["u"] * 100), cuts=(0.5, 1)))


def tables(**items):
    n = 100
    events = log(item_id=[f"i{k}" for k in range(n)] * 20, user_id=[f"u{k % 50}" for k in range(20 * n)])
    rows = pl.DataFrame({"item_id": [f"i{k}" for k in range(n)], **items})
    return events, rows


def test_columns_that_say_nothing():
    events, items = tables(genre=["same"] * 100, shop=[None] * 95 + ["x"] * 5, code=[f"c{k}" for k in range(100)])
    told = found(looks.view(events, items))
    assert told["Columns with one value"].words == "items.genre: every row has the same."
    assert told["Columns that are nearly empty"].words.startswith("items.shop:")
    assert told["Categories that name every row"].words.startswith("items.code:")


def test_many_columns_are_named_in_short():
    events, items = tables(**{f"c{k}": ["same"] * 100 for k in range(7)})
    words = found(looks.view(events, items))["Columns with one value"].words
    assert words == "items.c0, items.c1, items.c2, items.c3, items.c4 and 2 more: every row has the same."


def test_a_column_that_repeats_the_id():
    n = 100
    events = log(item_id=[str(k) for k in range(n)] * 20, user_id=[f"u{k % 50}" for k in range(20 * n)])
    items = pl.DataFrame({"item_id": [str(k) for k in range(n)], "price": [float(k) for k in range(n)]})
    assert found(looks.view(events, items))["A column repeats the id"].words == "price equals item_id."


def test_titles_that_are_shared():
    events, items = tables(name=["Twin ", "twin", None, ""] + [f"t{k}" for k in range(96)])
    told = found(looks.view(events, items, title="name"))["Items that share a title"]
    assert (told.level, told.words) == ("note", "2 of 100 items share 1 titles: “twin” (2).")
    events, items = tables(name=["same"] * 10 + [f"t{k}" for k in range(90)])
    assert found(looks.view(events, items, title="name"))["Items that share a title"].level == "warn"


def test_files_and_items_without_events(tmp_path):
    events, items = tables(photo=["there.png"] + [f"{k}.png" for k in range(99)])
    (tmp_path / "there.png").write_bytes(b"no picture")
    more = pl.concat([items, pl.DataFrame({"item_id": ["never"], "photo": [None]}, schema=items.schema)])
    told = found(looks.view(events, more, root=tmp_path))
    assert told["Files of photo are not there"].words == "99 of 100. First: 0.png is not there."
    assert told["Files of photo are broken"].words.startswith("1 of 1 looked at:")
    assert told["Items without events"].words == "1 of 101 items of the table were never touched."


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_nothing_is_told_of_files_that_are_there(kind):
    sized = counts.sizes(looks.view(log(item_id=["a"])))
    sound = Coverage(column="c", kind=kind, items=1, present=1, events=1.0, absent=0, looked=1)
    assert list(suspicious.of_content([sound], sized)) == []


def test_cells_that_could_not_be_read():
    note = {"length": {"count": 3, "example": "81 min"}}
    report = {"items": {"rows": 9, "numbers_unread": note}, "users": {"rows": 1, "numbers_unread": {}}}
    (told,) = suspicious.of_reading(report)
    assert told.title == "Cells of items.length could not be read"
    assert told.words == "3 cells are no numbers, such as '81 min'. They count as empty."
