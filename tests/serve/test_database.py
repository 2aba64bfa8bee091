# SPDX-License-Identifier: Apache-2.0
"""Both databases: several processes on one, one that goes away and comes back, addresses that cannot be used."""

import sys
import time

import pytest
import sqlalchemy as sa

import postgres
from inprocess import Client
from penchant.bundle.bundle import open_bundle
from penchant.errors import MissingExtraError
from penchant.serve import eventlog
from penchant.serve.database import connect, make_tables, reason_of
from penchant.serve.eventlog import EventLog, EventLogError
from penchant.serve.eventtable import Event
from penchant.serve.http import create_app
from penchant.serve.service import Service
from penchant.serve.wire import ItemBody, NewEvent
from serve.conftest import BOTH

DATABASES = BOTH


def event(item, **more):
    return Event(user_id="ann", item_id=item, time=5, **more)


def until(holds, seconds=20):
    """Wait for what another thread does in a moment."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()


def test_each_process_hears_of_all_events_in_their_order(url):
    logs, heard = [EventLog(url) for _ in range(3)], [[], [], []]
    assert len({log.identity for log in logs}) == 1
    for log, told in zip(logs, heard, strict=True):
        log.listen(lambda events, first, told=told: told.append((first, [one.item_id for one in events])))
    futures = [logs[n % 2].submit([event(n), event(-n, more={"dwell": 2.0})]) for n in range(1, 60)]
    numbers = {n: future.result().numbers for n, future in enumerate(futures, 1)}
    wanted = {number: item for n, pair in numbers.items() for number, item in zip(pair, (n, -n), strict=True)}
    for told in heard:
        until(lambda told=told: sum(len(items) for _, items in told) == 118)
        flat = [(first + at, item) for first, items in told for at, item in enumerate(items)]
        assert flat == sorted(wanted.items())
    for log in logs:
        assert log.last == 118
        log.close()


def test_a_listener_may_begin_anywhere(log):
    log.append([event(n) for n in range(5)])
    told = []
    log.listen(lambda events, first: told.append((first, len(events))), after=2)
    until(lambda: told == [(3, 3)])
    log.append([event(9)])
    assert told[1:] == [(6, 1)]


def test_a_listener_that_fails_does_not_end_the_log(log):
    def fail(_events, _first):
        raise ValueError("ill")

    log.listen(fail)
    assert log.append([event(1)]) == [1]
    assert log.append([event(2)]) == [2]


def test_two_services_agree(url, bundle_folder):
    logs = [EventLog(url), EventLog(url)]
    one, other = (Service(open_bundle(bundle_folder), log) for log in logs)
    one.record([NewEvent(user_id="ann", item_id=9)])
    until(lambda: other.recommend("ann").known)
    assert other.recommend("ann") == one.recommend("ann")
    one.put_item(9001, ItemBody(features={"title": "New"}))
    other.patch_item(50, ItemBody(features={"title": "Other"}))  # sees the first change before its own
    assert other.item(9001).title == "New"
    one.follow()
    assert one.item(50).title == "Other"
    one.patch_item(9001, ItemBody(features={"year": 1999}))
    other.patch_item(9001, ItemBody(features={"genres": ["Comedy"]}))
    one.follow()
    wanted = {"title": "New", "year": 1999.0, "genres": ["Comedy"]}
    assert one.item(9001).features == other.item(9001).features == wanted
    for log in logs:
        log.close()


@pytest.fixture
def own_server():
    if postgres.programs() is None:
        pytest.skip(postgres.INSTALL)
    server = postgres.Server().start()
    yield server
    server.remove()


def test_a_server_that_goes_away_and_comes_back(own_server, bundle_folder, monkeypatch):
    monkeypatch.setattr(eventlog, "LOOK_LATER", 0.05)
    log = EventLog(own_server.url("public"))
    service = Service(open_bundle(bundle_folder), log)
    one = {"user_id": "ann", "item_id": 9, "event_id": "a"}
    with Client(create_app(service)) as client:
        assert client.post("/v1/events", json=one).status_code == 200
        before = client.get("/v1/users/ann/recommendations").json()
        own_server.stop()
        for path, body in (
            ("/v1/events", [one, {**one, "event_id": "b"}]),
            ("/v1/items", {"items": [{"item_id": 1}]}),
        ):
            refused = client.post(path, json=body)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), refused.text
        assert client.get("/v1/users/ann/recommendations").json()["items"] == before["items"]
        until(lambda: log.away)
        assert client.get("/readyz").status_code == 503
        with pytest.raises(EventLogError, match="cannot be read"):
            list(log.replay())
        with pytest.raises(EventLogError, match=r"cannot be opened: .*server"):
            EventLog(own_server.url("public"))
        own_server.start()
        until(lambda: not log.away)
        assert client.get("/readyz").json()["ready"] is True
        again = client.post("/v1/events", json=[one, {**one, "event_id": "b"}]).json()
        assert (again["accepted"], again["repeated"], again["last_sequence"]) == (2, 1, 2)
        assert client.get("/v1/users/ann").json()["events"] == 2
    log.close()


def test_a_commit_of_which_no_answer_came_is_not_called_refused(own_server):
    log = EventLog(own_server.url("public"))

    def crash(_connection):
        own_server.stop()

    sa.event.listen(log.engine, "commit", crash)
    with pytest.raises(EventLogError, match="whether the events of this request were kept is not known"):
        log.append([event(1, event_id="a")])
    sa.event.remove(log.engine, "commit", crash)
    own_server.start()
    assert log.append([event(1, event_id="a")]) == [1]
    log.close()


def test_durability_does_not_depend_on_the_servers_settings(own_server):
    engine = connect(own_server.url("public"))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("ALTER SYSTEM SET synchronous_commit = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
    engine.dispose()
    until(lambda: _setting(own_server, "SHOW synchronous_commit", plain=True) == "off")
    assert _setting(own_server, "SHOW synchronous_commit") == "on"


def _setting(server, query, *, plain=False):
    url = sa.make_url(server.url("public")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url) if plain else connect(server.url("public"))
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).scalar()
    engine.dispose()
    return found


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"PostgreSQL needs .*penchant\[postgres\]"):
        connect("postgresql://somebody@localhost/shop")


@pytest.mark.parametrize("word", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_that_is_not_there_is_named(word):
    with pytest.raises(EventLogError, match=r"cannot be opened: .*refused.* \(see that the server runs"):
        EventLog(f"{word}://me:secret@127.0.0.1:1/shop")


def test_tables_of_an_earlier_version_get_what_they_lack(url):
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE things (name VARCHAR(9) PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO things VALUES ('a')"))
    tables = sa.MetaData()
    things = sa.Table("things", tables, sa.Column("name", sa.Text), sa.Column("size", sa.BigInteger, index=True))
    make_tables(engine, tables)
    make_tables(engine, tables)
    with engine.connect() as connection:
        assert connection.execute(sa.select(things)).all() == [("a", None)]
        assert len(sa.inspect(connection).get_indexes("things")) == 1
    engine.dispose()


def test_a_reason_is_one_line():
    assert reason_of(ValueError("one\n\ttwo.\n")) == "one two"
