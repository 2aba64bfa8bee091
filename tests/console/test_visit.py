# SPDX-License-Identifier: Apache-2.0
"""What the page shows, without the page: who the visitor is, what moved, words and drawn pictures."""

import zlib
from xml.etree import ElementTree as ET

import pytest

import films
from inprocess import Client
from penchant.bundle.bundle import open_bundle
from penchant.console import art, mount, words
from penchant.console.visit import NEW, Visit
from penchant.errors import RequestError
from penchant.schema import Column, IdType, Kind, Schema
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service
from penchant.serve.wire import ItemCard


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return films.write(tmp_path_factory.mktemp("bundles"), films.dataset())


@pytest.fixture
def service(folder, tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield Service(open_bundle(folder), log)
    log.close()


def ids(view):
    return [shown.item.item_id for shown in view.items]


def test_the_first_look_moves_nothing_and_the_next_says_what_moved(service):
    visit = Visit(service, size=10)
    first = visit.look()
    assert not first.known
    assert {shown.moved for shown in first.items} == {0}
    visit.did(ids(first)[3])
    second = visit.look()
    assert second.known
    for rank, shown in enumerate(second.items, 1):
        item = shown.item.item_id
        assert shown.moved == (ids(first).index(item) + 1 - rank if item in ids(first) else NEW)
    assert NEW in {shown.moved for shown in second.items}
    assert [card.item_id for card in second.history] == [ids(first)[3]]


def test_a_stranger_leaves_nothing_behind(service):
    visit = Visit(service)
    for item in (9, 27, 5):
        visit.did(item)
    visit.undo(27)
    assert [card.item_id for card in visit.look().history] == [5, 9]
    visit.become(None)
    assert visit.look().history == []
    assert service.ready().events_logged == 0


def test_a_strangers_history_is_cut_to_what_fits(service):
    visit = Visit(service, remembered=3)
    for item in range(1, 6):
        visit.did(item)
    assert [card.item_id for card in visit.look().history] == [5, 4, 3]


def test_a_users_choice_reaches_the_service(service):
    visit = Visit(service)
    visit.become("7")
    before = visit.look()
    visit.did(ids(before)[0])
    after = visit.look()
    assert service.ready().events_logged == 1
    assert after.history[0].item_id == ids(before)[0]
    assert ids(after) == [item.item_id for item in service.recommend(7, 24).items]


def test_a_user_that_cannot_be_is_refused(service):
    visit = Visit(service)
    visit.become("x" * 600)
    with pytest.raises(RequestError, match="512 bytes"):
        visit.look()


@pytest.mark.parametrize(
    ("kinds", "columns", "verb"),
    [
        (("watched",), (), "watched"),
        (("Purchase",), ("genres",), "bought"),
        (("rating",), ("Genres", "year"), "watched"),
        (("rating",), ("brand",), "chose"),
    ],
)
def test_the_verb_fits_the_data(kinds, columns, verb):
    items = {name: Column(kind=Kind.TAGS) for name in columns}
    assert words.verb(Schema(user_id=IdType.STRING, item_id=IdType.STRING, items=items, event_types=kinds)) == verb


def test_the_words_on_an_item():
    def card(**features):
        return ItemCard(item_id=1, title="A", has_image=False, features=features)

    schema = Schema(
        user_id=IdType.STRING,
        item_id=IdType.STRING,
        items={
            "mood": Column(kind=Kind.TAGS),
            "maker": Column(kind=Kind.CATEGORY),
            "text": Column(kind=Kind.TEXT),
        },
    )
    assert words.tags(card(mood=["a", "b", "c", "d"], maker="X"), schema) == ["a", "b", "c"]
    assert words.tags(card(mood=[], maker="X"), schema) == ["X"]
    assert words.tags(card(mood=None, maker=None), schema) == []
    assert words.year(card(year=1987.0)) == "1987"
    assert words.year(card(Year=1987)) == "1987"
    assert words.year(card(year=None)) is None
    assert words.year(card(other=5)) is None


@pytest.mark.parametrize(
    ("title", "letters"),
    [
        ("The Lighthouse Clock", "LC"),
        ("Of the", "OT"),
        ("Up", "U"),
        ("电影 你好", "电你"),
        ("...", ""),
        ("<b>&", "B"),
    ],
)
def test_initials_leave_small_words_out(title, letters):
    assert art.initials(title) == letters


def test_a_drawn_poster_is_the_same_for_the_same_id_and_valid_for_any():
    names = [*range(40), "x", "<script>", "你好", "\ud800"]
    drawn = [art.poster(name, None) for name in names]
    assert drawn == [art.poster(name, None) for name in names]
    assert len(set(drawn)) == len(names)
    for svg in drawn:
        assert ET.fromstring(svg).tag == "svg"
    assert "<script>" not in art.poster(1, '<script>alert("x")</script> & more')
    scenes = [
        art._SCENES[(zlib.crc32(str(name).encode("utf-8", "replace")) >> 9) % len(art._SCENES)] for name in names
    ]
    assert set(scenes) == set(art._SCENES)


def test_without_nicegui_the_page_says_what_to_install(service, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    app = create_app(service)
    mount.mount(app, service)
    with Client(app) as client:
        answer = client.get("/")
        assert "pip install 'penchant[console]'" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert "http://" not in answer.text
        assert client.get("/v1/items/9").status_code == 200
