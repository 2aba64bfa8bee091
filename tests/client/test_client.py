# SPDX-License-Identifier: Apache-2.0
"""The client against a real service in this process, and against a network that fails."""

from __future__ import annotations

import asyncio
import functools
import sys

import httpx
import pytest

import films
import media
import penchant
from inprocess import Client as InProcess
from penchant.bundle.bundle import open_bundle
from penchant.client import client as clients
from penchant.client.sending import Patience
from penchant.errors import MissingExtraError
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.keys import Keys, Scope, make
from penchant.serve.service import Service
from penchant.serve.wire import NewUser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return films.write(tmp_path_factory.mktemp("bundles"), films.dataset(), kind="content_knn")


@pytest.fixture
def service(folder, tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield Service(open_bundle(folder), log)
    log.close()


class Waiting:
    """Both clients behind one face: every method is called and its answer returned."""

    def __init__(self, app, kind, **how):
        self._inside, self._kind = InProcess(app), kind
        if kind == "sync":
            self._inside.__enter__()

            def ask(request):
                headers = {name: value for name, value in request.headers.items() if name != "host"}
                answer = self._inside.request(
                    request.method, str(request.url), content=request.content, headers=headers
                )
                return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

            self._client = penchant.Client("http://test", transport=httpx.MockTransport(ask), **how)
        else:
            self._runner = asyncio.Runner()
            self._client = penchant.AsyncClient("http://test", transport=httpx.ASGITransport(app), **how)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if self._kind == "sync":
            return method
        return functools.partial(self._run, method)

    def _run(self, method, *args, **how):
        async def once():
            return await method(*args, **how)

        return self._runner.run(once())

    def end(self):
        if self._kind == "sync":
            with self._client:
                pass
            self._inside.__exit__(None, None, None)
        else:

            async def leave():
                async with self._client:
                    pass

            self._runner.run(leave())
            self._runner.close()


@pytest.fixture(params=["sync", "async"])
def client(request, service):
    client = Waiting(create_app(service), request.param)
    yield client
    client.end()


def test_the_whole_service(client):
    answer = client.recommend(5, k=3)
    assert len(answer.items) == 3
    assert answer.items[0].rank == 1
    assert {one.item_id for one in client.recommend(5, k=5, allow=[3, 9], exclude_seen=False).items} == {3, 9}
    assert client.recommend(history=[9, penchant.HistoryEvent(item_id=5)], k=2).known
    assert client.similar(9, 4).item_id == 9
    assert client.user(5).known
    assert client.ready().items == 72
    receipt = client.record([penchant.NewEvent(user_id="a/b ?", item_id=9)])
    assert (receipt.accepted, receipt.repeated) == (1, 0)
    assert client.user("a/b ?").events == 1
    assert client.put_item(9001, {"title": "New", "genres": ["Mystery"]}).recommendable == 1
    assert client.patch_item(9001, {"year": 1999}).new == 0
    assert client.item(9001).features == {"title": "New", "genres": ["Mystery"], "year": 1999.0}
    assert client.put_user(8001, {}).accepted == 1
    assert client.patch_user(5, {}).new == 0
    assert client.forget_user(5).accepted == 1
    assert client.add_users([NewUser(user_id=n) for n in range(2000, 3500)]).accepted == 1500
    assert client.withdraw_item(9001).recommendable == 0
    assert client.patch_item(9001, available=True).recommendable == 1


def test_many_are_sent_in_parts(client):
    events = [penchant.NewEvent(user_id=f"u{n}", item_id=n % 72 + 1) for n in range(2500)]
    assert client.record(events).accepted == 2500
    assert client.record([]).accepted == 0
    items = [penchant.NewItem(item_id=9000 + n, features={"genres": ["Mystery"]}) for n in range(450)]
    receipt = client.add_items(items)
    assert (receipt.accepted, receipt.new, receipt.recommendable) == (450, 450, 450)
    assert client.ready().items == 522


def test_refusals_name_the_field(client):
    with pytest.raises(penchant.ServiceError, match="k: must be from 1 to 1000") as error:
        client.recommend(5, k=0)
    assert (error.value.status, error.value.code, error.value.field) == (422, "invalid_field", "k")
    with pytest.raises(penchant.ServiceError, match="no item"):
        client.item(4711)
    with pytest.raises(penchant.ServiceError, match="unknown field `wheer`"):
        client.recommend(5, wheer={})
    with pytest.raises(penchant.ServiceError, match="genres"):
        client.recommend(5, where={"gnres": {"any": ["a"]}})


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_key_is_brought(service, tmp_path, kind):
    secret = make(tmp_path / "keys.toml", "shop", (Scope.READ,))
    app = create_app(service, Keys.load(tmp_path / "keys.toml"))
    client = Waiting(app, kind, key=secret)
    assert client.recommend(5).items
    with pytest.raises(penchant.ServiceError, match="needs the scope 'events'"):
        client.record([penchant.NewEvent(user_id=1, item_id=1)])
    client.end()
    stranger = Waiting(app, kind)
    with pytest.raises(penchant.ServiceError) as error:
        stranger.recommend(5)
    assert error.value.status == 401
    stranger.end()


def failing(kind, answers, monkeypatch):
    """A client whose network gives these answers, one after the other; and what it was sent, and how it waited."""
    sent, waited = [], []

    def ask(request):
        sent.append(request)
        answer = answers[len(sent) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer()

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(clients.time, "sleep", waited.append)
    monkeypatch.setattr(clients.asyncio, "sleep", sleep)
    transport = httpx.MockTransport(ask)
    if kind == "sync":
        return penchant.Client("http://test", transport=transport).record, sent, waited
    other = penchant.AsyncClient("http://test", transport=transport)
    return (lambda events: asyncio.run(other.record(events))), sent, waited


def good():
    return httpx.Response(200, json={"accepted": 1, "unknown_items": 0, "last_sequence": 1, "repeated": 0})


def busy():
    return httpx.Response(503, headers={"retry-after": "2"}, json={"error": {"code": "x", "message": "full"}})


def page():
    return httpx.Response(500, text="<html>")


EVENTS = [penchant.NewEvent(user_id=1, item_id=1)]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_passes_is_waited_for_and_the_same_event_is_sent_again(kind, monkeypatch):
    record, sent, waited = failing(kind, [httpx.ConnectError("no"), busy, good], monkeypatch)
    assert record(EVENTS).accepted == 1
    assert len({request.content for request in sent}) == 1
    assert b'"event_id":"' in sent[0].content
    assert waited[0] <= 0.1
    assert waited[1] == 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_does_not_pass_is_said(kind, monkeypatch):
    record, sent, _ = failing(kind, [httpx.ConnectError("refused")] * 4, monkeypatch)
    with pytest.raises(penchant.ServiceError, match=r"http://test.* cannot be reached: refused"):
        record(EVENTS)
    assert len(sent) == 4
    record, sent, _ = failing(kind, [busy] * 4, monkeypatch)
    with pytest.raises(penchant.ServiceError, match="full"):
        record(EVENTS)
    record, sent, _ = failing(kind, [page], monkeypatch)
    with pytest.raises(penchant.ServiceError, match="answered with 500 and what no Penchant service says"):
        record(EVENTS)
    assert len(sent) == 1


def test_without_its_library_the_client_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "penchant.client.client")
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[client\]'"):
        penchant.Client  # noqa: B018


def test_patience_ends():
    patience = Patience(3)
    assert patience.wait(0, 200) is None
    assert patience.wait(0, 422) is None
    assert 0 <= patience.wait(0, 429) <= 0.1
    assert patience.wait(2, 503, {"retry-after": "99999999999"}) == 10
    assert 0 <= patience.wait(1, 503, {"retry-after": "soon"}) <= 0.2
    assert patience.wait(3) is None


def test_pictures_may_be_bytes(monkeypatch):
    seen = []

    def ask(request):
        seen.append(request.content)
        return httpx.Response(200, json={"accepted": 1, "new": 1, "recommendable": 1})

    with penchant.Client("http://test", transport=httpx.MockTransport(ask)) as client:
        client.put_item("a/b", {"poster": media.picture()})
    assert b'"poster":"iVBORw0KGgo' in seen[0]
