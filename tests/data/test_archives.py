# SPDX-License-Identifier: Apache-2.0
"""Archives of every kind: members by name, and nothing that an archive could do to the disk."""

import gzip
import io
import tarfile

import pytest

from penchant.data import archives
from penchant.errors import DataError
from publisher import pack

LIMIT = 1_000_000


def tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def targets(tmp_path):
    (tmp_path / "out").mkdir()
    return {name: tmp_path / "out" / str(number) for number, name in enumerate(["a.csv", "deep/b.csv", "missing"])}


MEMBERS = {"set/a.csv": b"one", "./set/deep/b.csv": b"two", "set/deep/c.csv": b"three"}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_members_by_the_ends_of_their_names(tmp_path, targets, kind):
    path = tmp_path / f"x.{kind}"
    if kind == "zip":
        pack(path, MEMBERS)
    else:
        tar(path, MEMBERS, "w:gz" if kind.endswith("gz") else "w")
    assert archives.extract(path, targets, LIMIT) == {"a.csv", "deep/b.csv"}
    assert targets["a.csv"].read_bytes() == b"one"
    assert targets["deep/b.csv"].read_bytes() == b"two"
    assert not targets["missing"].exists()


def test_a_tar_file_is_read_no_further_than_needed(tmp_path, targets):
    path = tar(tmp_path / "x.tar", {"a.csv": b"one", "big": b"0" * 100_000})
    del targets["missing"], targets["deep/b.csv"]
    assert archives.extract(path, targets, 20_000) == {"a.csv"}


def test_a_gzip_file_has_one_member(tmp_path, targets):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"one"))
    assert archives.extract(tmp_path / "a.csv.gz", targets, LIMIT) == {"a.csv"}
    assert targets["a.csv"].read_bytes() == b"one"
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress(b"one"))
    assert archives.extract(tmp_path / "z.csv.gz", targets, LIMIT) == set()


def test_names_are_never_written_to(tmp_path, targets):
    before = sorted(tmp_path.rglob("*"))
    archives.extract(pack(tmp_path / "x.zip", {"../../a.csv": "1", "/a.csv": "2"}), targets, LIMIT)
    assert targets["a.csv"].read_bytes() == b"1"
    assert sorted({*tmp_path.rglob("*")} - {*before}) == [targets["a.csv"], tmp_path / "x.zip"]


@pytest.mark.parametrize("kind", ["zip", "gz", "tar", "tar.gz"])
def test_too_large(tmp_path, targets, kind):
    path = tmp_path / f"a.csv.{kind}"
    content = bytes(range(256)) * 10
    if kind == "zip":
        pack(path, {"a.csv": content})
    elif kind == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        tar(path, {"a.csv": content}, "w:gz" if kind.endswith("gz") else "w")
    with pytest.raises(DataError, match=r"a\.csv.* holds more than 2,000 bytes"):
        archives.extract(path, targets, 2000)


@pytest.mark.parametrize("kind", ["zip", "gz", "tar.gz"])
def test_a_bomb(tmp_path, targets, kind, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 100_000)
    path = tmp_path / f"a.csv.{kind}"
    content = b"0" * 20_000_000
    if kind == "zip":
        pack(path, {"a.csv": content})
    elif kind == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        tar(path, {"first": content, "a.csv": b"one"}, "w:gz")
    with pytest.raises(DataError, match="grows more than 250 times when unpacked"):
        archives.extract(path, targets, 10**9)
    assert not targets["a.csv"].exists() or targets["a.csv"].stat().st_size < 20_000_000


def test_a_zip_file_that_lies_about_its_size(tmp_path, targets):
    path = pack(tmp_path / "x.zip", {"a.csv": b"0" * 5000})
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"PK\x01\x02") + 24  # the unpacked size, in the central directory
    raw[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"x\.zip cannot be read"):
        archives.extract(path, targets, LIMIT)


def test_a_link_is_no_file(tmp_path, targets):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        link = tarfile.TarInfo("a.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DataError, match=r"x\.tar: a\.csv is no ordinary file"):
        archives.extract(tmp_path / "x.tar", targets, LIMIT)


@pytest.mark.parametrize("name", ["x.zip", "a.csv.gz", "x.tar", "x.tar.gz", "x.rar"])
def test_archives_that_are_none(tmp_path, targets, name):
    (tmp_path / name).write_bytes(b"no archive")
    with pytest.raises(DataError, match=rf"{name} cannot be read"):
        archives.extract(tmp_path / name, targets, LIMIT)


@pytest.mark.parametrize("kind", ["zip", "gz", "tar.gz"])
def test_archives_that_end_too_early(tmp_path, targets, kind):
    path = tmp_path / f"a.csv.{kind}"
    content = bytes(i * i % 251 for i in range(9000))
    if kind == "zip":
        pack(path, {"a.csv": content})
    elif kind == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        tar(path, {"a.csv": content}, "w:gz")
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match=r"a\.csv\S* cannot be read"):
        archives.extract(path, targets, LIMIT)
