# SPDX-License-Identifier: Apache-2.0
"""Python dictionaries read without running them: what repr writes comes back."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.data.sources import pydict

TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
"""Python 3 writes what lies above in a way that Python 2 did not."""


def read(line, key):
    frame = pl.DataFrame({"line": [line]})
    return frame.select(pydict.text(pydict.value(pl.col("line"), key))).item()


@settings(deadline=None, max_examples=60)
@given(before=TEXT, wanted=TEXT, after=TEXT)
def test_any_text_comes_back(before, wanted, after):
    line = ascii({"before": before, "list": [before, after], "number": -1.5, "id": wanted, "after": after})
    assert read(line, "id") == wanted


def test_a_text_that_looks_like_a_key_is_not_one():
    assert read("""{u'text': u"so u'id': u'spoof', yes", u'id': u'real'}""", "id") == "real"
    assert read("""{u'text': u'{\\'id\\': \\'spoof\\', ', u'id': u'real'}""", "id") == "real"
    assert read("""{u'list': [u"u'id': ]", u'[x'], u'id': u'real'}""", "id") == "real"
    assert read("""{u'text': u"u'id': u'spoof'}"}""", "id") is None


def test_values_of_other_kinds():
    frame = pl.DataFrame(
        {"line": ["{u'price': 4.99, u'free': True, u'genres': [u'A', u\"B's\"]}", "no dictionary"]}
    )
    made = frame.select(
        price=pydict.number(pydict.value(pl.col("line"), "price")),
        free=pydict.value(pl.col("line"), "free"),
        genres=pydict.texts(pydict.value(pl.col("line"), "genres")),
        text=pydict.text(pydict.value(pl.col("line"), "price")),
    )
    assert made.row(0) == (4.99, "True", ["A", "B's"], None)
    assert made.row(1) == (None, None, None, None)


def test_what_python_2_writes():
    assert read(r"{u'id': u'caf\xe9 \u4e2d \ud83d\ude00 \U0001f600 \ud83d. \\x41 \'\"'}", "id") == (
        "café 中 😀 \ufffd \ufffd. \\x41 '\""
    )
    assert read(r"{u'id': u'a\qb\u12'}", "id") is not None
