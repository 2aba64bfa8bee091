# SPDX-License-Identifier: Apache-2.0
"""The event log keeps what it acknowledges, in order, from many threads, and says clearly when it cannot."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
import sqlalchemy as sa

from penchant.errors import ConfigError
from penchant.schema import IdType
from penchant.serve.eventlog import EventLog, EventLogError, Written
from penchant.serve.eventtable import Event, canonical
from serve.conftest import BOTH

DATABASES = BOTH


@pytest.fixture
def sqlite_log(tmp_path):
    """A log for tests of what only SQLite does, or that have nothing to do with the database."""
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield log
    log.close()


def event(user=1, item=2, time=1_000_000, **more):
    return Event(user_id=user, item_id=item, time=time, **more)


def everything(log, **how):
    return pl.concat(log.replay(**how))


def test_appended_events_come_back_as_they_went_in(log):
    assert log.append([event(7, "7", type="rated", value=4.5), event("7", 7)]) == [1, 2]
    frame = everything(log)
    assert frame.rows() == [
        (1, 7, None, None, "7", 1_000_000, "rated", 4.5, None),
        (2, None, "7", 7, None, 1_000_000, "event", None, None),
    ]


def test_an_empty_append_takes_no_number(log):
    assert log.append([]) == []
    assert log.append([event()]) == [1]


def test_a_reopened_log_goes_on_counting(url):
    first = EventLog(url)
    first.append([event(), event()])
    first.close()
    again = EventLog(url)
    assert again.last == 2
    assert again.append([event()]) == [3]
    again.close()


def test_replay_starts_after_a_number_and_comes_in_batches(log):
    log.append([event(item=number) for number in range(10)])
    frames = list(log.replay(after=3, batch=4))
    assert [len(frame) for frame in frames] == [4, 3]
    assert pl.concat(frames)["item_id_number"].to_list() == [3, 4, 5, 6, 7, 8, 9]
    assert list(log.replay(after=10)) == []


def test_canonical_keeps_the_events_with_the_catalogues_kind_of_id(log):
    log.append([event("ann", 1), event("ann", "one"), event(5, 2), event("bob", 3)])
    frame = canonical(everything(log), IdType.STRING, IdType.INTEGER)
    assert frame.columns == ["user_id", "item_id", "time", "type", "value"]
    assert frame.select("user_id", "item_id").rows() == [("ann", 1), ("bob", 3)]


def test_many_threads_share_transactions_and_lose_nothing(log):
    commits = []
    sa.event.listen(log.engine, "commit", lambda _connection: commits.append(1))
    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(lambda number: log.append([event(item=number), event(item=-number)]), range(1, 401)))
    frame = everything(log)
    numbers = dict(zip(frame["sequence"], frame["item_id_number"], strict=True))
    assert len(numbers) == 800
    for number, (first, second) in enumerate(given, 1):
        assert (numbers[first], numbers[second]) == (number, -number)
        assert second == first + 1
    assert len(commits) < 400


def test_two_writers_on_one_file_do_not_tread_on_each_other(url):
    one, two = EventLog(url), EventLog(url)
    with ThreadPoolExecutor(2) as pool:
        given = list(
            pool.map(
                lambda job: job[0].append([event(item=job[1])])[0],
                [(log, n) for n in range(20) for log in (one, two)],
            )
        )
    assert sorted(given) == list(range(1, 41))
    one.close()
    two.close()


def test_another_process_may_read_while_the_log_is_open(sqlite_log, tmp_path):
    sqlite_log.append([event()])
    with sqlite3.connect(tmp_path / "events.db") as reader:
        assert reader.execute("select count(*) from events").fetchone() == (1,)
        assert reader.execute("pragma journal_mode").fetchone() == ("wal",)
    reader.close()


def test_every_connection_waits_for_the_disk(sqlite_log):
    with sqlite_log.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def fill_disk(log):
    """From now on SQLite has no room for another page, as on a full disk."""

    def full(connection):
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count={pages}")

    sa.event.listen(log.engine, "begin", full)
    return lambda: sa.event.remove(log.engine, "begin", full)


def test_a_full_disk_is_named_and_nothing_of_the_request_is_kept(sqlite_log):
    sqlite_log.append([event()])
    empty_disk = fill_disk(sqlite_log)
    with pytest.raises(EventLogError, match=r"events\.db cannot be written: .*disk is full \(free some space"):
        sqlite_log.append([event(item=n) for n in range(5000)])
    empty_disk()
    with sqlite_log.engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count=1000000")
    assert everything(sqlite_log)["sequence"].to_list() == [1]
    assert sqlite_log.append([event()]) == [2]


def test_a_read_only_disk_is_named(sqlite_log):
    sa.event.listen(sqlite_log.engine, "begin", lambda c: c.exec_driver_sql("pragma query_only=1"))
    with pytest.raises(EventLogError, match=r"readonly database \(make the file and its folder writable\)"):
        sqlite_log.append([event()])
    assert sqlite_log.last == 0


def test_one_impossible_event_does_not_take_its_neighbours_with_it(log):
    hold = threading.Event()
    sa.event.listen(log.engine, "begin", lambda _connection: hold.wait(5), once=True)
    first = log.submit([event()])  # occupies the writer, so that the next three wait together
    good, bad, fine = (
        log.submit([event(item=1)]),
        log.submit([event(item=2**70)]),
        log.submit([event(item=3)]),
    )
    hold.set()
    assert first.result().numbers == [1]
    assert good.result().numbers == [2]
    assert fine.result().numbers == [3]
    with pytest.raises(EventLogError, match="cannot be written"):
        bad.result()


def test_a_closed_log_refuses_and_closes_twice(url):
    log = EventLog(url)
    waiting = [log.submit([event()]) for _ in range(50)]
    log.close()
    log.close()
    assert [number for future in waiting for number in future.result().numbers] == list(range(1, 51))
    with pytest.raises(EventLogError, match="closed"):
        log.append([event()])


def test_reading_a_log_that_broke_is_an_error_with_a_reason(log):
    with log.engine.begin() as connection:
        connection.exec_driver_sql("drop table events")
    with pytest.raises(EventLogError, match=r"cannot be read: .*(no such table|does not exist)"):
        list(log.replay())


def test_a_log_that_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(
        EventLogError, match=r"cannot be opened: unable to open database file \(see that its folder"
    ):
        EventLog(f"sqlite:///{tmp_path / 'nowhere' / 'events.db'}")
    (tmp_path / "poem.txt").write_text("Shall I compare thee to a summer's day? " * 100)
    with pytest.raises(EventLogError, match="not a database"):
        EventLog(f"sqlite:///{tmp_path / 'poem.txt'}")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("events.db", "not the address of a database; for example sqlite:///"),
        ("sqlite://", "keeps nothing: name a file"),
        ("sqlite:///:memory:", "keeps nothing"),
        ("oracle://host/db", "needs the Python package"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(address, message):
    with pytest.raises(ConfigError, match=message):
        EventLog(address)


def test_what_an_event_says_beyond_comes_back_in_columns(log):
    log.append([event(more={"dwell": 2.5, "device": "电话"}), event(), event(more={"price": 3.0})])
    more = {"dwell": pl.Float64(), "device": pl.String(), "price": pl.Float64()}
    frame = canonical(everything(log), IdType.INTEGER, IdType.INTEGER, more)
    assert frame.select(*more).rows() == [(2.5, "电话", None), (None, None, None), (None, None, 3.0)]


def test_a_log_of_an_earlier_version_is_taken_up(tmp_path):
    url = f"sqlite:///{tmp_path / 'events.db'}"
    old = sqlite3.connect(tmp_path / "events.db")
    old.execute(
        "CREATE TABLE events (sequence BIGINT PRIMARY KEY, user_id_number BIGINT, user_id_text TEXT,"
        " item_id_number BIGINT, item_id_text TEXT, time BIGINT NOT NULL, type TEXT NOT NULL, value DOUBLE)"
    )
    old.execute("INSERT INTO events VALUES (1, 7, NULL, 9, NULL, 5, 'view', NULL)")
    old.commit()
    old.close()
    log = EventLog(url)
    assert log.append([event(more={"dwell": 1.0})]) == [2]
    frame = canonical(everything(log), IdType.INTEGER, IdType.INTEGER, {"dwell": pl.Float64()})
    assert frame["dwell"].to_list() == [None, 1.0]
    log.close()


def test_an_event_that_is_sent_again_is_there_once(log):
    told = []
    log.listen(lambda events, first: told.append(([one.item_id for one in events], first)))
    assert log.append([event(item=1, event_id="a"), event(item=2), event(item=3, event_id="b")]) == [1, 2, 3]
    again = log.submit([event(item=3, event_id="b"), event(item=4, event_id="c"), event(item=1, event_id="a")])
    assert again.result() == Written(numbers=[3, 4, 1], repeated=2)
    twice = log.submit([event(item=5, event_id="d"), event(item=5, event_id="d"), event(item=6)])
    assert twice.result() == Written(numbers=[5, 5, 6], repeated=1)
    assert log.submit([event(item=1, event_id="a")]).result() == Written(numbers=[1], repeated=1)
    assert log.submit([event(item=7)]).result().numbers == [7]
    assert everything(log)["item_id_number"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert told == [([1, 2, 3], 1), ([4], 4), ([5, 6], 5), ([7], 7)]


def test_many_ids_are_found_again_by_another_process(url):
    first, second = EventLog(url), EventLog(url)
    many = [event(item=n, event_id=f"é{n}") for n in range(1200)]
    first.append(many)
    assert second.submit([*many, event(item=-1)]).result() == Written(
        numbers=[*range(1, 1201), 1201], repeated=1200
    )
    second.append([event(event_id="x")])
    assert first.submit([event(event_id="x"), event(event_id="y")]).result().repeated == 1
    assert everything(first).height == 1203
    first.close()
    second.close()


def test_a_log_of_an_earlier_version_takes_ids(url):
    log = EventLog(url)
    log.append([event()])
    with log.engine.begin() as old:
        old.execute(sa.text("drop table event_ids"))
    log.close()
    again = EventLog(url)
    assert again.append([event(event_id="a"), event(event_id="a")]) == [2, 2]
    again.close()
