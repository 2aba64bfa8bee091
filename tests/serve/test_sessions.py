# SPDX-License-Identifier: Apache-2.0
"""What the live service knows of a user is, bit for bit, what the evaluator would know."""

import threading

import polars as pl
import pytest
import torch

import films
from penchant.features.space import FeatureSpace
from penchant.serve.sessions import Sessions


@pytest.fixture(scope="module")
def data():
    return films.dataset()


@pytest.fixture(scope="module")
def space(data):
    return FeatureSpace.fit(data, data.events)


@pytest.fixture(scope="module")
def catalogue(space, data):
    return space.catalogue(data.items)


def sessions(space, catalogue, events, data):
    return Sessions(space, catalogue, events, data.users)


def assert_same(live, offline):
    assert torch.equal(live.ids, offline.ids)
    for name in ("offsets", "rows", "actions", "times", "values"):
        assert torch.equal(getattr(live.history, name), getattr(offline.history, name)), name
        assert getattr(live.history, name).dtype == getattr(offline.history, name).dtype
    assert live.features.keys() == offline.features.keys()
    for name, feature in live.features.items():
        assert torch.equal(feature, offline.features[name])


@pytest.mark.parametrize("known", [0, 1, 200, 10_000])
def test_replayed_events_give_the_tensors_of_the_file(space, catalogue, data, known):
    live = sessions(space, catalogue, data.events.head(known), data)
    live.extend(data.events.slice(known))
    for user in data.users["user_id"]:
        offline = space.users(pl.Series("user_id", [user]), data.events, catalogue, data.users)
        assert_same(live.user(user), offline)


def test_late_and_simultaneous_events_stand_where_the_file_has_them(space, catalogue, data):
    rows = [
        (1, item, time, "watched", value)
        for item, time, value in [(5, 300, 1.5), (9, 100, None), (7, 300, 2.0), (3, 200, 0.0)]
    ]
    events = pl.DataFrame(rows, schema=data.events.schema, orient="row")
    live = sessions(space, catalogue, events.head(2), data)
    live.extend(events.slice(2))
    offline = space.users(pl.Series("user_id", [1]), events, catalogue, data.users)
    assert_same(live.user(1), offline)
    assert catalogue.ids.gather(live.user(1).history.rows.tolist()).to_list() == [9, 3, 5, 7]


def test_an_item_that_the_catalogue_lacks_leaves_no_trace(space, catalogue, data):
    live = sessions(space, catalogue, data.events.clear(), data)
    assert live.append("newcomer", 4711, 5, "watched", None) is False
    assert not live.knows("newcomer")
    assert live.append("newcomer", 9, 5, "never seen type", None) is True
    assert live.user("newcomer").history.actions.tolist() == [1]


def test_a_stranger_is_encoded_as_the_space_does(space, catalogue, data):
    live = sessions(space, catalogue, data.events, data)
    past = [(9, 100, "watched", None, None), (4711, 150, "watched", None, None), (5, 50, "watched", 2.0, None)]
    assert catalogue.ids.gather(live.stranger(past).history.rows.tolist()).to_list() == [5, 9]
    assert len(live.stranger([]).history.rows) == 0
    nobody = space.users(pl.Series("user_id", [-1]), data.events.clear(), catalogue, data.users)
    assert_same(live.user("nobody"), nobody)


def test_users_are_counted_and_listed_once(space, catalogue, data):
    live = sessions(space, catalogue, data.events, data)
    live.append(1, 9, 5, "watched", None)
    live.append("ann", 9, 5, "watched", None)
    live.append("ann", 7, 6, "watched", None)
    assert len(live) == len(data.users) + 1
    assert live.ids()[-1] == "ann"
    assert live.ids()[:-1] == data.users["user_id"].to_list()


def test_reading_while_others_write(space, catalogue, data):
    live = sessions(space, catalogue, data.events.clear(), data)
    failures = []

    def write(user):
        for number in range(300):
            live.append(user, number % 72 + 1, number, "watched", None)

    def read():
        for _ in range(300):
            past = live.user("a").history
            if past.times.tolist() != list(range(len(past.times))):
                failures.append(past)

    threads = [threading.Thread(target=write, args=(user,)) for user in "abc"] + [
        threading.Thread(target=read) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [len(live.user(user).history.rows) for user in "abc"] == [300, 300, 300]
