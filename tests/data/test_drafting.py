# SPDX-License-Identifier: Apache-2.0
"""All tables and every kind of column are guessed, written down, and taken as written."""

import tomllib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from penchant.data.drafting import write_run_file
from penchant.data.ingest import DataConfig, ingest
from penchant.data.inspect import guess
from penchant.errors import DataError
from penchant.registry import read_config
from penchant.schema import Kind, Meaning

COUNT = 120
START = datetime(2020, 1, 1, tzinfo=UTC)


def put(folder, name, table):
    pl.DataFrame(table).write_parquet(folder / name)
    return folder / name


def taken(text, folder):
    return ingest(read_config(DataConfig, tomllib.loads(text)["data"], "run.toml [data]"), folder)


def shop(folder):
    """A shop's five tables in everyday names."""
    some = range(COUNT)
    return {
        "events": [
            put(
                folder,
                "e.parquet",
                {
                    "visitor_id": [i % 30 for i in some],
                    "product_id": [i % 40 for i in some],
                    "ts": [START + timedelta(minutes=i) for i in some],
                    "event": [("pageview", "add_to_cart", "purchase", "thumbs_down", "zzz")[i % 5] for i in some],
                    "dwell_time": [i / 2 for i in some],
                    "revenue": [i + 0.5 for i in some],
                    "qty": [1 + i % 3 for i in some],
                    "session_id": [f"s{i // 4}" for i in some],
                    "position": [1 + i % 10 for i in some],
                    "propensity": [0.1 + i % 2 / 2 for i in some],
                    "device": [("phone", "laptop")[i % 2] for i in some],
                    "dwell": [("long", "short")[i % 2] for i in some],
                },
            )
        ],
        "items": [
            put(
                folder,
                "i.parquet",
                {
                    "product_id": range(60),
                    "name": [f"Thing number {i}" for i in range(60)],
                    "photo": [f"p/{i}.jpg" for i in range(60)],
                    "cover": [f"https://x.org/{i}.png?w=5" for i in range(60)],
                    "clip": [f"c/{i}.flac" for i in range(60)],
                    "scan": [b"\x89PNG" + bytes([i]) for i in range(60)],
                    "sound": [b"RIFF\x00\x01\x02\x03WAVEfmt " for _ in range(60)],
                    "blob": [b"??" for _ in range(60)],
                    "style": [[i / 2, 1.0] for i in range(60)],
                    "shape": [f"[{i}, -0.5, 1e-3]" for i in range(60)],
                    "launched": [f"2020-01-{1 + i % 28:02d}" for i in range(60)],
                    "seen": [START + timedelta(days=i) for i in range(60)],
                },
            )
        ],
        "reviews": [
            put(
                folder,
                "r.parquet",
                {
                    "visitor_id": [1, 2],
                    "product_id": [1, 2],
                    "review_body": ["Fine", "Not so fine"],
                    "stars": [5, 2],
                    "date": ["2020-02-01", "2020-02-02"],
                },
            )
        ],
        "social": [put(folder, "s.parquet", {"user": [1, 2], "followee": [2, 3], "trust": [0.5, 1.0]})],
    }


def test_a_whole_shop(tmp_path):
    found = guess(**shop(tmp_path))
    text = write_run_file(found, tmp_path)
    data = taken(text, tmp_path).dataset
    assert data.schema.extras == ("dwell", "amount", "quantity", "session", "position", "propensity")
    assert {name: one.meaning for name, one in data.schema.meanings.items()} == {
        "pageview": Meaning.VIEW,
        "add_to_cart": Meaning.CART,
        "purchase": Meaning.PURCHASE,
        "thumbs_down": Meaning.DISLIKE,
    }
    assert data.schema.meanings["thumbs_down"].sign == -1
    assert "events: type pageview = view (its name says so)" in found.reasons()
    kinds = {name: column.kind for name, column in data.schema.items.items()}
    assert kinds == {
        "name": Kind.TEXT,
        "photo": Kind.IMAGE,
        "cover": Kind.IMAGE,
        "clip": Kind.AUDIO,
        "scan": Kind.IMAGE,
        "sound": Kind.AUDIO,
        "style": Kind.VECTOR,
        "shape": Kind.VECTOR,
        "launched": Kind.TIME,
        "seen": Kind.TIME,
    }
    assert "items: blob: left out (holds Binary: left out)" in found.reasons()
    assert data.reviews.select("user_id", "text", "rating").rows() == [(1, "Fine", 5.0), (2, "Not so fine", 2.0)]
    assert data.social.select("user_id", "friend_id", "weight").rows() == [(1, 2, 0.5), (2, 3, 1.0)]


def test_context_is_offered_but_switched_off(tmp_path):
    found = guess(**shop(tmp_path))
    text = write_run_file(found, tmp_path)
    assert '# device = { kind = "category" }  #' in text
    assert "# dwell =" not in text
    assert taken(text, tmp_path).dataset.schema.context == {}
    on = text.replace("# [data.events.context]", "[data.events.context]").replace("# device", "device")
    assert taken(on, tmp_path).dataset.schema.context["device"].kind is Kind.CATEGORY


@pytest.mark.parametrize(
    ("kind", "table", "message"),
    [
        ("social", {"user_id": [1], "x": [2]}, r"s\.parquet: .*column is the friend.*Name it 'friend_id'"),
        ("reviews", {"user_id": [1], "x": ["a"]}, r"s\.parquet: .*column is the item.*Name it 'item_id'"),
        ("reviews", {"x": ["a"]}, r"s\.parquet: .*column is the user.*Name it 'user_id'"),
    ],
)
def test_who_cannot_be_told_is_asked_for(tmp_path, kind, table, message):
    events = [put(tmp_path, "e.parquet", {"user_id": [1], "item_id": [2]})]
    with pytest.raises(DataError, match=message):
        guess(events, **{kind: [put(tmp_path, "s.parquet", table)]})


def test_reviews_of_stars_alone(tmp_path):
    events = [put(tmp_path, "e.parquet", {"user_id": [1], "item_id": [2]})]
    reviews = [put(tmp_path, "r.parquet", {"user_id": [1], "item_id": [2], "stars": [4]})]
    made = taken(write_run_file(guess(events, reviews=reviews), tmp_path), tmp_path)
    assert made.dataset.reviews.rows() == [(1, 2, None, None, 4.0)]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("seller_id", [f"s{i % 70}" for i in range(100)], Kind.ID),
        ("sellerId", [i % 70 for i in range(100)], Kind.ID),
        ("seller_id", [f"s{i % 9}" for i in range(100)], Kind.CATEGORY),
        ("paid", [f"s{i % 70}" for i in range(100)], Kind.CATEGORY),
    ],
)
def test_ids_of_things_without_a_table(tmp_path, name, cells, kind):
    events = [put(tmp_path, "e.parquet", {"user_id": range(100), "item_id": range(100)})]
    items = [put(tmp_path, "i.parquet", {"item_id": range(100), name: cells})]
    (column,) = guess(events, items).items.columns
    assert column.column.kind is kind
