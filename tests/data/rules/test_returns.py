# SPDX-License-Identifier: Apache-2.0
"""Returns take back what was bought last; what they find nothing of falls by itself."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logs import log, sift
from penchant.data.rules.returns import PAIRED, UNDONE, UNPAIRED, Returns
from penchant.data.rules.rule import Known
from penchant.schema import EventType, Meaning

RULE = Returns(Returns.Config(), Known())
KEEP = Returns(Returns.Config(purchases="keep"), Known())


def fallen(events, rule=RULE):
    return sift([rule], events)[1]


def test_both_fall_where_all_comes_back():
    assert fallen(log(quantity=[6, -6])) == {0: UNDONE, 1: PAIRED}
    assert fallen(log(quantity=[6, -6]), KEEP) == {1: PAIRED}


def test_what_came_back_in_part_stays_as_it_was():
    events = log(quantity=[6, -2])
    kept, gone = sift([RULE], events)
    assert gone == {1: PAIRED}
    assert kept.equals(events.head(1))
    assert fallen(log(quantity=[6, -2, -4])) == {0: UNDONE, 1: PAIRED, 2: PAIRED}


def test_the_last_purchase_is_taken_back_first():
    assert fallen(log(quantity=[6, 6, -6])) == {1: UNDONE, 2: PAIRED}
    assert fallen(log(quantity=[5, 6, -7])) == {1: UNDONE, 2: PAIRED}
    assert fallen(log(quantity=[5, 6, -11])) == {0: UNDONE, 1: UNDONE, 2: PAIRED}


def test_a_return_takes_back_nothing_that_is_bought_later():
    assert fallen(log(quantity=[-6, 6])) == {0: UNPAIRED}
    assert fallen(log(quantity=[2, -6, 6, -6])) == {0: UNDONE, 1: PAIRED, 2: UNDONE, 3: PAIRED}


def test_at_one_moment_the_purchase_is_first():
    assert fallen(log(time=[3, 3], quantity=[-6, 6])) == {0: PAIRED, 1: UNDONE}


def test_a_return_needs_the_same_user_and_item():
    events = log(user_id=list("abaa"), item_id=list("iiji"), quantity=[1, -1, -1, -1])
    assert fallen(events) == {0: UNDONE, 1: UNPAIRED, 2: UNPAIRED, 3: PAIRED}


def test_weights_are_summed_without_a_speck_left():
    assert fallen(log(quantity=[0.1, 0.2, -0.3])) == {0: UNDONE, 1: UNDONE, 2: PAIRED}


def test_a_type_can_say_that_it_is_a_return():
    known = Known(
        meanings={
            "view": EventType(meaning=Meaning.VIEW),
            "buy": EventType(meaning=Meaning.PURCHASE),
            "refund": EventType(meaning=Meaning.RETURN),
        }
    )
    rule = Returns(Returns.Config(), known)
    assert rule.needs([])
    events = log(type=["buy", "view", "buy", "refund", "refund", "refund"])
    assert fallen(events, rule) == {0: UNDONE, 2: UNDONE, 3: PAIRED, 4: PAIRED, 5: UNPAIRED}
    # The quantity of a refund may be written with either sign.
    assert fallen(log(type=["buy", "refund"], quantity=[2, 2]), rule) == {0: UNDONE, 1: PAIRED}
    # A view with a quantity is no purchase.
    assert fallen(log(type=["view", "refund"], quantity=[2, 2]), rule) == {1: UNPAIRED}


def test_without_quantities_one_piece_is_meant():
    assert fallen(log(amount=[5.0, -4.0, -5.0])) == {0: UNDONE, 1: PAIRED, 2: UNPAIRED}
    assert RULE.needs(["amount"])
    assert RULE.needs(["quantity"])
    assert not RULE.needs(["user_id", "value"])


def test_without_a_return_nothing_falls():
    assert fallen(log(quantity=[1, None, 3], amount=[1, None, 2])) == {}


def plainly(rows):
    """A stack of pieces for each pair, one row after the other."""
    stacks, said = {}, {}
    for at, (user, item, pieces) in enumerate(rows):
        stack = stacks.setdefault((user, item), [])
        if pieces > 0:
            stack.append([at, pieces])
            continue
        owed, found = -pieces, False
        while owed and stack:
            taken = min(owed, stack[-1][1])
            found, owed = True, owed - taken
            stack[-1][1] -= taken
            if not stack[-1][1]:
                said[stack.pop()[0]] = UNDONE
        said[at] = PAIRED if found else UNPAIRED
    return said


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("ij"), st.integers(-5, 5).filter(bool)),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_running_sums_say_what_a_stack_says(rows):
    users, items, pieces = map(list, zip(*rows, strict=True))
    assert fallen(log(user_id=users, item_id=items, quantity=pieces)) == plainly(rows)


@given(ROWS, st.randoms())
def test_the_order_of_the_file_does_not_matter(rows, random):
    users, items, pieces = map(list, zip(*rows, strict=True))
    events = log(user_id=users, item_id=items, quantity=pieces)
    order = random.sample(range(events.height), events.height)
    assert fallen(events[order]) == fallen(events)


@given(ROWS)
def test_strangers_change_nothing(rows):
    users, items, pieces = map(list, zip(*rows, strict=True))
    events = log(user_id=users, item_id=items, quantity=pieces)
    more = log(user_id=["x", "y"], item_id=["i", "i"], quantity=[3, -3]).with_columns(pl.col("_at") + 1000)
    assert {at: why for at, why in fallen(pl.concat([more, events])).items() if at < 1000} == fallen(events)
