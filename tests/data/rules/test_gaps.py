# SPDX-License-Identifier: Apache-2.0
"""Sessions are cut by gaps, for each user apart."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logs import log
from penchant.data.rules.gaps import sessions


def numbers(events, gap=1800.0):
    return sessions(events.lazy(), gap).collect()["session"].to_list()


def test_a_gap_cuts():
    events = log(seconds=[0, 10, 1811, 3611, 5411.5], user_id=list("abaaa"))
    assert numbers(events) == ["1", "1", "2", "2", "3"]
    made = sessions(events.lazy()).collect()
    assert made.drop("session").equals(events)
    assert made.schema["session"] == pl.String


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), min_size=1, max_size=40), st.integers(1, 9))
def test_what_comes_later_changes_no_number(rows, gap):
    rows.sort(key=lambda row: row[1])
    users, seconds = map(list, zip(*rows, strict=True))
    whole = numbers(log(user_id=users, seconds=seconds), gap)
    last, plainly = {}, []
    for user, second in rows:
        before, number = last.get(user, (second, 1))
        last[user] = (second, number + (second - before > gap))
        plainly.append(str(last[user][1]))
    assert whole == plainly
    half = len(rows) // 2 + 1
    assert numbers(log(user_id=users[:half], seconds=seconds[:half]), gap) == whole[:half]
