# SPDX-License-Identifier: Apache-2.0
"""Content: who has it, and which files are missing, empty, foreign or cut short."""

import polars as pl
import pytest

import looks
from logs import log
from penchant.profile.coverage import coverage, trouble
from penchant.schema import Column, Kind

PNG = b"\x89PNG\r\n\x1a\n" + b"." * 200 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff" + b"." * 200 + b"\xff\xd9"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", PNG, ""),
        ("a.PNG", PNG, ""),
        ("a.png", PNG[:150], "is cut short"),
        ("a.png", JPEG, "is not a png file"),
        ("a.jpg", JPEG, ""),
        ("a.jpeg", JPEG[:-2], "is cut short"),
        ("a.wav", b"RIFF....WAVEfmt ", ""),
        ("a.wav", b"RIFF", "is not a wav file"),
        ("a.flac", b"fLaC" * 40, ""),
        ("a.webp", b"RIFF....WEBPVP8 ", ""),
        ("a.xyz", b"anything", ""),
    ],
)
def test_the_first_and_last_bytes_tell(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert trouble(tmp_path / name) == words


def test_a_file_that_cannot_be_read(tmp_path):
    assert trouble(tmp_path).startswith("cannot be read: ")


def test_coverage_of_a_catalogue(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(PNG)
    (tmp_path / "b.jpg").write_bytes(JPEG[:50])
    (tmp_path / "c.png").touch()
    items = pl.DataFrame(
        {
            "item_id": list("abcdefg"),
            "plot": ["words", " ", None, "more", "words", None, "x"],
            "photo": ["deep/a.png", "b.jpg", "c.png", "d.png", "nowhere/e.png", None, "https://example.com/f.jpg"],
            "style": [[1.0], [], None, [2.0], None, None, None],
        }
    )
    events = log(item_id=["a"] * 8 + ["b", "f"])
    view = looks.view(events, items, root=tmp_path)
    view.dataset.schema.items["style"] = Column(kind=Kind.VECTOR)
    plot, photo, style = coverage(view)
    assert (plot.kind, plot.present, plot.items, plot.events) == ("text", 4, 7, 0.8)
    assert plot.absent is None
    assert (photo.present, photo.events) == (6, 0.9)
    assert (photo.absent, photo.broken, photo.looked) == (2, 2, 3)
    assert photo.examples == (
        "d.png is not there",
        "nowhere/e.png is not there",
        "c.png is empty",
        "b.jpg is cut short",
    )
    assert (style.kind, style.present) == ("vector", 2)


def test_addresses_and_bytes_are_no_files(tmp_path):
    items = pl.DataFrame({"item_id": ["a"], "photo": ["http://example.com/a.png"]})
    (one,) = coverage(looks.view(log(item_id=["a"]), items, root=tmp_path))
    assert (one.present, one.absent) == (1, None)
    (one,) = coverage(looks.view(log(item_id=["a"]), items.with_columns(photo=pl.lit(PNG)), root=tmp_path))
    assert (one.present, one.absent) == (1, None)


def test_the_title_is_content():
    items = pl.DataFrame({"item_id": ["a", "b"], "name": ["A", None]})
    (one,) = coverage(looks.view(log(item_id=["a", "b"]), items, title="name"))
    assert (one.column, one.kind, one.present) == ("name", "text", 1)
