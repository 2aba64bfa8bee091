# SPDX-License-Identifier: Apache-2.0
"""Whole users and whole items held out."""

from __future__ import annotations

import polars as pl
import pytest

from penchant.data.splits import SplitConfig, split
from penchant.errors import DataError
from penchant.schema import ITEM, TIME, USER
from worlds import EACH, ITEMS, USERS, checkerboard


def divided(**choices):
    return split(checkerboard(), SplitConfig(**choices))


def given_of(parts, part="test"):
    return parts.scan(f"{part}_given").collect()


def users(frame):
    return set(frame[USER])


def test_held_out_users_are_whole():
    parts = divided(kind="strong_generalisation", validation=0.1, test=0.2)
    train, validation, test = users(parts.train), users(parts.validation), users(parts.test)
    assert (len(train), len(validation), len(test)) == (USERS - 18, 6, 12)
    assert len(train | validation | test) == USERS
    assert users(given_of(parts)) == test
    assert users(given_of(parts, "validation")) == validation
    assert parts.everything.height == USERS * EACH


def test_the_first_of_their_events_are_given():
    parts = divided(kind="strong_generalisation", given=0.5)
    given = given_of(parts).group_by(USER).agg(pl.len(), pl.col(TIME).max().alias("last"))
    hidden = parts.test.group_by(USER).agg(pl.len().alias("rest"), pl.col(TIME).min().alias("first"))
    both = given.join(hidden, on=USER)
    assert both["len"].to_list() == [4] * 6, "half of seven, rounded up"
    assert both["rest"].to_list() == [3] * 6
    assert (both["last"] < both["first"]).all()


def test_any_of_their_events_are_given_if_so_wanted():
    first, any_ = (divided(kind="strong_generalisation", draw=draw) for draw in ("time", "random"))
    assert users(first.test) == users(any_.test)
    assert given_of(first).height == given_of(any_).height
    assert not given_of(first).equals(given_of(any_))
    assert any_.test.equals(divided(kind="strong_generalisation", draw="random").test), "drawn the same way again"


@pytest.mark.parametrize(("given", "told"), [(0.0, 0), (0.8, 6), (0.99, 6), (3 / 7, 3)])
def test_one_event_is_always_left_to_find(given, told):
    parts = divided(kind="strong_generalisation", given=given)
    assert parts.test.height == 6 * (EACH - told)
    assert given_of(parts).height == 6 * told


@pytest.mark.parametrize("told", [0, 2])
def test_of_cold_users_so_many_events_are_given(told):
    parts = divided(kind="cold_users", given_events=told)
    assert parts.test.height == 6 * (EACH - told)
    assert given_of(parts).height == 6 * told
    assert not users(parts.refit) & users(parts.test)


def test_held_out_items_are_whole():
    parts = divided(kind="cold_items", validation=0.25, test=0.25)
    items = [set(part[ITEM]) for part in (parts.train, parts.validation, parts.test)]
    assert [len(some) for some in items] == [ITEMS // 2, ITEMS // 4, ITEMS // 4]
    assert len(set.union(*items)) == ITEMS
    assert given_of(parts).is_empty()


def test_another_seed_holds_out_others():
    assert users(divided(kind="cold_users").test) != users(divided(kind="cold_users", seed=1).test)


def test_too_few_to_hold_any_out_are_said():
    with pytest.raises(DataError, match=r"test = 0.01 of 60 ids of user_id is none; hold out more"):
        divided(kind="strong_generalisation", test=0.01)


def test_nothing_for_validation_is_fine():
    parts = divided(kind="strong_generalisation", validation=0.0)
    assert parts.validation.is_empty()
    assert given_of(parts, "validation").is_empty()
    assert parts.refit.equals(parts.train)
