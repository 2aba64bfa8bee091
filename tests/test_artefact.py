# SPDX-License-Identifier: Apache-2.0
"""Folders and files that are either whole or not there."""

from __future__ import annotations

import errno
import os

import msgspec
import pytest
from polars.exceptions import ComputeError
from safetensors import SafetensorError

from penchant.artefact import fingerprint, new_folder, sha256, write_json, write_text, writing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "made"
    with new_folder(target) as draft:
        (draft / "inner").mkdir()
        (draft / "inner" / "a.txt").write_text("a")
        assert draft.parent == target.parent
        assert not target.exists()
    assert (target / "inner" / "a.txt").read_text() == "a"
    assert names(target.parent) == ["made"]
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, error):
    def half():
        with new_folder(tmp_path / "made") as draft:
            (draft / "a.txt").write_text("half")
            raise error

    with pytest.raises(error):
        half()
    assert names(tmp_path) == []


def test_what_was_there_stays_unless_it_is_to_be_replaced(tmp_path):
    def make(text, **choices):
        with new_folder(tmp_path / "made", **choices) as draft:
            (draft / text).write_text(text)

    make("one")
    with pytest.raises(FileExistsError, match="already there"):
        make("two")
    assert names(tmp_path / "made") == ["one"]
    make("two", replace=True)
    assert names(tmp_path / "made") == ["two"]
    assert names(tmp_path) == ["made"]


def test_a_failed_replacement_leaves_the_old_folder(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").write_text("old")

    def half():
        with new_folder(tmp_path / "made", replace=True) as draft:
            (draft / "new").write_text("half")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        half()
    assert names(tmp_path / "made") == ["old"]
    assert names(tmp_path) == ["made"]


def test_text_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "один")
    write_text(path, "two\n")
    assert path.read_text(encoding="utf-8") == "two\n"
    assert names(path.parent) == ["a.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_text_that_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_json_reads_back_and_is_indented(tmp_path):
    path = tmp_path / "a.json"
    value = {"name": "日本", "list": [1, 2.5, None]}
    write_json(path, value)
    assert msgspec.json.decode(path.read_bytes()) == value
    assert path.read_text(encoding="utf-8").count("\n") > 3


def test_checksum_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_fingerprints_tell_contents_and_boundaries_apart_and_not_the_order_of_keys():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(b"abc", b"d") != fingerprint(b"ab", b"cd")
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert len(fingerprint()) == 16
    assert int(fingerprint("x"), 16) >= 0


FULL = "underlying IO error: No space left on device (os error 28)"


@pytest.mark.parametrize("error", [ComputeError(FULL), SafetensorError(FULL), OSError(FULL)])
def test_a_full_disk_is_the_same_error_whoever_meets_it(tmp_path, error):
    def full():
        with new_folder(tmp_path / "made") as draft:
            (draft / "a.txt").write_text("half")
            raise error

    with pytest.raises(OSError, match="No space left on device") as caught:
        full()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "made"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [ComputeError("no column"), OSError(errno.EROFS, "Read-only", "elsewhere")])
def test_other_errors_stay_what_they_are(tmp_path, error):
    def fail():
        with writing(tmp_path):
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
