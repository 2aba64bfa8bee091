# SPDX-License-Identifier: Apache-2.0
"""How much of a text is read."""

import polars as pl

from penchant.content.excerpt import cut


def test_characters_are_counted_not_bytes():
    told = {}
    values = pl.Series(["日本語です", "abcdef", None, "abcde", "éééééé"])
    assert cut(values, 5, told.__setitem__).to_list() == ["日本語です", "abcde", None, "abcde", "ééééé"]
    assert told == {
        1: "only the first 5 of its 6 characters were read (max_characters)",
        4: "only the first 5 of its 6 characters were read (max_characters)",
    }


def test_short_and_no_texts_are_left():
    values = pl.Series(["a", None], dtype=pl.String)
    assert cut(values, 5) is not None
    assert cut(values, 5).to_list() == ["a", None]
    assert cut(pl.Series([None, None]), 5).to_list() == [None, None]
    assert cut(pl.Series([], dtype=pl.String), 5).to_list() == []
