# SPDX-License-Identifier: Apache-2.0
"""Cells into kinds."""

from datetime import UTC, datetime

import polars as pl
import pytest

from penchant.data.cells import as_kind, leaves_folder, one_length
from penchant.errors import DataError
from penchant.schema import Column, Kind


@pytest.mark.parametrize(
    ("cells", "separator", "tags"),
    [
        (["a|b", "b| |b", "", None], "|", [["a", "b"], ["b"], [], None]),
        (["a b", None], None, [["a b"], None]),
        ([["x", "y"], None], None, [["x", "y"], None]),
    ],
)
def test_tags(cells, separator, tags):
    made = as_kind(pl.Series("c", cells), Column(kind=Kind.TAGS, separator=separator))
    assert made.dtype == pl.List(pl.String)
    assert made.to_list() == tags


def test_blank_text_is_null():
    assert as_kind(pl.Series(["a ", " ", None]), Column(kind=Kind.TEXT)).to_list() == ["a ", None, None]
    assert as_kind(pl.Series([3, None]), Column(kind=Kind.CATEGORY)).to_list() == ["3", None]


@pytest.mark.parametrize(
    "cells",
    [
        [[1, 2], [0, -0.5], None, []],
        ["[1, 2]", " [0,-5e-1 ] ", None, "[]"],
        ["1 2", "0  -0.5", "", "x 1"],
    ],
)
def test_vectors(cells):
    made = as_kind(pl.Series("style", cells, strict=False), Column(kind=Kind.VECTOR))
    assert made.dtype == pl.List(pl.Float32)
    assert made.to_list() == [[1.0, 2.0], [0.0, -0.5], None, None]


def test_vectors_of_other_writings():
    text = as_kind(pl.Series(["1;2"]), Column(kind=Kind.VECTOR, separator=";"))
    fixed = as_kind(pl.Series([[1, 2]], dtype=pl.Array(pl.Int16, 2)), Column(kind=Kind.VECTOR))
    assert text.to_list() == fixed.to_list() == [[1.0, 2.0]]
    assert as_kind(pl.Series([[1.0, float("nan")], [None, 1.0]]), Column(kind=Kind.VECTOR)).to_list() == [
        None,
        None,
    ]
    with pytest.raises(DataError, match=r"'c' holds List\(String\), where vectors of numbers are meant"):
        as_kind(pl.Series("c", [["a"]]), Column(kind=Kind.VECTOR))


def test_vectors_of_two_lengths():
    one_length(pl.Series("style", [[1.0, 2.0], None, [3.0, 4.0]]), "i.csv")
    with pytest.raises(DataError, match=r"i.csv 'style': vectors of one column must have one length, found 1, 2"):
        one_length(pl.Series("style", [[1.0, 2.0], [3.0]]), "i.csv")


@pytest.mark.parametrize(
    ("cells", "writing"),
    [
        (["2010-12-01", "soon"], None),
        (["01/12/2010", ""], "%d/%m/%Y"),
        ([datetime(2010, 12, 1, tzinfo=UTC), None], None),
    ],
)
def test_times(cells, writing):
    made = as_kind(pl.Series("launched", cells), Column(kind=Kind.TIME, time_format=writing))
    assert made.dtype == pl.Int64
    assert made.to_list() == [1_291_161_600_000_000, None]


@pytest.mark.parametrize(
    "path", ["a.jpg", "posters/1.jpg", "a..b/..c.png", "https://x.org/../a.png", "猫.webp", "a b.jpg"]
)
def test_paths_below_the_folder(path):
    assert as_kind(pl.Series([path]), Column(kind=Kind.IMAGE)).to_list() == [path]


@pytest.mark.parametrize(
    "path",
    [
        "../a.jpg", "a/../../b.jpg", "..", "a/..", "/etc/passwd", "C:\\a.jpg", "c:/a.jpg", "\\\\host\\a.jpg",
        "..\\a.jpg", "~/a.jpg", "file:///etc/passwd", "ftp://x.org/a.jpg", "data://x", "a\x00.jpg",
    ],
)  # fmt: skip
def test_paths_that_lead_out_count_as_absent(path):
    assert pl.DataFrame({"p": [path]}).select(leaves_folder(pl.col("p"))).item()
    for kind in (Kind.IMAGE, Kind.AUDIO):
        assert as_kind(pl.Series([path]), Column(kind=kind)).to_list() == [None]


def test_bytes_stay_bytes():
    made = as_kind(pl.Series([b"\xff\xd8", b"", None]), Column(kind=Kind.IMAGE))
    assert made.to_list() == [b"\xff\xd8", None, None]


def test_ids_are_text():
    assert as_kind(pl.Series([7, None]), Column(kind=Kind.ID)).to_list() == ["7", None]
