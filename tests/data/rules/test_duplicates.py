# SPDX-License-Identifier: Apache-2.0
"""Twice the same, exactly or nearly; against the plainest way of saying what near means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import fell, log
from penchant.data.rules.duplicates import Duplicates, NearDuplicates, reached
from penchant.data.rules.rule import Known


def near(within):
    return NearDuplicates(NearDuplicates.Config(within=within), Known())


def test_only_what_is_the_same_in_every_column_is_a_duplicate():
    events = log(time=[5, 5, 5, 6, 5], quantity=[1, 1, 2, 1, None], value=[None, None, None, None, 1])
    assert fell(Duplicates(Duplicates.Config(), Known()), events) == [1]


def test_empty_cells_are_the_same():
    assert fell(Duplicates(Duplicates.Config(), Known()), log(time=[1, 1], value=[None, None])) == [1]


def test_the_first_of_a_chain_anchors_it():
    # 1.5 is close to 0. 3 is close only to 1.5, which fell, so it stays; 4.5 is close to 3.
    assert fell(near(2.0), log(seconds=[0, 1.5, 3, 4.5])) == [1, 3]
    assert fell(near(2.0), log(seconds=[0, 2.0, 4.1])) == [1]
    assert fell(near(0.0), log(seconds=[7, 7, 7.1])) == [1]


def test_others_do_not_make_a_chain():
    events = log(seconds=[0] * 5, user_id=list("ab") + list("aaa"), item_id=list("ii") + list("jii"))
    events = events.with_columns(type=events["type"].scatter(3, "buy"))
    assert fell(near(2.0), events) == [4]


def test_without_a_clock_nothing_is_near():
    assert not NearDuplicates(NearDuplicates.Config(), Known(clock=False)).needs(["time"])
    assert near(1).needs(["time"])


def test_a_click_each_second_of_a_day():
    fallen = fell(near(2.0), log(seconds=range(86_400)))
    assert np.array_equal(np.setdiff1d(np.arange(86_400), fallen), np.arange(0, 86_400, 3))


ACTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("ij"), st.integers(0, 40), st.sampled_from(["view", "buy"])),
    min_size=1,
    max_size=40,
)


def plainly(rows, within):
    """One row after the other, as the words of the rule have it."""
    kept, fallen = {}, []
    for at in sorted(range(len(rows)), key=lambda n: (rows[n][2], n)):
        user, item, second, kind = rows[at]
        if second - kept.get((user, item, kind), -1000) <= within:
            fallen.append(at)
        else:
            kept[user, item, kind] = second
    return sorted(fallen)


@given(ACTS, st.integers(0, 8))
def test_chains_are_what_they_are_said_to_be(rows, within):
    users, items, seconds, kinds = map(list, zip(*rows, strict=True))
    events = log(user_id=users, item_id=items, seconds=seconds, type=kinds)
    assert fell(near(within), events) == plainly(rows, within)


@given(ACTS)
def test_strangers_change_nothing(rows):
    users, items, seconds, kinds = map(list, zip(*rows, strict=True))
    alone = fell(near(3), log(user_id=users, item_id=items, seconds=seconds, type=kinds))
    crowd = log(
        user_id=[*users, *"xyx"],
        item_id=[*items, *"iij"],
        seconds=[*seconds, 0, 1, 2],
        type=[*kinds] + ["view"] * 3,
    )
    assert fell(near(3), crowd) == alone


@given(st.lists(st.integers(1, 6), min_size=1, max_size=30), st.data())
def test_a_way_is_followed_to_its_end(steps, data):
    length = len(steps)
    after = np.minimum(np.arange(length) + np.array(steps), length)
    starts = np.array(data.draw(st.lists(st.booleans(), min_size=length, max_size=length)))
    met = starts.copy()
    for place in range(length):
        if met[place] and after[place] < length:
            met[after[place]] = True
    assert np.array_equal(reached(after, starts), met)


@pytest.mark.parametrize("within", [-1, 86_401])
def test_a_day_is_not_near(within):
    from penchant.data.rules.table import configs
    from penchant.errors import ConfigError

    with pytest.raises(ConfigError, match="within"):
        configs({"near_duplicates": {"within": within}})
