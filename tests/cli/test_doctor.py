# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds."""

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import torch

from penchant.cli import doctor
from shop import penchant


def test_a_machine_in_good_health():
    said = penchant("doctor").output
    assert torch.__version__ in said
    assert "matrix products" in said
    assert "artefacts can be written" in said
    assert "bad" not in said


def test_too_little_disk_is_bad(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5e8))
    assert "0.5 GB free" in penchant("doctor", code=2).output


def test_a_folder_that_cannot_be_written(monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    row = doctor.disk(Path("some/where"))[-1]
    assert row == (
        "artefacts",
        "some/where: you have no permission. Choose another folder with --artefacts or --out, or its rights",
        "bad",
    )


def test_what_is_missing_and_how_to_get_it(monkeypatch):
    def none(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", none)
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    rows = doctor.libraries()
    assert ("torch", "pip install penchant", "bad") in rows
    assert ("console (nicegui)", "pip install 'penchant[console]'", "missing") in rows
    assert ("content (pillow)", "pip install 'penchant[content]'", "missing") in rows
    assert ("content-hub (timm)", "pip install 'penchant[content-hub]'", "missing") in rows


def test_a_system_that_does_not_tell_its_flags(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.delattr("os.sysconf", raising=False)
    rows = doctor.machine()
    assert [row[0] for row in rows] == ["Python", "processor"]
    assert rows[1][1].endswith("flags unknown")
