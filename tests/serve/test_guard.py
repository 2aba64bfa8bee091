# SPDX-License-Identifier: Apache-2.0
"""Who may pass: keys, scopes and pace, over HTTP and for pages that stay connected."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from inprocess import Client
from penchant.serve.edge import ACCESS
from penchant.serve.guard import Guard, Pace, needs
from penchant.serve.http import create_app
from penchant.serve.keys import Keys, Scope, make

EVENT = {"user_id": 5, "item_id": 9}


@pytest.fixture
def secrets(tmp_path):
    path = tmp_path / "keys.toml"
    made = {scope.value: make(path, scope.value, (scope,)) for scope in Scope}
    return made, Keys.load(path)


@pytest.fixture
def client(service, secrets):
    with Client(create_app(service, secrets[1])) as client:
        yield client


def asked(client, secrets, scope, method, address, **how):
    headers = {"authorization": f"Bearer {secrets[0][scope]}"} if scope else {}
    return client.request(method, address, headers=headers, **how).status_code


@pytest.mark.parametrize(
    ("method", "address", "body", "scope"),
    [
        ("GET", "/v1/users/5/recommendations", None, "read"),
        ("POST", "/v1/recommendations", {"history": []}, "read"),
        ("GET", "/v1/items/5", None, "read"),
        ("GET", "/metrics", None, "read"),
        ("GET", "/openapi.json", None, "read"),
        ("POST", "/v1/events", EVENT, "events"),
        ("PUT", "/v1/items/5", {"features": {}}, "admin"),
        ("POST", "/v1/items", {"items": []}, "admin"),
        ("DELETE", "/v1/items/5", None, "admin"),
    ],
)
def test_a_key_is_good_for_its_scope_and_admin_for_all(client, secrets, method, address, body, scope):
    how = {} if body is None else {"json": body}
    assert asked(client, secrets, None, method, address, **how) == 401
    for own in ("read", "events", "admin"):
        assert asked(client, secrets, own, method, address, **how) == (200 if own in {scope, "admin"} else 403)


def test_watchers_need_no_key(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_what_is_refused_says_why(client, secrets):
    answer = client.get("/v1/items/5")
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/").headers["www-authenticate"] == 'Basic realm="Penchant"'
    answer = client.post("/v1/events", json=EVENT, headers={"x-api-key": secrets[0]["read"]})
    assert answer.json()["error"]["message"] == "The key 'read' is not good for this: it needs the scope 'events'"


@pytest.mark.parametrize("path", ["/v1/%65vents", "//v1/events", "/v1/events/", "/V1/events", "/_nicegui/x"])
def test_what_no_rule_knows_needs_everything(path):
    assert needs("POST", path) is Scope.ADMIN


def test_a_pace_is_kept_by_each_client():
    clock = [0.0]
    pace = Pace(2.0, 3.0, lambda: clock[0])
    assert [pace.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert pace.wait("b") == 0
    clock[0] = 0.5
    assert [pace.wait("a"), pace.wait("a")] == [0, 0.5]
    clock[0] = 100
    assert [pace.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_of_too_many_clients_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr("penchant.serve.guard._CLIENTS", 2)
    pace = Pace(1.0, 1.0, lambda: 0.0)
    assert [pace.wait(client) for client in "aabca"] == [0, 1, 0, 0, 0]


def test_too_many_requests(service):
    with Client(create_app(service, pace=Pace(0.5, 2.0, lambda: 0.0))) as client:
        assert [client.get("/v1/items/5").status_code for _ in range(3)] == [200, 200, 429]
        answer = client.get("/v1/items/5")
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["error"]["code"] == "too_many_requests"
        assert client.get("/healthz").status_code == 200


def test_guessing_is_slowed_down(service, secrets):
    with Client(create_app(service, secrets[1], Pace(1.0, 2.0, lambda: 0.0))) as client:
        found = [client.get("/v1/items/5", headers={"x-api-key": f"guess {n}"}).status_code for n in range(3)]
        assert found == [401, 401, 429]
        assert client.get("/v1/items/5", headers={"x-api-key": secrets[0]["read"]}).status_code == 200


def test_a_page_that_stays_connected_needs_a_key_as_well(secrets):
    said, passed = [], []

    async def app(scope, receive, send):
        passed.append(scope["path"])

    async def send(message):
        said.append(message)

    guard = Guard(app, secrets[1])
    scope = {"type": "websocket", "path": "/_nicegui_ws", "headers": [], "client": ("1.2.3.4", 5)}
    asyncio.run(guard(scope, None, send))
    assert (said, passed) == ([{"type": "websocket.close", "code": 1008}], [])
    headers = [(b"authorization", b"Bearer " + secrets[0]["admin"].encode())]
    asyncio.run(guard({**scope, "headers": headers}, None, send))
    asyncio.run(guard({"type": "lifespan", "path": "life"}, None, send))
    assert passed == ["/_nicegui_ws", "life"]


def test_each_answer_has_an_id_and_a_line_in_the_log(client, secrets, caplog):
    headers = {"authorization": f"Bearer {secrets[0]['read']}", "x-request-id": "abc-1.2"}
    with caplog.at_level(logging.INFO, ACCESS.name):
        assert client.get("/v1/users/5/recommendations", headers=headers).headers["x-request-id"] == "abc-1.2"
        made = [
            client.get("/healthz", headers={"x-request-id": bad}).headers["x-request-id"] for bad in ("", "a b")
        ]
    assert len(set(made)) == 2
    assert all(len(one) == 32 for one in made)
    line = json.loads(caplog.records[0].message)
    assert line["id"] == "abc-1.2"
    assert line["key"] == "read"
    assert line["route"] == "/v1/users/{user_id:path}/recommendations"
    assert line["status"] == 200
    assert line["ms"] > 0
    assert json.loads(caplog.records[1].message)["key"] is None


def test_only_named_sites_may_ask_in_a_browser(service, tmp_path):
    keys = tmp_path / "keys.toml"
    make(keys, "shop", (Scope.READ,))
    asks = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    asks |= {"access-control-request-headers": "authorization,content-type"}
    with Client(create_app(service, Keys.load(keys), origins=["https://shop.example"])) as client:
        allowed = client.request("OPTIONS", "/v1/events", headers=asks)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (
            200,
            "https://shop.example",
        )
        refused = client.request("OPTIONS", "/v1/events", headers={**asks, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
        told = client.get("/v1/users/5", headers={"origin": "https://shop.example"})
        assert told.status_code == 401  # it may ask, and is told that it needs a key
        assert told.headers["access-control-allow-origin"] == "https://shop.example"
    with Client(create_app(service)) as client:
        answer = client.request("OPTIONS", "/v1/events", headers=asks)
        assert "access-control-allow-origin" not in answer.headers
