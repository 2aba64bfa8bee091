# SPDX-License-Identifier: Apache-2.0
"""Each rule is shown what it must see, and no more; what falls is remembered by its rule."""

import polars as pl
import pytest

from logs import log
from penchant.data.rules.rule import AT, fall
from penchant.data.screening import Screen
from penchant.data.source import Scratch


class Spy:
    """A rule that remembers what it saw and refuses some rows."""

    def __init__(self, name, scope, rows=()):
        self.name, self.scope, self.rows, self.seen = name, scope, list(rows), []

    def broken(self, events):
        self.seen.append(events.collect())
        return fall(events, pl.col(AT).is_in(self.rows), self.name)


class Choosy(Spy):
    """One that looks only at users with an event of type x."""

    def suspects(self, columns):
        assert {"user_id", "type"} <= set(columns)
        return pl.col("type") == "x"


class Held:
    def __init__(self, events):
        self.events, self.height = events, events.height

    def scan(self, first=0, last=None):
        return self.events[first:last].lazy()

    def collect(self, frame):
        return frame.collect()


EVENTS = log(user_id=list("abcabcabca"), item_id=list("xxyyxxyyxx"), type=["x", *["e"] * 9])


def sift(rules, size, events=EVENTS):
    """What is left, and {rule: rows that fell}, with parts of so many rows."""
    screen = Screen(Held(events), rules, size, Scratch())
    parts = [events[first : first + size] for first in range(0, events.height, size)]
    left = pl.concat(screen.sift(parts))
    fallen = {name: [at for one in frames for at in one[AT].to_list()] for name, frames in screen.fallen.items()}
    return left[AT].to_list(), fallen


@pytest.mark.parametrize("size", [3, 10])
def test_a_row_falls_by_the_first_rule_that_it_breaks(size):
    rules = [Spy("a", "row", [1]), Spy("b", "moment", [1, 2]), Spy("c", "user", [2, 3]), Spy("d", "user", [3, 4])]
    rules += [Spy("e", "all", [4, 5]), Spy("f", "all", [5, 6])]
    left, fallen = sift(rules, size)
    assert left == [0, 7, 8, 9]
    assert fallen == {"a": [1], "b": [2], "c": [3], "d": [4], "e": [5], "f": [6]}


@pytest.mark.parametrize("size", [2, 3, 10])
def test_scopes(size):
    row, user, whole = Spy("r", "row", [4]), Spy("u", "user"), Spy("a", "all")
    sift([row, user, whole], size)
    assert [frame.height for frame in row.seen] == [len(EVENTS[i : i + size]) for i in range(0, 10, size)]
    by_user = {name: [frame for frame in user.seen if name in frame["user_id"]] for name in "abc"}
    for name, frames in by_user.items():
        assert len(frames) == 1, "a user's events are seen at once"
        rows = frames[0].filter(user_id=name)[AT].to_list()
        assert rows == [at for at in EVENTS.filter(user_id=name)[AT].to_list() if at != 4]
    assert len(whole.seen) == 1
    assert whole.seen[0].columns == [AT, "user_id", "item_id", "time"]
    assert whole.seen[0][AT].to_list() == [0, 1, 2, 3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("size", [3, 10])
def test_a_rule_is_shown_only_users_who_concern_it(size):
    choosy = Choosy("c", "user", [3])
    left, fallen = sift([choosy], size)
    assert {name for frame in choosy.seen for name in frame["user_id"]} == {"a"}
    assert fallen == {"c": [3]}
    assert left == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_rule_that_concerns_nobody_costs_nothing():
    choosy = Choosy("c", "user")
    assert sift([choosy], 3, EVENTS[1:])[0] == list(range(1, 10))
    assert choosy.seen == []


def test_nothing_in_nothing_out():
    screen = Screen(Held(EVENTS), [Spy("u", "user")], 3, Scratch())
    assert list(screen.sift([])) == []
