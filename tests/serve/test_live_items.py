# SPDX-License-Identifier: Apache-2.0
"""Items come, change and go while the service runs: recommendable before the answer, there after a restart."""

from __future__ import annotations

import base64
import threading

import polars as pl
import pytest
import torch

import films
import media
import signalled
import worlds
from inprocess import Client
from penchant import registry
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.data.dataset import Dataset
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import Column, Kind
from penchant.serve.checks import FieldError
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.itemstore import ItemStoreError
from penchant.serve.service import Service
from penchant.serve.shelf import image_type
from penchant.serve.wire import HistoryEvent, ItemBody, NewEvent, NewItem
from penchant.train.fit import fit, make

RED, BLUE = media.picture("disc", "red"), media.picture("square", "blue")


def sent(data):
    return base64.b64encode(data).decode()


def with_posters(folder):
    """The films, each with a poster of its genre's colour, a price, a day and a maker."""
    data = films.dataset()
    (folder / "posters").mkdir(parents=True)
    (folder / "posters" / "red.png").write_bytes(RED)
    (folder / "posters" / "blue.png").write_bytes(BLUE)
    mystery = pl.col("genres").list.first() == "Mystery"
    items = data.items.with_columns(
        poster=pl.when(mystery).then(pl.lit("posters/red.png")).otherwise(pl.lit("posters/blue.png")),
        born=pl.lit(films.START, pl.Int64),
        maker=pl.lit("a"),
        look=pl.concat_list(pl.lit(1.0), pl.lit(0.5)).cast(pl.List(pl.Float32)),
    )
    schema = worlds.replace_struct(
        data.schema,
        items={
            **data.schema.items,
            "poster": Column(kind=Kind.IMAGE),
            "born": Column(kind=Kind.TIME),
            "maker": Column(kind=Kind.ID),
            "look": Column(kind=Kind.VECTOR),
        },
        image="poster",
    )
    return Dataset(name="films", schema=schema, events=data.events, items=items, users=data.users, root=folder)


def bundle(folder, data, kind="content_knn"):
    space = FeatureSpace.fit(data, data.events, content={"image": {"kind": "histogram"}})
    shown = space.catalogue(data.items)
    model = make(kind, {}, space.sizes)
    fit(model, space.users(data.users["user_id"], data.events, shown, data.users))
    return write_bundle(
        folder / "bundles",
        Pipeline(model, space, shown),
        name="films",
        kind=kind,
        users=data.users,
        events=data.events,
        root=data.root,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("films")
    return bundle(place, with_posters(place / "data"))


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.fixture
def begin(folder, url):
    """Starts a service over the same log, as often as it is called."""
    logs = []

    def start():
        logs.append(EventLog(url))
        return Service(open_bundle(folder), logs[-1], now=lambda: 1_800_000_000 * 10**9)

    yield start
    for log in logs:
        log.close()


@pytest.fixture
def service(begin):
    return begin()


@pytest.fixture
def client(service):
    with Client(create_app(service)) as client:
        yield client


NEW = {
    "title": "The Last Lamplighter's Secret",
    "genres": ["Mystery"],
    "year": 1999,
    "poster": sent(RED),
    "born": "2026-01-01T00:00:00Z",
    "maker": "b",
    "look": [1, 0.5],
}


def likes(item, k=5):
    return [HistoryEvent(item_id=item)] * 2, k


def given(service, item, k=5):
    return [one.item_id for one in service.recommend_for(*likes(item, k)).items]


def mystery(service):
    return next(card.item_id for card in map(service.item, range(1, 73)) if card.features["genres"] == ["Mystery"])


def test_a_new_item_is_recommended_at_once_and_after_a_restart(client, service, begin):
    liked = mystery(service)
    receipt = client.request("PUT", "/v1/items/9001", json={"features": NEW})
    assert receipt.json() == {"accepted": 1, "new": 1, "recommendable": 1}
    for running in (service, begin()):
        assert 9001 in given(running, liked, 10)
        card = running.item(9001)
        assert card.features == {
            "title": NEW["title"],
            "genres": ["Mystery"],
            "year": 1999.0,
            "born": 1_767_225_600_000_000,
            "maker": "b",
        }
        assert card.has_image
        assert running.picture(9001) == RED
        assert running.ready().items == 73
        assert [one.item_id for one in running.search("lamplighter's")] == [9001]
        assert given(running, 9001, 72)[0] != 9001
        near = running.similar(9001, 3).items
        assert all("Mystery" in running.item(one.item_id).features["genres"] for one in near)


def test_what_is_encoded_live_is_what_a_bundle_would_hold(service, folder):
    service.put_item(9001, ItemBody(features=NEW))
    service.patch_item(5, ItemBody(features={"genres": ["Mystery"], "year": 2000, "title": "Other"}))
    view = service._running.stock.view
    root = open_bundle(folder).root
    paths = view.pipeline.catalogue.frame["poster"].to_list()
    files = pl.Series("poster", [(root / path).read_bytes() if path else RED for path in paths], dtype=pl.Binary)
    fresh = open_bundle(folder).pipeline.space.items(view.pipeline.catalogue.frame.with_columns(files))
    live = view.pipeline.catalogue.items
    assert torch.equal(fresh.ids, live.ids)
    assert int(live.ids[-1]) == 1
    for name, value in fresh.features.items():
        assert torch.equal(value, live.features[name]), name
    for name, (values, present) in fresh.content.items():
        assert torch.equal(values, live.content[name][0]), name
        assert torch.equal(present, live.content[name][1]), name
    expected = service._running.bundle.pipeline.model.encode_item(live)
    assert torch.allclose(view.pipeline.item_vectors, expected, atol=1e-6)


def test_a_patch_leaves_the_rest_and_a_put_does_not(service):
    before = service.item(5)
    service.patch_item(5, ItemBody(features={"year": 1900}))
    assert service.item(5).features == {**before.features, "year": 1900.0}
    assert service.item(5).has_image
    service.patch_item(5, ItemBody(features={"maker": None, "poster": sent(BLUE)}))
    assert service.item(5).features == {**before.features, "year": 1900.0, "maker": None}
    assert service.picture(5) == BLUE
    service.put_item(5, ItemBody(features={"title": "Bare"}))
    assert service.item(5).features == {"title": "Bare", "genres": None, "year": None, "born": None, "maker": None}
    assert not service.item(5).has_image
    assert service.picture(5) is None


def test_a_picture_that_was_sent_stays_when_a_price_changes(service):
    service.put_item(9001, ItemBody(features=NEW))
    content = service._running.stock.view.pipeline.catalogue.items.content["poster"][0][-1].clone()
    service.patch_item(9001, ItemBody(features={"year": 2001}))
    items = service._running.stock.view.pipeline.catalogue.items
    assert bool(items.content["poster"][1][-1])
    assert torch.equal(items.content["poster"][0][-1], content)
    service.patch_item(9001, ItemBody(features={"poster": None}))
    assert not bool(service._running.stock.view.pipeline.catalogue.items.content["poster"][1][-1])


def test_a_withdrawn_item_is_nobodys_and_comes_back(client, service, begin):
    liked = mystery(service)
    best = given(service, liked)[0]
    assert client.delete(f"/v1/items/{best}").json() == {"accepted": 1, "new": 0, "recommendable": 0}
    for running in (service, begin()):
        assert best not in given(running, liked, 72)
        assert best not in [one.item_id for one in running.similar(liked, 72).items]
        assert running.item(best).item_id == best
    service.patch_item(best, ItemBody(features={"year": 1950}))
    assert best not in given(service, liked, 72)
    service.patch_item(best, ItemBody(available=True))
    assert best in given(service, liked, 72)
    client.delete(f"/v1/items/{best}")
    service.put_item(best, ItemBody(features={"genres": ["Mystery"]}))
    assert best in given(service, liked, 72)


def test_events_that_came_before_their_item_count_once_it_is_here(service, begin):
    liked = mystery(service)
    service.record([NewEvent(user_id="new", item_id=9001), NewEvent(user_id="new", item_id=4711)])
    assert not service.recommend("new").known
    late = begin()
    for running in (service, late):
        running.put_item(9001, ItemBody(features=NEW))
        assert running.recommend("new").known
        assert [card.item_id for card in running.history("new", 9)] == [9001]
        assert liked in [one.item_id for one in running.recommend("new", 20).items]
    assert [card.item_id for card in begin().history("new", 9)] == [9001]


def test_many_items_at_once_all_or_none(client, service):
    many = [{"item_id": 9000 + n, "features": {"title": f"Part {n}", "genres": ["Mystery"]}} for n in range(40)]
    receipt = client.post("/v1/items", json={"items": [*many, {"item_id": 5, "available": False}, many[0]]})
    assert receipt.json() == {"accepted": 42, "new": 40, "recommendable": 40}
    assert service.item(9039).title == "Part 39"
    assert service.ready().items == 112
    bad = [{"item_id": 7, "features": {"title": "Changed"}}, {"item_id": 8, "features": {"year": "old"}}]
    answer = client.post("/v1/items", json={"items": bad})
    assert answer.json()["error"]["field"] == "items[1].features.year"
    assert service.item(7).title != "Changed"
    assert client.post("/v1/items", json={"items": []}).json()["accepted"] == 0


def test_the_same_item_twice_in_one_request(service):
    service.add_items(
        [
            NewItem(item_id=9001, features={"title": "One", "year": 1}),
            NewItem(item_id=9001, features={"title": "Two"}),
        ]
    )
    assert service.item(9001).features["title"] == "Two"
    assert service.item(9001).features["year"] == 1


def refused(answer, status, field):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field
    return answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("features", "field", "message"),
    [
        ({"titel": "x"}, "features.titel", "did you mean 'title'?"),
        ({"year": "1999"}, "features.year", "must be a number"),
        ({"title": 5}, "features.title", "must be text"),
        ({"title": "x" * 100_001}, "features.title", "at most 100,000 characters"),
        ({"genres": "Mystery"}, "features.genres", "must be a list of words"),
        ({"genres": ["a", 5]}, "features.genres", "must be a list of words"),
        ({"genres": ["a", ""]}, "features.genres[1]", "must not be empty"),
        ({"genres": ["a"] * 1001}, "features.genres", "at most 1,000 words"),
        ({"born": "soon"}, "features.born", "ISO-8601"),
        ({"born": ["1"]}, "features.born", "must be a time"),
        ({"maker": ""}, "features.maker", "must not be empty"),
        ({"look": [1]}, "features.look", "must have 2 numbers, has 1"),
        ({"look": "1,2"}, "features.look", "must be a list of numbers"),
        ({"look": [1, 1e300]}, "features.look", "finite"),
        ({"poster": "posters/red.png"}, "features.poster", "must be base64: the bytes of a file"),
        ({"poster": 5}, "features.poster", "must be base64"),
        ({"poster": sent(b"no picture")}, "features.poster", "this file cannot be read"),
        ({"poster": {"a": 1}}, "features[...]", "Expected"),
    ],
)
def test_what_cannot_be_said_of_an_item_is_named(client, service, features, field, message):
    assert message in refused(client.request("PUT", "/v1/items/5", json={"features": features}), 422, field)
    assert service.item(5).features["title"]


def test_ids_and_items_that_cannot_be(client):
    assert "integer" in refused(client.request("PUT", "/v1/items/film", json={}), 422, "item_id")
    assert "no item" in refused(client.request("PATCH", "/v1/items/4711", json={}), 404, "item_id")
    assert "no item" in refused(client.delete("/v1/items/4711"), 404, "item_id")
    many = {"items": [{"item_id": n} for n in range(1001)]}
    assert "at most 1,000" in refused(client.post("/v1/items", json=many), 422, "items")
    assert refused(client.request("PUT", "/v1/items/5", json={"item_id": 5}), 422, "body")
    assert client.request("PUT", "/v1/items/5", content=b"{").status_code == 400


def test_a_title_that_no_model_sees_can_be_said_as_well(tmp_path, url):
    plain = films.dataset()
    schema = worlds.replace_struct(
        plain.schema, items={name: column for name, column in plain.schema.items.items() if name != "title"}
    )
    data = Dataset(name="films", schema=schema, events=plain.events, items=plain.items, users=plain.users)
    log = EventLog(url)
    for _ in range(2):  # the second time out of the store
        service = Service(open_bundle(films.write(tmp_path, data, kind="content_knn")), log)
        service.put_item(9001, ItemBody(features={"title": "Seen", "genres": ["Mystery"]}))
        assert service.item(9001).title == "Seen"
        assert service.search("seen")[0].item_id == 9001
    log.close()


def test_pictures_say_what_they_are(client, service):
    client.request("PUT", "/v1/items/9001", json={"features": NEW})
    answer = client.get("/v1/items/9001/image")
    assert (answer.content, answer.headers["content-type"]) == (RED, "image/png")
    jpeg = media.picture(kind="JPEG")
    service.patch_item(9001, ItemBody(features={"poster": sent(jpeg)}))
    assert client.get("/v1/items/9001/image").headers["content-type"] == "image/jpeg"


def test_text_that_is_no_text(service):
    with pytest.raises(FieldError, match="not valid Unicode"):
        service.put_item(5, ItemBody(features={"title": "\ud800"}))
    service.put_item(5, ItemBody(features={"title": "  "}))
    assert service.item(5).title is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (RED, "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8", "image/webp"),
        (b"1234ftypavif", "image/avif"),
        (b"<svg>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_type_of_a_picture_is_in_its_first_bytes(data, kind):
    assert image_type(data) == kind


def test_a_store_that_cannot_be_written_changes_nothing(client, service, monkeypatch):
    def full(*_):
        raise ItemStoreError("The items in x cannot be written: disk full")

    monkeypatch.setattr(service._items, "write", full)
    answer = client.request("PUT", "/v1/items/9001", json={"features": NEW})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["error"]["code"] == "items_unavailable"
    assert client.get("/v1/items/9001").status_code == 404
    monkeypatch.undo()
    service.put_item(9002, ItemBody(features=NEW))
    assert client.get("/v1/items/9001").status_code == 404
    assert service.item(9002).title == NEW["title"]


def test_items_survive_a_swap_and_columns_that_the_new_bundle_lacks_are_passed_over(service, tmp_path, caplog):
    service.put_item(9001, ItemBody(features=NEW))
    service.patch_item(5, ItemBody(available=False))
    plain = films.write(tmp_path, films.dataset(), kind="content_knn")
    service.swap(plain)
    assert service.item(9001).features == {"title": NEW["title"], "genres": ["Mystery"], "year": 1999.0}
    assert "the bundle has no columns" in caplog.text
    assert 5 not in given(service, mystery(service), 73)
    assert 9001 in given(service, mystery(service), 10)


def test_a_model_of_ids_alone_says_that_it_cannot_recommend_what_it_never_learned(bundle_folder, log):
    service = Service(open_bundle(bundle_folder), log)
    receipt = service.put_item(9001, ItemBody(features={"title": "New"}))
    assert (receipt.new, receipt.recommendable) == (1, 0)
    assert service.item(9001).title == "New"
    assert service.put_item(5, ItemBody(features={"title": "Known"})).recommendable == 1
    assert 9001 not in [one.item_id for one in service.recommend(5, 1000).items]


def test_ids_that_are_text(text_bundle, log):
    service = Service(open_bundle(text_bundle), log)
    service.put_item(9001, ItemBody(features={"title": "Ten"}))
    assert service.item("9001").title == "Ten"
    assert service.item("9001").item_id == "9001"


def test_signals_of_a_new_item_grow_with_what_is_done(tmp_path, log):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODELS, "bandwagon", "signalled:Bandwagon")
        data = signalled.dataset()
        space = FeatureSpace.fit(data, data.events, signalled.FeatureConfig(aggregates=signalled.AGGREGATES))
        shown = space.catalogue(data.items)
        model = make("bandwagon", {}, space.sizes)
        place = write_bundle(
            tmp_path,
            Pipeline(model, space, shown),
            name="x",
            kind="bandwagon",
            users=data.users,
            events=data.events,
        )
        service = Service(open_bundle(place), log)
        service.put_item(9001, ItemBody())
        assert service.item(9001).signals["events"] in (0, None)
        service.record([NewEvent(user_id=7, item_id=9001, type="buy")] * 3)
        assert service.item(9001).signals["events"] == 3
        assert 9001 in [one.item_id for one in service.recommend("nobody", 1000).items]


def test_answers_are_whole_while_items_come(service):
    stop, counts, done = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            counts.append(len(service.recommend("reader", 200, exclude_seen=False).items))
        done.append(True)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(25):
        service.put_item(9000 + number, ItemBody(features=NEW))
        service.record([NewEvent(user_id="reader", item_id=9000 + number)])
    stop.set()
    for reader in readers:
        reader.join()
    assert done == [True, True]
    assert min(counts) >= 72
    assert [card.item_id for card in service.history("reader", 99)] == [9024 - n for n in range(25)]
