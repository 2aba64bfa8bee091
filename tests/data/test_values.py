# SPDX-License-Identifier: Apache-2.0
"""Cells into kinds."""

import polars as pl
import pytest

from penchant.data.values import as_number, as_text, id_type
from penchant.errors import DataError
from penchant.schema import IdType


def test_text_of_any_plain_type():
    assert as_text(pl.Series([1.0, 2.5, None, float("nan"), 1e300])).to_list() == [
        "1",
        "2.5",
        None,
        None,
        "1e+300",
    ]
    assert as_text(pl.Series([1, None])).to_list() == ["1", None]
    assert as_text(pl.Series(["a"], dtype=pl.Categorical)).to_list() == ["a"]
    assert as_text(pl.Series([True])).to_list() == ["true"]


@pytest.mark.parametrize(("cells", "message"), [([[1]], "holds List"), ([b"\xff"], "cannot be read as text")])
def test_what_is_not_text(cells, message):
    with pytest.raises(DataError, match=message):
        as_text(pl.Series("c", cells))


def test_numbers():
    assert as_number(pl.Series([" 4", "1e3", "nan", "inf", "x", None])).to_list() == [
        4,
        1000,
        None,
        None,
        None,
        None,
    ]
    assert as_number(pl.Series([1, 2])).to_list() == [1.0, 2.0]
    assert as_number(pl.Series([True, None])).to_list() == [1.0, None]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["1", "-5", "9223372036854775807"], IdType.INTEGER),
        (["007"], IdType.STRING),
        (["+1"], IdType.STRING),
        (["1.0"], IdType.STRING),
        (["9223372036854775808"], IdType.STRING),
        (["-0"], IdType.STRING),
        (["a"], IdType.STRING),
    ],
)
def test_id_types(ids, kind):
    assert id_type([pl.Series(["1"]), pl.Series(ids)]) is kind
