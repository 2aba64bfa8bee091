# SPDX-License-Identifier: Apache-2.0
"""The service shows and uses reviews and friends: as of the request, friends' events from the log too."""

import polars as pl
import pytest
import torch

import signalled
from inprocess import Client
from penchant import artefact, registry
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.data.dataset import Dataset
from penchant.errors import BundleError
from penchant.schema import FRIEND, ITEM, MICROSECONDS, RATING, TEXT, TIME, USER, WEIGHT
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service

WRITTEN = ("reviews", "review_rating")
LATER = 3600
"""Seconds after the last event at which user 7 writes of item 3, which they had."""


@pytest.fixture(autouse=True, scope="module")
def listed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODELS, "bandwagon", "signalled:Bandwagon")
        yield


@pytest.fixture(scope="module")
def data():
    """The rage of the day; who buys writes an hour later; 7 follows 8 and 9, and 9 only from later on."""
    plain = signalled.dataset()
    own = plain.events.row(3)
    fixed = pl.DataFrame([(7, 3, *own[2:])], schema=plain.events.schema, orient="row")
    events = pl.concat([plain.events, fixed]).sort(TIME, maintain_order=True)
    bought = events.filter(pl.col("type") == "buy", pl.col(USER) != 7)
    end = int(events[TIME].max())
    hour = 3600 * MICROSECONDS
    reviews = pl.concat(
        [
            bought.select(USER, ITEM, pl.col(TIME) + hour, pl.lit("so").alias(TEXT), pl.lit(4.0).alias(RATING)),
            pl.DataFrame({USER: [7], ITEM: [3], TIME: [end + LATER * MICROSECONDS], TEXT: ["so"], RATING: [1.0]}),
        ]
    )
    social = pl.DataFrame(
        {
            USER: [7, 7, 11],
            FRIEND: [8, 9, 12],
            WEIGHT: [2.0, 1.0, None],
            TIME: pl.Series([None, end + LATER * MICROSECONDS, None], dtype=pl.Int64),
        }
    )
    return Dataset(
        name="rage",
        schema=plain.schema,
        events=events,
        items=plain.items,
        users=plain.users,
        reviews=reviews,
        social=social,
    )


@pytest.fixture(scope="module")
def end(data):
    return int(data.events[TIME].max()) // MICROSECONDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data, listed):
    pipeline = signalled.pipeline(data, aggregates=("trend",), reviews=True, social=True)
    place = tmp_path_factory.mktemp("bundles")
    return write_bundle(place, pipeline, name="rage", kind="bandwagon", users=data.users, events=data.events)


class Clock:
    """A clock that tests move."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds * 10**9


@pytest.fixture
def clock(end):
    return Clock(end + 60)


@pytest.fixture
def log(tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield log
    log.close()


@pytest.fixture
def client(folder, log, clock):
    with Client(create_app(Service(open_bundle(folder), log, now=clock))) as client:
        yield client


def test_a_review_counts_once_it_was_written(client, clock, data, end):
    def signals(place):
        return client.get(place).json()["signals"]

    before = signals("/v1/items/3")
    assert before["reviews"] == data.reviews.filter(pl.col(ITEM) == 3).height - 1
    assert before["review_rating"] == 4
    assert signals("/v1/users/7")["reviews"] == 0
    assert signals("/v1/users/7")["review_rating"] is None
    clock.seconds = end + LATER
    assert [signals("/v1/items/3")[name] for name in WRITTEN] == [before[name] for name in WRITTEN]
    clock.seconds = end + LATER + 1
    assert signals("/v1/items/3")["reviews"] == before["reviews"] + 1
    assert signals("/v1/items/3")["review_rating"] < 4
    assert signals("/v1/users/7")["review_rating"] == 1


def test_what_a_friend_does_changes_the_next_answer(client, clock, end):
    def answer(user):
        found = client.get(f"/v1/users/{user}/recommendations?exclude_seen=false").json()["items"]
        return {one["item_id"]: one["score"] for one in found}

    def card(user):
        return client.get(f"/v1/users/{user}").json()["signals"]

    first, shown, strange = answer(7), card(7), card(11)
    assert shown["friends"] == 1
    # Of an item that the answer holds, so that nothing but the friend's signal can tell.
    client.post("/v1/events", json=[{"user_id": 8, "item_id": 0, "type": "view"}])
    assert card(7)["friends_recent"] == pytest.approx(shown["friends_recent"] + 2)
    assert card(11) == strange
    now = answer(7)
    moved = {now[item] - score for item, score in first.items() if item in now and item != 0}
    assert moved
    assert all(abs(step) > 1e-6 for step in moved)
    client.post("/v1/events", json=[{"user_id": 9, "item_id": 0, "type": "view"}])
    assert card(7)["friends_recent"] == pytest.approx(shown["friends_recent"] + 2)
    clock.seconds = end + LATER + 1
    assert card(7)["friends"] == 2
    assert card(7)["friends_recent"] > shown["friends_recent"]


def test_after_a_restart_and_a_swap_it_is_the_same(folder, log, clock):
    first = Service(open_bundle(folder), log, now=clock)
    with Client(create_app(first)) as client:
        rows = [{"user_id": user, "item_id": 4, "type": "buy"} for user in (8, 9, "strange", 8, 7, 12)]
        client.post("/v1/events", json=rows[:4])
        client.post("/v1/events", json=rows[4:])
    known = first._running.sessions.user(7, 10**16)
    again = Service(open_bundle(folder), log, now=clock)._running.sessions.user(7, 10**16)
    first.swap(folder)
    swapped = first._running.sessions.user(7, 10**16)
    for one in (again, swapped):
        assert torch.equal(known.signals, one.signals)
        assert torch.equal(known.catalogue.signals, one.catalogue.signals)


def test_the_bundle_holds_the_tables_without_words_and_needs_them(folder, tmp_path, data):
    manifest = open_bundle(folder).manifest
    assert {"reviews.parquet", "social.parquet"} <= manifest.files.keys()
    assert pl.read_parquet(folder / "reviews.parquet").columns == [USER, ITEM, TIME, RATING]
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    stated = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(stated.replace("social.parquet", "elsewhere.parquet"))
    (copy / "social.parquet").rename(copy / "elsewhere.parquet")
    with pytest.raises(BundleError, match="signals look at social, and there is no such table"):
        open_bundle(copy)
    data.social.head(1).write_parquet(copy / "social.parquet")
    old, new = (artefact.sha256(path / "social.parquet") for path in (folder, copy))
    (copy / "manifest.json").write_text(stated.replace(old, new))
    with pytest.raises(BundleError, match="not of these friends"):
        open_bundle(copy)
