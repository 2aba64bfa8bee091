# SPDX-License-Identifier: Apache-2.0
"""Wishes are made ready once, but for those that depend on the moment."""

from __future__ import annotations

import polars as pl
import pytest

from penchant.recommend.wishes import Fresh, Wishes
from penchant.schema import Column, IdType, Kind
from penchant.serve.checks import FieldError
from penchant.serve.granted import Granted
from worlds import checkerboard, replace_struct, schema, train

DAY = 86_400 * 10**6


@pytest.fixture(scope="module")
def catalogue():
    return train("popularity", checkerboard()).pipeline.catalogue


def test_the_same_wishes_are_made_ready_once(catalogue):
    granted = Granted(catalogue, schema())
    wishes = Wishes(block=[500, "501"], caps={"genre": 1})
    first = granted.ready(wishes, 1)
    assert granted.ready(Wishes(caps={"genre": 1}, block=[500, "501"]), 2) is first
    assert granted.ready(Wishes(block=[501]), 2) is not first
    assert first.allowed.tolist()[:3] == [False, False, True]


def test_nothing_wished_is_nothing(catalogue):
    assert Granted(catalogue, schema()).ready(Wishes(), 1) is None


def test_freshness_is_of_the_moment(catalogue):
    timed = schema(items={**schema().items, "born": Column(kind=Kind.TIME)})
    frame = catalogue.frame.with_columns(born=pl.lit(0, pl.Int64))
    granted = Granted(type(catalogue)(frame, catalogue.items), timed)
    wishes = Wishes(fresh=Fresh(column="born", half_life=1))
    assert [float(granted.ready(wishes, days * DAY).added[0]) for days in (0, 1, 2)] == [1, 0.5, 0.25]


@pytest.mark.parametrize("wishes", [Wishes(allow=[2**63]), Wishes(block=["", 1])])
def test_what_is_no_id_is_refused(catalogue, wishes):
    text = replace_struct(schema(), item_id=IdType.INTEGER)
    with pytest.raises(FieldError, match=r"allow\[0\]|block\[0\]"):
        Granted(catalogue, text).ready(wishes, 1)
