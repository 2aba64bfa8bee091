# SPDX-License-Identifier: Apache-2.0
"""The store: what is there is whole, whatever happened."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from penchant.content import store as module
from penchant.content.store import VectorStore


def key(number):
    return number.to_bytes(32, "big")


def rows(*numbers):
    return torch.tensor([[float(number), -float(number)] for number in numbers]).reshape(-1, 2)


def filled(folder, *numbers):
    one = VectorStore(folder, (2,))
    one.add([key(number) for number in numbers], rows(*numbers))
    one.flush()
    return one


def test_what_is_added_is_found_in_any_order(tmp_path):
    one = filled(tmp_path, 1, 2, 3)
    one.add([key(7)], rows(7))
    assert len(one) == 4
    assert key(2) in one
    assert key(9) not in one
    assert torch.equal(one.take([key(7), key(1), key(7)]), rows(7, 1, 7))
    assert one.take([]).shape == (0, 2)


def test_the_next_run_finds_it(tmp_path):
    filled(tmp_path, 1, 2)
    filled(tmp_path, 3)
    again = VectorStore(tmp_path, (2,))
    assert torch.equal(again.take([key(3), key(1)]), rows(3, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "vectors-000000.safetensors",
        "vectors-000001.safetensors",
    ]


def test_two_runs_at_once_overwrite_nothing(tmp_path):
    one, other = VectorStore(tmp_path, (2,)), VectorStore(tmp_path, (2,))
    one.add([key(1)], rows(1))
    other.add([key(2)], rows(2))
    one.flush()
    other.flush()
    assert len(VectorStore(tmp_path, (2,))) == 2


def test_much_is_written_before_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 2)
    one = VectorStore(tmp_path, (2,))
    one.add([key(1)], rows(1))
    assert not list(tmp_path.iterdir())
    one.add([key(2)], rows(2))
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(module, "_SECONDS", -1)
    one.add([key(3)], rows(3))
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_to_write_writes_nothing(tmp_path):
    one = VectorStore(tmp_path / "none", (2,))
    one.add([], rows())
    one.flush()
    assert not (tmp_path / "none").exists()
    assert one.take([]).shape == (0, 2)


def test_without_a_folder_it_lasts_as_long_as_the_process():
    one = VectorStore(None, (2,))
    one.add([key(1)], rows(1))
    one.flush()
    assert torch.equal(one.take([key(1)]), rows(1))


def test_damaged_and_foreign_files_are_passed_over(tmp_path):
    filled(tmp_path, 1)
    whole = (tmp_path / "vectors-000000.safetensors").read_bytes()
    (tmp_path / "vectors-000001.safetensors").write_bytes(whole[:40])
    (tmp_path / "vectors-000002.safetensors").write_bytes(b"")
    save_file({"other": torch.zeros(1)}, tmp_path / "vectors-000003.safetensors")
    save_file(
        {"keys": torch.zeros(1, 32, dtype=torch.uint8), "values": torch.zeros(1, 5)},
        tmp_path / "vectors-000004.safetensors",
    )
    save_file(
        {"keys": torch.zeros(2, 3, dtype=torch.uint8), "values": torch.zeros(2, 2)},
        tmp_path / "vectors-000005.safetensors",
    )
    (tmp_path / ".123.new").write_bytes(whole)
    (tmp_path / "vectors-last.safetensors").write_bytes(b"")
    again = filled(tmp_path, 2)
    assert len(again) == 2
    assert len(VectorStore(tmp_path, (2,))) == 2
    assert (tmp_path / "vectors-000006.safetensors").exists()


def test_a_full_disk_is_an_error_with_its_number(tmp_path, monkeypatch):
    one = VectorStore(tmp_path, (2,))
    one.add([key(1)], rows(1))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        one.flush()
    assert len(VectorStore(tmp_path, (2,))) == 0


PROGRAM = """
import os, sys, torch
from pathlib import Path
from penchant.content import store
store._ROWS = 1
one = store.VectorStore(Path(sys.argv[1]), (2,))
for number in range(1, 1000):
    if number == 20:
        store.save_file = lambda table, path: (Path(path).write_bytes(b"half"), os._exit(9))
    one.add([number.to_bytes(32, "big")], torch.tensor([[float(number), -float(number)]]))
"""


def test_killed_in_the_middle_of_writing(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], check=False)
    assert done.returncode == 9
    again = VectorStore(tmp_path, (2,))
    assert len(again) == 19
    assert torch.equal(again.take([key(19)]), rows(19))


def test_bytes_stay_bytes(tmp_path):
    one = VectorStore(tmp_path, (3, 2, 2))
    one.add([key(1)], torch.full((1, 3, 2, 2), 200, dtype=torch.uint8))
    one.flush()
    assert VectorStore(tmp_path, (3, 2, 2)).take([key(1)]).dtype == torch.uint8
