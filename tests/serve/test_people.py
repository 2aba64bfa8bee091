# SPDX-License-Identifier: Apache-2.0
"""Who users are can be said while the service runs: the next answer follows, also after a restart."""

import polars as pl
import pytest

import worlds
from inprocess import Client
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import Column, Kind
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service
from penchant.serve.userstore import UserChange, UserStore, UserStoreError
from penchant.serve.wire import NewUser
from penchant.train.fit import make
from serve.conftest import BOTH

DATABASES = BOTH

KNOWN, STRANGER = 101, 7001


@pytest.fixture(scope="session")
def tower(tmp_path_factory):
    """A model that looks at profiles; what it learned does not matter here."""
    data = worlds.checkerboard()
    schema = worlds.replace_struct(
        data.schema,
        items={"genre": Column(kind=Kind.CATEGORY)},
        users={**data.schema.users, "likes": Column(kind=Kind.TAGS), "born": Column(kind=Kind.TIME)},
    )
    users = data.users.with_columns(
        likes=pl.when(pl.col("age") > 40).then(pl.lit(["chess"])).otherwise(pl.lit([], pl.List(pl.String))),
        born=pl.lit(worlds.START, pl.Int64),
    )
    data = worlds.Dataset(name="people", schema=schema, events=data.events, items=data.items, users=users)
    space = FeatureSpace.fit(data, data.events)
    model = make("two_tower", {"embedding_size": 8}, space.sizes)
    pipeline = Pipeline(model, space, space.catalogue(data.items))
    folder = tmp_path_factory.mktemp("people")
    return write_bundle(folder, pipeline, name="people", kind="two_tower", users=data.users, events=data.events)


@pytest.fixture
def service(tower, log):
    return Service(open_bundle(tower), log)


@pytest.fixture
def client(service):
    with Client(create_app(service)) as client:
        yield client


def scores(client, user):
    return {
        one["item_id"]: one["score"]
        for one in client.get(f"/v1/users/{user}/recommendations?k=38").json()["items"]
    }


def features(client, user):
    said = client.get(f"/v1/users/{user}").json()
    return said["known"], {name: value for name, value in said["features"].items() if value is not None}


def test_a_profile_changes_the_next_answer_and_that_after_a_restart(client, tower, log):
    before = scores(client, KNOWN)
    assert client.request("PATCH", f"/v1/users/{KNOWN}", json={"features": {"job": "smith"}}).json() == {
        "accepted": 1,
        "new": 0,
    }
    after = scores(client, KNOWN)
    assert after.keys() == before.keys()
    assert after != before
    known, said = features(client, KNOWN)
    assert known
    assert said["job"] == "smith"
    assert said["age"] > 19  # the rest stays
    body = {"features": {"age": 30, "likes": ["chess", "tea"], "born": "1990-01-31"}}
    assert client.request("PUT", f"/v1/users/{STRANGER}", json=body).json() == {"accepted": 1, "new": 1}
    assert features(client, STRANGER) == (True, {"age": 30, "likes": ["chess", "tea"], "born": 633744000000000})
    stranger = scores(client, STRANGER)
    assert stranger != scores(client, STRANGER + 1)
    with Client(create_app(Service(open_bundle(tower), log))) as again:
        assert scores(again, KNOWN) == after
        assert scores(again, STRANGER) == stranger
        assert features(again, STRANGER)[1]["likes"] == ["chess", "tea"]
        assert features(again, KNOWN) == (known, said)


def test_put_says_all_and_delete_takes_it_back(client, tower, log):
    client.post("/v1/users", json={"users": [{"user_id": STRANGER, "features": {"age": 30}}, {"user_id": KNOWN}]})
    client.request("PUT", f"/v1/users/{KNOWN}", json={"features": {"job": "smith"}})
    assert features(client, KNOWN) == (True, {"job": "smith"})
    for user in (KNOWN, STRANGER):
        assert client.delete(f"/v1/users/{user}").json() == {"accepted": 1, "new": 0}
    assert features(client, KNOWN) == (True, {})  # what they did is still known
    assert features(client, STRANGER) == (False, {})
    assert client.delete(f"/v1/users/{STRANGER}").status_code == 404
    assert client.request("PATCH", f"/v1/users/{STRANGER}", json={}).json()["error"]["code"] == "unknown_user"
    assert scores(client, STRANGER) == scores(client, STRANGER + 1)
    again = Service(open_bundle(tower), log)
    assert not again.user(STRANGER).known
    assert again.user(KNOWN).known
    assert not {name for name, value in again.user(KNOWN).features.items() if value is not None}


def test_who_is_said_to_be_somebody_counts_as_known(service):
    before = len(service.users())
    service.add_users([NewUser(user_id=STRANGER + n, features={"age": 20.0 + n}) for n in range(3)])
    assert service.users()[before:] == [STRANGER, STRANGER + 1, STRANGER + 2]
    assert service.ready().users == before + 3


def test_processes_on_one_database_agree(tower, url):
    logs = [EventLog(url), EventLog(url)]
    one, other = (Service(open_bundle(tower), log) for log in logs)
    one.add_users([NewUser(user_id=KNOWN, features={"age": 30})])
    other.add_users([NewUser(user_id=KNOWN, features={"job": "smith"})])
    one.follow()
    for service in (one, other):
        said = service.user(KNOWN).features
        assert (said["age"], said["job"]) == (30.0, "smith")
    assert one.recommend(KNOWN).items == other.recommend(KNOWN).items
    for log in logs:
        log.close()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {"features": {"aeg": 3}}, "features.aeg"),
        ("", {"features": {"age": "old"}}, "features.age"),
        ("", {"features": {"likes": "chess"}}, "features.likes"),
        ("", {"features": {"job": 3}}, "features.job"),
        ("", {"features": {"born": "soon"}}, "features.born"),
        ("", {"fetures": {}}, "body"),
        ("ann", {"features": {"age": 3}}, "user_id"),
        ("users", {"users": [{"user_id": 1}, {"user_id": 2, "features": {"age": []}}]}, "users[1].features.age"),
        ("users", {"users": [{"user_id": n} for n in range(1001)]}, "users"),
    ],
)
def test_what_cannot_be_taken_is_named_and_nothing_is_kept(client, log, path, body, field):
    if path == "users":
        refused = client.post("/v1/users", json=body)
    else:
        refused = client.request("PUT", f"/v1/users/{path or KNOWN}", json=body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["field"] == field
    assert UserStore(log.engine).after(-1) == ([], -1)


def test_columns_of_another_bundle_and_strange_ids_are_passed_over(log, tower, caplog):
    store = UserStore(log.engine)
    store.write(
        [
            UserChange(user_id=KNOWN, values={"shoe size": 9, "age": 30.0}),
            UserChange(user_id="ann", values={"age": 9.0}),
        ]
    )
    service = Service(open_bundle(tower), log)
    assert service.user(KNOWN).features["age"] == 30.0
    assert "shoe size" not in service.user(KNOWN).features
    assert "shoe size: passed over" in caplog.text
    assert not service.user("ann").known


def test_a_store_that_is_gone_is_named(log, client):
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE users")
    answer = client.request("PUT", f"/v1/users/{KNOWN}", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "users_unavailable")
    with pytest.raises(UserStoreError, match="cannot be read"):
        _read(log)


def _read(log):
    store = UserStore(log.engine)
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE users")
    return store.after(-1)
