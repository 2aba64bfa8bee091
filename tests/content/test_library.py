# SPDX-License-Identifier: Apache-2.0
"""The library: only what is new is encoded, what is broken is reported, nothing stops."""

import os

import numpy as np
import polars as pl
import pytest
import torch

import media
from penchant.batch import ContentSize
from penchant.content import library as module
from penchant.content.choices import ContentConfig
from penchant.content.encoder import EncoderConfig, Unfitted, UnusableError, unheard
from penchant.content.fetcher import Fetcher
from penchant.content.image import HistogramEncoder
from penchant.content.library import Library
from penchant.content.text import TfidfEncoder
from penchant.schema import Kind


class Counting(Unfitted):
    """Counts letters, and how often it was asked; texts with a ! are unusable."""

    Config = EncoderConfig
    reads = Kind.TEXT
    batch_size = 2

    def __init__(self, config=None, version=""):
        super().__init__(config or EncoderConfig())
        self.asked = []
        self._version = version

    @property
    def size(self):
        return ContentSize.vector(1)

    @property
    def weights(self):
        return self._version

    def encode(self, values, note=unheard):
        self.asked += values.to_list()
        good = torch.tensor(["!" not in value for value in values.to_list()])
        for at in torch.nonzero(~good).squeeze(1).tolist():
            note(at, "shouts")
        return torch.tensor([[float(len(value))] for value in values.to_list()]) * good[:, None], good


def texts(*values):
    return pl.Series(values, dtype=pl.String)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "green")):
        (folder / f"{name}.png").write_bytes(media.picture(colour=colour))
    return folder


def histogram():
    return HistogramEncoder(HistogramEncoder.Config())


def test_each_distinct_value_is_encoded_once():
    encoder = Counting()
    found, present = Library().encode("t", encoder, texts("aa", "b", None, "aa", "cccc"))
    assert found.squeeze(1).tolist() == [2, 1, 0, 2, 4]
    assert present.tolist() == [True, True, False, True, True]
    assert encoder.asked == ["aa", "b", "cccc"]


def test_a_catalogue_that_has_grown_encodes_only_what_is_new(tmp_path):
    Library(folder=tmp_path).encode("t", Counting(), texts("aa", "b"))
    encoder = Counting()
    found, _ = Library(folder=tmp_path).encode("t", encoder, texts("dddd", "b", "aa"))
    assert encoder.asked == ["dddd"]
    assert found.squeeze(1).tolist() == [4, 1, 2]


def test_other_weights_or_choices_are_another_encoder(tmp_path):
    Library(folder=tmp_path).encode("t", Counting(version="one"), texts("aa"))
    other = Counting(version="two")
    Library(folder=tmp_path).encode("t", other, texts("aa"))
    assert other.asked == ["aa"]
    small, large = (TfidfEncoder(TfidfEncoder.Config(size=size)) for size in (4, 8))
    assert small.fingerprint != large.fingerprint
    before = small.fingerprint
    small.fit(texts("a word", "a word more", "words"))
    assert small.fingerprint != before


def test_the_same_bytes_in_two_files_are_one_piece_of_content(root):
    (root / "copy.png").write_bytes((root / "a.png").read_bytes())
    library, encoder = Library(root), histogram()
    found, present = library.encode("p", encoder, texts("a.png", "copy.png"))
    assert present.all()
    assert torch.equal(found[0], found[1])
    assert len(library.store(encoder)) == 1


def test_a_file_that_has_not_changed_is_not_read_again(root, tmp_path, monkeypatch):
    names = texts("a.png", "b.png")
    first, _ = Library(root, folder=tmp_path / "kept").encode("p", histogram(), names)
    monkeypatch.setattr(module.Source, "read", lambda *_: pytest.fail("was read"))
    again, _ = Library(root, folder=tmp_path / "kept").encode("p", histogram(), names)
    assert torch.equal(first, again)


def test_a_file_that_has_changed_is_encoded_anew(root, tmp_path):
    first, _ = Library(root, folder=tmp_path).encode("p", histogram(), texts("a.png"))
    (root / "a.png").write_bytes(media.picture("square", "green"))
    os.utime(root / "a.png", ns=(5, 5))
    again, _ = Library(root, folder=tmp_path).encode("p", histogram(), texts("a.png"))
    assert not torch.equal(first, again)


def test_a_known_file_is_read_for_another_encoder(root, tmp_path):
    Library(root, folder=tmp_path).encode("p", histogram(), texts("a.png"))
    edges = HistogramEncoder(HistogramEncoder.Config(colours=False))
    found, present = Library(root, folder=tmp_path).encode("p", edges, texts("a.png"))
    assert present.all()
    assert found.shape == (1, 128)


def test_broken_content_stops_nothing_and_stands_in_the_report(root, tmp_path):
    (root / "broken.png").write_bytes(b"no picture")
    (root / "bomb.png").write_bytes(media.bomb(9000, 9000))
    (root / "empty.png").write_bytes(b"")
    (root / "half.jpg").write_bytes(media.picture(kind="JPEG", side=90)[:900])
    (tmp_path / "secret.png").write_bytes(media.picture())
    names = [
        "a.png",
        "broken.png",
        "bomb.png",
        "empty.png",
        "half.jpg",
        "gone.png",
        "../secret.png",
        ".",
        None,
        "b.png",
    ]
    library = Library(root, folder=tmp_path / "kept")
    found, present = library.encode("photo", histogram(), texts(*names), pl.Series(range(100, 110)))
    assert present.tolist() == [True] + [False] * 8 + [True]
    assert not found[1:9].any()
    rows = {row["item_id"]: row for row in library.report.table().iter_rows(named=True)}
    assert {item: row["reason"].partition(":")[0] for item, row in rows.items()} == {
        "101": "is no picture of a known kind",
        "102": "9,000 x 9,000 pixels are more than max_pixels (50,000,000)",
        "103": "is empty",
        "104": "is broken",
        "105": "there is no such file",
        "106": "leads out of the folder of its table",
        "107": "is a folder, where a file is meant",
    }
    assert {row["column"] for row in rows.values()} == {"photo"}
    assert rows["105"]["value"] == "gone.png"
    assert all(row["absent"] for row in rows.values())
    before = len(library.report)
    library.encode("photo", histogram(), texts(*names), pl.Series(range(100, 110)))
    assert len(library.report) == before
    library.report.write(tmp_path / "report.parquet")
    assert pl.read_parquet(tmp_path / "report.parquet").height == 7
    assert library.report.summary()[0].startswith("photo: 7 could not be used as they are, 7 not at all")


def test_what_was_broken_and_is_mended_is_encoded(root, tmp_path):
    (root / "late.png").write_bytes(b"not yet")
    assert not Library(root, folder=tmp_path).encode("p", histogram(), texts("late.png"))[1].any()
    (root / "late.png").write_bytes(media.picture())
    os.utime(root / "late.png", ns=(5, 5))
    assert Library(root, folder=tmp_path).encode("p", histogram(), texts("late.png"))[1].all()


def test_bytes_in_the_table():
    values = pl.Series([media.picture(), None, b"broken", media.picture(colour="blue")], dtype=pl.Binary)
    library = Library()
    found, present = library.encode("p", histogram(), values)
    assert present.tolist() == [True, False, False, True]
    assert not torch.equal(found[0], found[3])
    assert library.report.table()["value"].to_list() == ["6 bytes"]


def test_a_text_of_fifty_megabytes_is_cut():
    encoder = TfidfEncoder(TfidfEncoder.Config(size=4))
    values = texts("a tale of two cities " * 2_500_000, "a tale of two", None)
    encoder.fit(values)
    library = Library()
    _, present = library.encode("plot", encoder, values, pl.Series([7, 8, 9]))
    assert present.tolist() == [True, True, False]
    row = library.report.table().row(0, named=True)
    assert (row["item_id"], row["absent"]) == ("7", False)
    assert row["reason"] == "only the first 100,000 of its 52,500,000 characters were read (max_characters)"
    assert len(row["value"]) == 200


def test_a_column_without_a_value():
    encoder = Counting()
    found, present = Library().encode("t", encoder, texts(None, None))
    assert found.shape == (2, 1)
    assert not present.any()
    assert not encoder.asked
    assert Library().encode("t", encoder, texts())[0].shape == (0, 1)


def test_unusable_values_are_looked_at_again_each_time():
    encoder, library = Counting(), Library()
    for _ in range(2):
        assert library.encode("t", encoder, texts("a!", "bb"))[1].tolist() == [False, True]
    assert encoder.asked == ["a!", "bb", "a!"]
    assert library.report.table().rows() == [("t", "None", "a!", "shouts", True)]


def test_progress_is_told():
    told = []
    library = Library(progress=lambda *news: told.append(news))
    library.encode("t", Counting(), texts("a", "bb", "ccc", "bb", "dddd", "eeeee"))
    assert told == [("t", 2, 5), ("t", 4, 5), ("t", 5, 5)]


def test_an_interrupted_run_keeps_what_it_has_done(tmp_path):
    class Interrupted(Counting):
        def encode(self, values, note=unheard):
            if "ccc" in values.to_list():
                raise KeyboardInterrupt
            return super().encode(values, note)

    Interrupted.__name__ = "Counting"
    with pytest.raises(KeyboardInterrupt):
        Library(folder=tmp_path).encode("t", Interrupted(), texts("a", "bb", "ccc", "dddd"))
    encoder = Counting()
    Library(folder=tmp_path).encode("t", encoder, texts("a", "bb", "ccc", "dddd"))
    assert encoder.asked == ["ccc", "dddd"]


def test_large_contents_are_not_all_held_at_once(root, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    sizes = []

    class Watched(HistogramEncoder):
        def encode(self, values, note=unheard):
            sizes.append(len(values))
            return super().encode(values, note)

    Library(root).encode("p", Watched(HistogramEncoder.Config()), texts("a.png", "b.png", "c.png"))
    assert sizes == [1, 1, 1]


def test_addresses_are_fetched_only_if_asked_and_only_once(tmp_path, monkeypatch):
    asked = []

    def get(self, url, kind):
        asked.append(url)
        if "gone" in url:
            raise UnusableError("the server answered 404")
        return media.picture()

    monkeypatch.setattr(Fetcher, "get", get)
    urls = texts("https://example.org/a.png", "https://example.org/gone.png")
    assert not Library(folder=tmp_path).encode("p", histogram(), urls)[1].any()
    assert not asked
    config = ContentConfig(fetch=True)
    for _ in range(2):
        _, present = Library(config=config, folder=tmp_path).encode("p", histogram(), urls)
        assert present.tolist() == [True, False]
    assert asked == [*urls, urls[1]]


def test_a_costly_encoder_of_vectors_is_kept_as_well():
    class Norm(Counting):
        reads = Kind.VECTOR

        def encode(self, values, note=unheard):  # noqa: ARG002
            self.asked += values.to_list()
            return torch.tensor([[float(np.linalg.norm(value))] for value in values]), torch.ones(
                len(values)
            ).bool()

    encoder, library = Norm(), Library()
    values = pl.Series([[3.0, 4.0], None, [3.0, 4.0], [6.0, 8.0]], dtype=pl.List(pl.Float32))
    for _ in range(2):
        found, present = library.encode("v", encoder, values)
        assert found.squeeze(1).tolist() == [5, 0, 5, 10]
        assert present.tolist() == [True, False, True, True]
    assert len(encoder.asked) == 2
