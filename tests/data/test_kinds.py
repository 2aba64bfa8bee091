# SPDX-License-Identifier: Apache-2.0
"""Each kind of column is told from its cells."""

from datetime import UTC, datetime

import polars as pl
import pytest

from penchant.data.kinds import differs_within, guess_column

ROWS = 100
WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "elit")


@pytest.mark.parametrize(
    ("name", "cells", "kind", "reason"),
    [
        ("key", [f"k{i}" for i in range(ROWS)], None, "100 distinct values in 100 rows: an identifier, left out"),
        ("imdb", [f"{i:07d}" for i in range(ROWS)], None, "identifier"),
        ("number", [1000 + i for i in range(ROWS)], None, "identifier"),
        ("shop_id", list(range(ROWS)), None, "identifier"),
        ("shop_id", [i % 9 for i in range(ROWS)], "category", "codes, not quantities"),
        ("zip", [f"0{i % 9}" for i in range(ROWS)], "category", "codes, not quantities"),
        ("price", [i / 7 for i in range(ROWS)], "number", "numbers"),
        ("age", [20 + i % 40 for i in range(ROWS)], "number", "numbers"),
        ("colour", ["red", "blue"] * 50, "category", "2 distinct values"),
        ("director", [f"Ann {i % 60}" for i in range(ROWS)], "category", "60 distinct"),
        ("code", [f"c{i % 85}" for i in range(ROWS)], "category", "85 distinct"),
        ("genres", ["a|b", "b|c|d"] * 50, "tags", "'|'"),
        ("country", ["France, Spain", "Spain"] * 50, "tags", "', '"),
        ("labels", [["a"], ["b", "c"]] * 50, "tags", "list"),
        ("plot", [f"{' '.join(WORDS)}, and then part {i}" for i in range(ROWS)], "text", "10 words"),
        ("标题", [f"这是第{i}本书的名字" for i in range(ROWS)], "text", "words each"),
        ("poster", [f"p/{i}.JPG" for i in range(ROWS)], "image", "pictures"),
        ("link", [f"https://x.org/{i}" for i in range(ROWS)], None, "addresses or dates"),
        ("released", [f"{1 + i % 28} Jan {1900 + i}" for i in range(ROWS)], None, "addresses or dates"),
        ("seen", [datetime(2020, 1, 1, tzinfo=UTC)] * ROWS, "time", "holds Datetime"),
        ("box", [{"a": 1}] * ROWS, None, "holds Struct"),
        ("same", ["x"] * ROWS, None, "too little"),
        ("rare", ["a", "b", *[None] * 98], None, "98 cells empty"),
    ],
)
def test_kinds(name, cells, kind, reason):
    guess = guess_column(pl.Series(name, cells))
    assert (guess.column.kind.value if guess.column else None) == kind
    assert reason in guess.reason


def test_columns_that_tell_of_the_event():
    table = pl.DataFrame({"k": [1, 1, 2, 2], "fixed": ["a", "a", "b", "b"], "moving": [1, 2, 3, 4]})
    assert differs_within(table, "k") == {"moving"}
    assert differs_within(table.unique("k"), "k") == set()
    assert differs_within(table.select("k"), "k") == set()
