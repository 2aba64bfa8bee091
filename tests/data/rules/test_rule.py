# SPDX-License-Identifier: Apache-2.0
"""What an event is: by what its type means, and by the signs of quantity and amount."""

import polars as pl
import pytest

from logs import log
from penchant.data.rules.rule import Known, fall
from penchant.schema import EventType, Meaning

KNOWN = Known(
    meanings={
        "buy": EventType(meaning=Meaning.PURCHASE),
        "refund": EventType(meaning=Meaning.RETURN),
        "odd": EventType(),
    }
)


@pytest.mark.parametrize(
    ("meanings", "expected"),
    [
        ((Meaning.PURCHASE,), [True, False, False, False]),
        ((Meaning.PURCHASE, Meaning.RETURN), [True, True, False, False]),
        ((Meaning.OTHER,), [False, False, True, True]),
        ((Meaning.VIEW,), [False] * 4),
    ],
)
def test_a_type_that_nobody_explained_means_something_else(meanings, expected):
    events = log(type=["buy", "refund", "odd", "new"])
    assert events.select(KNOWN.means(*meanings)).to_series().to_list() == expected


def test_the_quantity_says_before_the_amount_what_comes_back():
    events = log(
        type=["buy", "refund", "buy", "buy", "buy", "buy"],
        quantity=[1, 1, -1, None, None, 1],
        amount=[5, 5, 5, -5, None, -5],
    )
    found = [KNOWN.is_return(columns) for columns in (["quantity", "amount"], ["amount"], ["quantity"], [])]
    answers = [events.select(one).to_series().to_list() for one in found]
    assert answers == [
        [False, True, True, True, False, False],
        [False, True, False, True, False, True],
        [False, True, True, False, False, False],
        [False, True, False, False, False, False],
    ]


def test_null_is_not_broken():
    said = fall(log(value=[1, None, 3]).lazy(), pl.col("value") > 1, "too much").collect()
    assert said.rows() == [(2, "too much")]
