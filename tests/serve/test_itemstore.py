# SPDX-License-Identifier: Apache-2.0
"""The store of items: what is written is there, all of it or nothing, also in another process."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from penchant.serve.database import connect
from penchant.serve.itemstore import ItemChange, ItemStore, ItemStoreError, hash_of
from serve.conftest import BOTH

DATABASES = BOTH


@pytest.fixture
def engine(url):
    engine = connect(url)
    yield engine
    engine.dispose()


def test_the_last_word_on_an_item_is_kept(engine):
    store = ItemStore(engine)
    assert store.all() == []
    store.write(
        [ItemChange(item_id=7, values={"a": 1}), ItemChange(item_id="7", values={"b": [1, "x", None]})], {}
    )
    store.write([ItemChange(item_id=7, values={"c": "é"}, content={"p": "h"}, whole=True, available=False)], {})
    again = ItemStore(engine)
    assert sorted(again.all(), key=lambda one: str(type(one.item_id))) == [
        ItemChange(item_id=7, values={"c": "é"}, content={"p": "h"}, whole=True, available=False),
        ItemChange(item_id="7", values={"b": [1, "x", None]}),
    ]


def test_content_is_kept_by_its_hash(engine):
    store = ItemStore(engine)
    files = {hash_of(bytes([n])): bytes([n]) for n in range(256)}
    store.write([], files)
    store.write([], files)
    assert store.content([*files, *files, "nothing"]) == files
    assert store.content([]) == {}


def test_more_than_one_statement_holds(engine):
    store = ItemStore(engine)
    changes = [ItemChange(item_id=n, values={"n": n}) for n in range(1300)]
    store.write(changes, {})
    store.write(changes, {})
    assert {one.item_id for one in store.all()} == set(range(1300))


def test_all_of_it_or_nothing(engine):
    store = ItemStore(engine)
    with pytest.raises(ItemStoreError, match="cannot be written"):
        store.write([ItemChange(item_id=1), ItemChange(item_id=2)], {"x": None})
    assert store.all() == []


def test_a_database_that_is_gone_is_named(engine):
    store = ItemStore(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE items"))
        connection.execute(sa.text("DROP TABLE content"))
    for work in (store.all, lambda: store.content(["x"]), lambda: store.write([ItemChange(item_id=1)], {})):
        with pytest.raises(ItemStoreError, match=r"The items in \S+ cannot be .*(no such table|does not exist)"):
            work()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ItemStoreError, match="unable to open"):
        ItemStore(connect(f"sqlite:///{tmp_path / 'none' / 'events.db'}"))


def test_what_was_said_adds_up():
    first = ItemChange(item_id=1, values={"a": 1, "b": 1}, content={"p": "x"}, available=False)
    more = first.with_more(ItemChange(item_id=1, values={"b": 2}, content={"q": "y"}))
    assert more == ItemChange(item_id=1, values={"a": 1, "b": 2}, content={"p": "x", "q": "y"}, available=False)
    assert more.with_more(ItemChange(item_id=1, available=True)).available is True
    whole = ItemChange(item_id=1, values={"c": 3}, whole=True)
    assert first.with_more(whole) == whole
    assert whole.with_more(ItemChange(item_id=1, values={"a": 4})).whole
