# SPDX-License-Identifier: Apache-2.0
"""Ids of nobody, of nothing, and those that no table holds."""

import polars as pl
import pytest

from logs import fell, log
from penchant.data.rules.ids import MissingUsers, NotProducts, UnknownItems, UnknownUsers
from penchant.data.rules.rule import Known
from penchant.errors import ConfigError


def test_words_for_nobody():
    events = log(user_id=["None", "u", "NaN", "nanette", "n/a", "0"])
    assert fell(MissingUsers(MissingUsers.Config(), Known()), events) == [0, 2, 4]
    assert fell(MissingUsers(MissingUsers.Config(ids=("0",)), Known()), events) == [5]


def test_ids_may_be_integers():
    events = log(user_id=["1", "-1"], item_id=["17", "9"]).with_columns(
        pl.col("user_id", "item_id").cast(pl.Int64)
    )
    assert fell(MissingUsers(MissingUsers.Config(ids=("-1",)), Known()), events) == [1]
    assert fell(NotProducts(NotProducts.Config(only=("??",)), Known()), events) == [1]


CODES = ["POST", "post", "POSTER", "M", "m", "BANK CHARGES", "85123A", "gift_0001_20", "a.b", "aXb", "C2", "x/y"]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"ids": ("POST", "M")}, [0, 1, 3, 4]),
        ({"ids": ("POST", "M"), "ignore_case": False}, [0, 3]),
        ({"ids": ("POST*",)}, [0, 1, 2]),
        ({"ids": ("bank charges", "gift_*")}, [5, 7]),
        ({"ids": ("a.b", "?/?")}, [8, 11]),
        ({"ids": ("C[0-9]",)}, [10]),
        ({"ids": ("C[!0-9]",)}, []),
        ({"only": ("[0-9][0-9][0-9][0-9][0-9]*",)}, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]),
        ({"ids": ("*A",), "only": ("8*", "M")}, [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]),
    ],
)
def test_patterns_are_those_of_file_names(choices, expected):
    assert fell(NotProducts(NotProducts.Config(**choices), Known()), log(item_id=CODES)) == expected


def test_patterns_must_be_told():
    with pytest.raises(ConfigError, match="not_products needs ids, only, or both"):
        NotProducts.Config()


@pytest.mark.parametrize(("rule", "column"), [(UnknownItems, "item_id"), (UnknownUsers, "user_id")])
def test_what_no_table_holds(rule, column):
    table = pl.LazyFrame({column: ["a", "b", "never used"], "title": ["A", "B", "C"]})
    known = Known(items=table) if rule is UnknownItems else Known(users=table)
    one = rule(rule.Config(), known)
    assert one.needs(["user_id", "item_id"])
    assert fell(one, log(**{column: ["a", "x", "b", "y"]})) == [1, 3]


@pytest.mark.parametrize("rule", [UnknownItems, UnknownUsers])
def test_without_a_table_nothing_is_unknown(rule):
    one = rule(rule.Config(), Known())
    assert not one.needs(["user_id", "item_id"])
    with pytest.raises(ConfigError, match="there is none"):
        one.broken(log(user_id=["u"]).lazy())
