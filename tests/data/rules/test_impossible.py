# SPDX-License-Identifier: Apache-2.0
"""Impossible values, each with its reason; what is empty or just possible stays."""

import pytest

from logs import fell, log, sift
from penchant.data.rules.impossible import Amount, Dwell, Position, Propensity, Quantity, RatingRange
from penchant.data.rules.rule import Known
from penchant.errors import ConfigError
from penchant.schema import EventType, Meaning

INF, NAN = float("inf"), float("nan")
SHOP = Known(
    meanings={
        "view": EventType(meaning=Meaning.VIEW),
        "buy": EventType(meaning=Meaning.PURCHASE),
        "refund": EventType(meaning=Meaning.RETURN),
        "rate": EventType(meaning=Meaning.RATING),
    }
)


def test_dwell():
    rule = Dwell(Dwell.Config(), Known())
    _, fallen = sift([rule], log(dwell=[0, -0.1, 86_400, 86_400.5, None, NAN, INF, 3]))
    assert fallen == {
        1: "the dwell time is negative",
        3: "the dwell time is longer than 86400 seconds",
        5: "the dwell time is not a finite number",
        6: "the dwell time is not a finite number",
    }
    assert fell(Dwell(Dwell.Config(longest=2), Known()), log(dwell=[2, 3])) == [1]


def test_amount():
    rule = Amount(Amount.Config(), Known())
    events = log(amount=[1, 0, -1, -2, None, NAN, 0, -9], quantity=[1, 1, -1, 1, 1, 1, -1, None])
    _, fallen = sift([rule], events)
    assert fallen == {
        1: "the amount is zero",
        3: "the amount is negative, and it is no return",
        5: "the amount is not a finite number",
    }
    assert fell(Amount(Amount.Config(zero="keep"), Known()), events) == [3, 5]


def test_what_was_only_viewed_may_cost_nothing():
    rule = Amount(Amount.Config(), SHOP)
    events = log(type=["view", "buy", "refund", "new"], amount=[0, 0, 0, 0])
    assert fell(rule, events) == [1, 3]


def test_quantity():
    events = log(type=["buy", "buy", "buy", "view", "buy"], quantity=[1, 0, -1, 0, -INF])
    assert fell(Quantity(Quantity.Config(), SHOP), events) == [1, 4]


def test_position_and_propensity():
    assert fell(Position(Position.Config(), Known()), log(position=[1, 0, -3, None])) == [1, 2]
    events = log(propensity=[1.0, 1e-9, 0.0, 1.001, -0.1, None, NAN])
    assert fell(Propensity(Propensity.Config(), Known()), events) == [2, 3, 4, 6]


def test_ratings_keep_to_their_scale():
    rule = RatingRange(RatingRange.Config(lowest=1, highest=5), Known())
    _, fallen = sift([rule], log(value=[1, 5, 0.5, 5.5, None]))
    assert fallen == {2: "the rating is below 1", 3: "the rating is above 5"}
    assert fell(RatingRange(RatingRange.Config(lowest=1), Known()), log(value=[0, 9])) == [0]
    rule = RatingRange(RatingRange.Config(highest=5), SHOP)
    assert fell(rule, log(type=["rate", "buy"], value=[7, 7])) == [0]


@pytest.mark.parametrize("choices", [{}, {"lowest": 5, "highest": 5}, {"lowest": 6, "highest": 5}])
def test_a_scale_has_two_ends(choices):
    with pytest.raises(ConfigError, match="rating_range"):
        RatingRange.Config(**choices)


def test_a_rule_needs_its_column():
    assert not Dwell(Dwell.Config(), Known()).needs(["user_id", "time"])
    assert Dwell(Dwell.Config(), Known()).needs(["user_id", "dwell"])
