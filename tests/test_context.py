# SPDX-License-Identifier: Apache-2.0
"""What was known when an event began, dwell and spend: from a file and over HTTP the same tensors."""

from __future__ import annotations

import polars as pl
import pytest
import torch

import worlds
from inprocess import Client
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.data.dataset import Dataset
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import MICROSECONDS, TIME, USER, Column, Kind
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service
from penchant.serve.sessions import Sessions
from penchant.train.fit import fit, make

CONTEXT = {
    "device": Column(kind=Kind.CATEGORY),
    "price": Column(kind=Kind.NUMBER),
    "seller": Column(kind=Kind.ID),
    "asked_at": Column(kind=Kind.TIME),
    "labels": Column(kind=Kind.TAGS),
}


def dataset():
    board = worlds.checkerboard()
    place = pl.int_range(pl.len())
    events = board.events.with_columns(
        device=pl.when(place % 3 == 0).then(None).otherwise(pl.format("d{}", place % 2)),
        price=pl.when(place % 5 == 0).then(None).otherwise(place * 1.0),
        seller=pl.format("s{}", place % 7),
        asked_at=pl.col(TIME) - 5 * MICROSECONDS,
        labels=pl.concat_list(pl.lit("a")),
        dwell=place * 0.5,
        amount=pl.when(place % 4 == 0).then(None).otherwise(place * 1.0),
    )
    schema = worlds.schema(context=CONTEXT, extras=("dwell", "amount"))
    return Dataset(name="context", schema=schema, events=events, items=board.items, users=board.users)


@pytest.fixture(scope="module")
def made():
    data = dataset()
    space = FeatureSpace.fit(
        data, data.events, FeatureConfig(aggregates=("dwell", "amount"), crosses={"x": ("device", "seller")})
    )
    return data, space, space.catalogue(data.items)


def test_each_event_of_a_history_has_its_context(made):
    data, space, catalogue = made
    users = space.users(pl.Series(USER, [100, 101]), data.events, catalogue, data.users)
    own = data.events.filter(pl.col(USER) == 101)
    there = users.history.select(torch.tensor([1]))
    assert there.context.keys() == space.sizes.context.keys()
    assert {"device", "price", "seller", "asked_at age", "x"} <= there.context.keys()
    assert there.context["device"].tolist() == space.context["device"].encode(own["device"]).tolist()
    assert there.context["price"].tolist() == space.context["price"].encode(own["price"]).tolist()
    padded = users.history.padded(3)
    assert padded.context["price"].shape == (2, 3)
    assert padded.context["price"][1].tolist() == there.context["price"][-3:].tolist()


def test_live_it_is_the_same(made):
    data, space, catalogue = made
    whole = Sessions(space, catalogue, data.events, data.users)
    for cut in (0, 200):
        sessions = Sessions(space, catalogue, data.events.head(cut), data.users)
        sessions.extend(data.events.slice(cut))
        for user in (100, 130, 159):
            now, then = sessions.user(user), whole.user(user)
            assert torch.equal(now.signals, then.signals)
            for name, values in then.history.context.items():
                assert torch.equal(now.history.context[name], values), name


@pytest.fixture
def service(made, tmp_path):
    data, space, catalogue = made
    model = make("popularity", {}, space.sizes)
    fit(model, space.users(data.users[USER], data.events, catalogue, data.users))
    write_bundle(
        tmp_path / "bundles", Pipeline(model, space, catalogue),
        name="context", kind="popularity", users=data.users, events=data.events,
    )  # fmt: skip
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield lambda: Service(open_bundle(tmp_path / "bundles"), log)
    log.close()


EVENT = {"user_id": 100, "item_id": 501, "type": "buy", "time": 1_700_000_000}
SAID = {"device": "d1", "price": 7, "seller": "s3", "asked_at": "2023-11-14T22:13:00Z"}


def test_over_http_it_is_the_same_and_survives_a_restart(made, service):
    data, space, catalogue = made
    first = service()
    with Client(create_app(first)) as client:
        events = [{**EVENT, "dwell": 2.5, "amount": -3.0, "context": SAID}, EVENT]
        assert client.post("/v1/events", json=events).status_code == 200
        card = client.get("/v1/users/100").json()
        asked = client.post(
            "/v1/recommendations", json={"history": [{"item_id": 501, "context": SAID, "dwell": 1}]}
        )
        assert asked.status_code == 200
    more = {"dwell": 2.5, "amount": -3.0, "device": "d1", "price": 7.0, "seller": "s3"}
    rows = [
        {USER: 100, "item_id": 501, TIME: 1_700_000_000 * MICROSECONDS, "type": "buy", "value": None, **extra}
        for extra in ({**more, "asked_at": 1_699_999_980 * MICROSECONDS}, {})
    ]
    events = pl.concat([data.events, pl.DataFrame(rows, schema=data.events.schema)])
    offline = space.users(pl.Series(USER, [100]), events, catalogue, data.users)
    for one in (first, service()):
        live = one._running.sessions.user(100)
        assert torch.equal(live.signals, offline.signals)
        for name, values in offline.history.context.items():
            assert torch.equal(live.history.context[name], values), name
    own = events.filter(pl.col(USER) == 100)
    assert card["signals"]["dwell_sum"] == own["dwell"].sum()
    assert card["signals"]["amount_sum"] == own["amount"].sum()


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"context": {"devise": "d1"}}, "context.devise", "did you mean 'device'?"),
        ({"context": {"price": "dear"}}, "context.price", "must be a number, is 'dear'"),
        ({"context": {"device": 3}}, "context.device", "must be text, is 3"),
        ({"context": {"device": ""}}, "context.device", "must not be empty"),
        ({"context": {"asked_at": "soon"}}, "context.asked_at", "must be ISO-8601"),
        ({"dwell": 1e300}, "dwell", "must be a finite number"),
    ],
)
def test_a_bad_context_is_named(service, change, field, message):
    with Client(create_app(service())) as client:
        answer = client.post("/v1/events", json={**EVENT, **change})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == f"events[0].{field}"
        assert message in answer.json()["error"]["message"]
        assert client.post("/v1/events", json={**EVENT, "context": {"device": None}}).status_code == 200
