# SPDX-License-Identifier: Apache-2.0
"""A publisher's file is found wherever it lies."""

import gzip

import pytest

from penchant.data.sources.raw import Raw
from penchant.errors import DataError
from publisher import pack, write


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


FORMS = {
    "plain": {"set/a.csv": "1"},
    "deeper": {"set/folder/a.csv": "1"},
    "packed": {"set/a.csv.gz": "1"},
    "deeper and packed": {"set/folder/a.csv.gz": "1"},
}


@pytest.mark.parametrize("form", FORMS)
def test_in_a_folder(tmp_path, scratch, form):
    write(tmp_path, FORMS[form])
    raw = Raw([tmp_path / "set"], scratch)
    assert raw.need("a.csv")[0].read_text() == "1"
    assert raw.need("a.csv")[0].read_text() == "1"
    assert raw.find("b.csv") == {}


def test_equal_names_in_two_folders(tmp_path, scratch):
    raw = Raw([write(tmp_path / "set", {"x/a.csv.gz": "1", "y/a.csv.gz": "2"})], scratch)
    found = raw.need("x/a.csv", "y/a.csv")
    assert [path.read_text() for path in found] == ["1", "2"]
    assert raw.need("y/a.csv", "x/a.csv") == found[::-1]


def test_in_archives_of_a_folder(tmp_path, scratch):
    write(tmp_path / "set", {"c.csv": "3"})
    pack(tmp_path / "set" / "one.zip", {"x/a.csv": "1"})
    pack(tmp_path / "set" / "two.zip", {"x/b.csv": "2"})
    found = Raw([tmp_path / "set"], scratch).need("a.csv", "b.csv", "c.csv")
    assert [path.read_text() for path in found] == ["1", "2", "3"]


def test_as_a_file_of_its_own(tmp_path, scratch):
    write(tmp_path, {"a.csv": "1", "b.csv.gz": "2"})
    found = Raw([tmp_path / "a.csv", tmp_path / "b.csv.gz"], scratch).need("a.csv", "b.csv")
    assert [path.read_text() for path in found] == ["1", "2"]


def test_an_archive_in_an_archive(tmp_path, scratch):
    inner = pack(tmp_path / "inner.zip", {"a.csv": "1"}).read_bytes()
    outer = pack(tmp_path / "outer.zip", {"in/inner.zip": inner, "in/b.csv.gz": gzip.compress(b"2")})
    raw = Raw([outer], scratch, variant="x")
    assert raw.inside("inner.zip").need("a.csv")[0].read_text() == "1"
    assert raw.inside("b.csv.gz").need("b.csv")[0].read_text() == "2"
    assert raw.inside("inner.zip").variant == "x"


def test_what_is_missing_is_named(tmp_path, scratch):
    write(tmp_path / "set", {"a.csv": "1"})
    with pytest.raises(DataError, match=r"set has no b\.csv and no c\.csv, which belongs to this set"):
        Raw([tmp_path / "set"], scratch).need("a.csv", "b.csv", "c.csv")


def test_no_more_than_the_limit(tmp_path, scratch):
    with pytest.raises(DataError, match="holds more than 5 bytes"):
        Raw([pack(tmp_path / "x.zip", {"a.csv": "123456"})], scratch, limit=5).need("a.csv")
