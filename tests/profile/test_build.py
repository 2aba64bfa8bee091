# SPDX-License-Identifier: Apache-2.0
"""The whole profile and its page, of a set that is clean and of one that is not."""

import re
from html.parser import HTMLParser

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import looks
from logs import log
from penchant.profile.build import profile
from penchant.profile.facts import Profile
from penchant.profile.html import render

REPORT = {
    "events": {
        "rows": 650, "kept": 600, "quarantined": 50,
        "refused": {
            "duplicate": {"count": 10, "file": "logs/a.csv", "row": 7, "reason": "an earlier row is the same"},
            "bots": {"count": 40, "file": "logs/<b>.csv", "row": 1, "reason": "a bot: <script>alert(1)</script>"},
        },
    },
    "dataset": {"events": 600},
}  # fmt: skip


def made(events=None, report=None, cuts=(0.8, 0.9), **kwargs):
    events = looks.steady(value=[k % 5 for k in range(600)]) if events is None else events
    view = looks.view(events, cuts=cuts, **kwargs)
    return profile(view.dataset, view.parts, "by time", report)


class Tags(HTMLParser):
    """Which tags are open, whether they close, and what asks for something outside."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(found):
    page = Tags()
    page.feed(render(found))
    assert not page.open
    return page


def test_a_profile_survives_json():
    found = made(report=REPORT)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Profile) == found
    assert found.rows_in == {"events": 650}
    assert [(one.rule, one.count) for one in found.fallen] == [("bots", 40), ("duplicate", 10)]


def test_the_page_asks_for_nothing_and_runs_nothing():
    page = parsed(made(report=REPORT))
    assert not [tag for tag, _ in page.seen if tag in ("script", "link", "img", "iframe", "object")]
    assert not [
        value
        for _, attrs in page.seen
        for name, value in attrs.items()
        if name in ("src", "href") or name.startswith("on")
    ]
    assert (
        "meta",
        {"content": "default-src 'none'; style-src 'unsafe-inline'", "http-equiv": "Content-Security-Policy"},
    ) in page.seen
    assert "<script>alert(1)</script>" in page.text, "escaped, and so shown"


def test_the_page_tells_what_there_is():
    page = parsed(made(report=REPORT))
    text = re.sub(r"\s+", " ", page.text.replace("\N{NO-BREAK SPACE}", " "))
    for words in (
        "20 users left 600 events with 15 items", "50 of 650 rows (7.7 %) fell in cleaning", "Event types",
        "events, 600 rows", "650 rows in = 600 kept + 50 fallen", "<b>.csv, row 1", "Train against test",
        "Hour of the day", "The long tail",
    ):  # fmt: skip
        assert words in text
    assert "Content of items" not in text


def test_a_clean_set_without_clock_test_part_or_report():
    page = parsed(made(log(user_id=["u"] * 30, time=range(30)), cuts=(0.9, 1.0), has_time=False))
    assert "What fell" not in page.text
    assert "Hour of the day" not in page.text
    assert "Train against test" not in page.text
    assert "Events in their order" in page.text
    kept_all = made(report={"events": {"rows": 600, "kept": 600, "refused": {}}})
    assert "Cleaning took no row" in parsed(kept_all).text
    assert "Every row that fell" not in parsed(kept_all).text


def test_content_findings_and_drift_are_shown(tmp_path):
    n = 2000
    items = pl.DataFrame(
        {
            "item_id": [f"i{k}" for k in range(40)],
            "name": [f"t{k // 2}" for k in range(40)],
            "genre": ["old" if k < 20 else "new" for k in range(40)],
            "plot": ["words"] * 30 + [None] * 10,
            "photo": [f"{k}.png" for k in range(40)],
            "price": [float(k) for k in range(40)],
        }
    )
    events = log(
        user_id=[f"u{k % 50}" for k in range(n)],
        item_id=[f"i{k % 20 + (20 if k > 1700 else 0)}" for k in range(n)],
        seconds=[k * 4000.0 for k in range(n)],
        value=[float(k % 5) for k in range(n)],
        quantity=[float(k) for k in range(n)],
        type=["buy", "look"] * (n // 2),
    )
    found = made(events, items=items, title="name", root=tmp_path)
    page = parsed(found)
    assert {"Items that share a title", "Files of photo are not there"} <= {one.title for one in found.findings}
    assert [one.level for one in found.findings] == sorted((one.level for one in found.findings), reverse=True)
    assert "40 of 40" in page.text
    assert "items' genre" in page.text
    assert "different" in page.text
    assert "PSI" in page.text


@pytest.mark.parametrize("title", ["reviews", "friendships"])
def test_further_tables_are_counted(title):
    found = made()
    sizes = msgspec.structs.replace(found.sizes, reviews=7, social=9, catalogue=20, pairs_exact=False)
    page = parsed(msgspec.structs.replace(found, sizes=sizes))
    assert title in page.text
    assert "items without events" in page.text
    assert "about " in page.text


ROW = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
    st.one_of(st.integers(0, 3), st.integers(0, 10**9)),
    st.sampled_from(["view", "buy"]),
    st.one_of(st.none(), st.integers(-3, 3), st.floats(-1e12, 1e12)),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=12), st.booleans(), st.sampled_from([(0.5, 0.7), (0.0, 1.0), (1.0, 1.0)])
)
def test_any_small_log_has_a_page(rows, clock, cuts):
    users, items, seconds, types, values = map(list, zip(*rows, strict=True))
    events = log(user_id=users, item_id=items, seconds=seconds, type=types, value=values)
    found = made(events, cuts=cuts, has_time=clock)
    parsed(found)
    assert sum(found.sizes.parts.values()) == len(rows)
    assert sum(map(sum, found.over_time.counts.values())) == len(rows)
