# SPDX-License-Identifier: Apache-2.0
"""Vocabulary: 0 absent, 1 unknown, the rest in order."""

from __future__ import annotations

import polars as pl
import pytest
import torch

from penchant.features.vocabulary import Vocabulary


def test_values_are_distinct_sorted_and_start_at_two():
    words = Vocabulary.fit(pl.Series(["b", "a", None, "b", "c"]))
    assert words.values.to_list() == ["a", "b", "c"]
    assert len(words) == 5
    assert words.encode(pl.Series(["c", "a", "b"])).tolist() == [4, 2, 3]


def test_null_is_padding_and_a_stranger_is_unknown():
    words = Vocabulary.fit(pl.Series(["a"]))
    found = words.encode(pl.Series(["a", None, "z", ""]))
    assert found.tolist() == [2, 0, 1, 1]
    assert found.dtype == torch.int64


@pytest.mark.parametrize("values", [[3, -1, 2**62], ["", "ü", "日本"]])
def test_one_value_and_a_column_are_encoded_alike(values):
    words = Vocabulary.fit(pl.Series(values))
    asked = [*values, None, values[0] * 2 + values[0]]
    column = words.encode(pl.Series(asked, dtype=words.values.dtype)).tolist()
    assert [words.index(value) for value in asked] == column


def test_the_order_and_number_of_rows_do_not_matter():
    one = Vocabulary.fit(pl.Series([5, 1, 3]))
    other = Vocabulary.fit(pl.Series([3, 3, None, 1, 5, 5]))
    assert one.values.to_list() == other.values.to_list()


def test_nothing():
    words = Vocabulary.fit(pl.Series([], dtype=pl.Int64))
    assert len(words) == 2
    assert words.encode(pl.Series([7, None], dtype=pl.Int64)).tolist() == [1, 0]
    assert words.encode(pl.Series([], dtype=pl.Int64)).shape == (0,)
