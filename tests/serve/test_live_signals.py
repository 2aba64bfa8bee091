# SPDX-License-Identifier: Apache-2.0
"""The service shows and uses aggregates: as of the bundle, then of each event, late ones too."""

import pytest
import torch
from safetensors.torch import load_file, save_file

import signalled
from inprocess import Client
from penchant import artefact, registry
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.errors import BundleError
from penchant.schema import MICROSECONDS, TIME
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service


@pytest.fixture(autouse=True, scope="module")
def listed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODELS, "bandwagon", "signalled:Bandwagon")
        yield


@pytest.fixture(scope="module")
def data():
    return signalled.dataset()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data, listed):
    pipeline = signalled.pipeline(data)
    place = tmp_path_factory.mktemp("bundles")
    return write_bundle(place, pipeline, name="rage", kind="bandwagon", users=data.users, events=data.events)


@pytest.fixture(scope="module")
def end(data):
    return int(data.events[TIME].max()) // MICROSECONDS


@pytest.fixture
def log(tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield log
    log.close()


def serve(folder, log, end):
    return Service(open_bundle(folder), log, now=lambda: (end + 60) * 10**9)


@pytest.fixture
def client(folder, log, end):
    with Client(create_app(serve(folder, log, end))) as client:
        yield client


def test_cards_show_what_was_done_up_to_now(client, data, end):
    own = data.events.filter(user_id=7)
    card = client.get("/v1/users/7").json()
    assert card["known"]
    assert card["events"] == card["signals"]["events"] == own.height
    assert card["signals"]["events_buy"] == own.filter(type="buy").height
    assert card["signals"]["since_last"] == end + 60 - int(own[TIME].max()) / MICROSECONDS
    assert card["signals"]["value_mean"] is None
    item = client.get("/v1/items/7").json()
    assert item["signals"]["events"] == data.events.filter(item_id=7).height
    client.post("/v1/events", json=[{"user_id": 7, "item_id": 7, "type": "buy", "value": 3}] * 2)
    after = client.get("/v1/users/7").json()["signals"]
    assert after["events"] == own.height + 2
    assert after["value_mean"] == 3
    assert after["since_last"] == 0
    assert client.get("/v1/items/7").json()["signals"]["events"] == item["signals"]["events"] + 2


def test_a_late_event_counts_from_when_it_arrives(client, end):
    before = client.get("/v1/users/7").json()["signals"]
    client.post("/v1/events", json={"user_id": 7, "item_id": 7, "type": "view", "time": end - 86_400 * 300})
    after = client.get("/v1/users/7").json()["signals"]
    assert after["events"] == before["events"] + 1
    assert after["since_last"] == before["since_last"]
    assert after["since_first"] > before["since_first"]
    assert after["recent"] == pytest.approx(before["recent"])


def test_a_stranger_has_a_card_too(client):
    card = client.get("/v1/users/somebody%2Felse").json()
    assert card["user_id"] == "somebody/else"
    assert not card["known"]
    assert card["events"] == 0
    assert card["features"] == {}
    assert card["signals"]["events"] == 0
    assert card["signals"]["since_last"] is None
    client.post("/v1/events", json={"user_id": "somebody/else", "item_id": 7})
    card = client.get("/v1/users/somebody%2Felse").json()
    assert card["known"]
    assert card["signals"]["events"] == 1


def test_what_is_done_now_leads_the_list(client):
    def best():
        return client.get("/v1/users/7/recommendations?k=1&exclude_seen=false").json()["items"][0]["item_id"]

    assert best() == signalled.DAYS - 1
    client.post("/v1/events", json=[{"user_id": user, "item_id": 5, "type": "buy"} for user in range(60)])
    assert best() == 5
    asked = client.post("/v1/recommendations", json={"history": [{"item_id": 1}], "k": 1, "exclude_seen": False})
    assert asked.json()["items"][0]["item_id"] == 5


def test_after_a_restart_and_a_swap_it_is_the_same(folder, log, end):
    first = serve(folder, log, end)
    with Client(create_app(first)) as client:
        rows = [{"user_id": user % 9, "item_id": user % 5, "type": "buy"} for user in range(40)]
        client.post("/v1/events", json=rows[:25])
        client.post("/v1/events", json=rows[25:])
    known = first._running.sessions.user(7, 10**16)
    again = serve(folder, log, end)._running.sessions.user(7, 10**16)
    first.swap(folder)
    swapped = first._running.sessions.user(7, 10**16)
    for one in (again, swapped):
        assert torch.equal(known.signals, one.signals)
        assert torch.equal(known.catalogue.signals, one.catalogue.signals)


def test_the_bundle_holds_the_state_and_refuses_anothers(folder, tmp_path, data):
    bundle = open_bundle(folder)
    assert bundle.aggregates["users/total events"].sum() == data.events.height
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    state = load_file(copy / "aggregates.safetensors")
    cut = {name: tensor[:3].contiguous() for name, tensor in state.items()}
    save_file(cut, copy / "aggregates.safetensors")
    stated = (copy / "manifest.json").read_text()
    old, new = (artefact.sha256(path / "aggregates.safetensors") for path in (folder, copy))
    (copy / "manifest.json").write_text(stated.replace(old, new))
    with pytest.raises(BundleError, match="not of these users and items"):
        open_bundle(copy)


def test_a_bundle_without_aggregates_shows_none(bundle_folder, log):
    with Client(create_app(Service(open_bundle(bundle_folder), log))) as client:
        card = client.get("/v1/users/5").json()
        assert card["known"]
        assert card["signals"] == {}
        assert client.get("/v1/items/5").json()["signals"] == {}
