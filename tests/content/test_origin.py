# SPDX-License-Identifier: Apache-2.0
"""Where content is read from: bytes, and plain files below the data set's folder; nothing else."""

import os

import pytest

from penchant.content.encoder import UnusableError
from penchant.content.origin import Found, Keys, Source, key_of
from penchant.schema import Kind


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "one.png").write_bytes(b"one")
    (folder / "empty.png").write_bytes(b"")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return folder


def read(source, value):
    return source.read(value, source.find(value), Kind.IMAGE)


def refused(source, value):
    with pytest.raises(UnusableError) as caught:
        read(source, value)
    return str(caught.value)


def test_a_path_and_bytes(root):
    source = Source(root)
    assert read(source, "pictures/one.png") == b"one"
    assert read(source, "pictures/../pictures/one.png") == b"one"
    assert read(source, b"bytes") == b"bytes"


def test_what_leads_out_of_the_folder(root, tmp_path):
    source = Source(root)
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    for value in ("../secret.png", str(tmp_path / "secret.png"), str(root / "pictures/one.png"), "/etc/passwd",
                  "link.png", "folder/secret.png", "pictures/../../secret.png"):  # fmt: skip
        assert refused(source, value) == "leads out of the folder of its table"


def test_a_link_that_stays_inside_is_followed(root):
    (root / "link.png").symlink_to(root / "pictures" / "one.png")
    assert read(Source(root), "link.png") == b"one"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("pictures", "is a folder, where a file is meant"),
        (".", "is a folder, where a file is meant"),
        ("gone.png", "there is no such file"),
        ("", "is no path"),
        ("a\0b", "is no path"),
        ("a" * 5000, "cannot be read: File name too long"),
        ("empty.png", "is empty"),
        ("pictures/one.png/more", "cannot be read: Not a directory"),
        (b"", "is empty"),
        ("http://example.org/one.png", "an address, and [content] fetch is not true"),
        ("HTTPS://example.org/one.png", "an address, and [content] fetch is not true"),
        ("file:///etc/passwd", "there is no such file"),
    ],
)
def test_what_cannot_be_read(root, value, reason):
    assert refused(Source(root), value) == reason


def test_a_ring_of_links(root):
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    assert refused(Source(root), "a")


def test_a_pipe_is_not_waited_for(root):
    os.mkfifo(root / "pipe.png")
    assert refused(Source(root), "pipe.png") == "is no plain file"


def test_large_content(root):
    source = Source(root, max_bytes=2)
    assert refused(source, "pictures/one.png") == "more than 2 bytes ([content] max_bytes)"
    assert refused(source, b"one") == "more than 2 bytes ([content] max_bytes)"
    assert read(source, b"on") == b"on"


def test_a_file_that_grew_or_vanished_since_it_was_found(root):
    source = Source(root, max_bytes=3)
    found = source.find("pictures/one.png")
    (root / "pictures" / "one.png").write_bytes(b"more")
    with pytest.raises(UnusableError, match="more than 3 bytes"):
        source.read("pictures/one.png", found, Kind.IMAGE)
    (root / "pictures" / "one.png").unlink()
    with pytest.raises(UnusableError, match="cannot be read: No such file"):
        source.read("pictures/one.png", found, Kind.IMAGE)


def test_without_a_folder_there_are_no_paths():
    assert refused(Source(None), "one.png") == "a path, and there is no folder that it is relative to"


def test_keys_are_remembered_while_the_file_is_what_it_was(root, tmp_path):
    source, path = Source(root), tmp_path / "kept" / "keys.parquet"
    keys = Keys(path)
    found = source.find("pictures/one.png")
    assert keys.get(found) is None
    keys.put(found, key_of(b"one"))
    keys.save()
    again = Keys(path)
    assert again.get(source.find("pictures/one.png")) == key_of(b"one")
    os.utime(root / "pictures" / "one.png", ns=(1, 1))
    assert again.get(source.find("pictures/one.png")) is None
    (root / "pictures" / "one.png").write_bytes(b"other one")
    assert again.get(source.find("pictures/one.png")) is None


def test_bytes_need_no_memory(tmp_path):
    keys = Keys(tmp_path / "keys.parquet")
    keys.put(Found(None), b"k")
    keys.save()
    assert keys.get(Found(None)) is None
    assert not (tmp_path / "keys.parquet").exists()


def test_a_damaged_memory_is_forgotten(tmp_path):
    (tmp_path / "keys.parquet").write_bytes(b"PAR1 no parquet")
    keys = Keys(tmp_path / "keys.parquet")
    keys.put(Found("there"), key_of(b"x"))
    keys.save()
    assert Keys(tmp_path / "keys.parquet").get(Found("there")) == key_of(b"x")


def test_a_memory_of_this_process_only():
    keys = Keys()
    keys.put(Found("there"), b"k")
    keys.save()
    assert keys.get(Found("there")) == b"k"
