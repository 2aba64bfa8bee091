# SPDX-License-Identifier: Apache-2.0
"""Ids to rows: by a table or by a join, it is the same answer."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features import numbering
from penchant.features.numbering import Numbering

GREAT = 2**63 - 1
NUMBER = st.one_of(st.integers(-40, 40), st.sampled_from([-GREAT - 1, GREAT, 2**40]))
WORD = st.text(max_size=3)


@given(st.one_of(st.lists(st.lists(NUMBER), min_size=1), st.lists(st.lists(WORD), min_size=1)))
@settings(max_examples=150, deadline=None)
def test_each_id_has_the_row_in_which_it_first_came(parts):
    kind = pl.String if any(isinstance(one, str) for part in parts for one in part) else pl.Int64
    known, made = {}, Numbering(pl.Series("id", [], dtype=kind))
    for part in parts:
        before = [known.get(one, -1) for one in part]
        assert made.rows(pl.Series(part, dtype=kind)).tolist() == before
        expected = [known.setdefault(one, len(known)) for one in part]
        assert made.grow(pl.Series(part, dtype=kind)).tolist() == expected
        assert len(made) == len(known)


@pytest.mark.parametrize("ids", [[5, 3, -2], [1, GREAT, -GREAT - 1], ["b", "a", ""]])
def test_what_is_not_here_has_no_row(ids):
    made = Numbering(pl.Series(ids))
    asked = pl.Series([ids[2], None, ids[0], "c" if isinstance(ids[0], str) else 4])
    found = made.rows(asked)
    assert found.dtype == np.int64
    assert found.tolist() == [2, -1, 0, -1]


def test_numbers_far_apart_take_no_table_and_near_ones_no_join(monkeypatch):
    monkeypatch.setattr(numbering, "_SMALL", 16)
    near, far = Numbering(pl.Series([100, 107])), Numbering(pl.Series([100, 117]))
    assert near._table is not None
    assert far._table is None
    near.grow(pl.Series([1000]))
    assert near._table is None
    asked = pl.Series([107, 117, 1000, 99])
    assert near.rows(asked).tolist() == [1, -1, 2, -1]
    assert far.rows(asked).tolist() == [-1, 1, -1, -1]
