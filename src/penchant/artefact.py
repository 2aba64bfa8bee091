# SPDX-License-Identifier: Apache-2.0
"""Folders on disk that are either whole or not there: write beside, fsync, rename.

safetensors, JSON and Parquet only; never pickle.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from polars.exceptions import PolarsError
from safetensors import SafetensorError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Let what the system refuses be an `OSError` with its number, that names `target`.

    Polars and safetensors tell it in words only, in errors of their own or an `OSError` without a number.

    Raises:
        OSError: the disk is full, or the like.
    """
    try:
        yield
    except (OSError, PolarsError, SafetensorError) as error:
        refused = re.search(r"\(os error (\d+)\)", str(error))
        if refused is None:
            raise
        number = int(refused[1])
        raise OSError(number, os.strerror(number), str(target)) from error


@contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary sibling of `target` to write into; it becomes `target` on leaving without an error.

    Args:
        target: the folder to make.
        replace: whether an existing `target` gives way; otherwise `FileExistsError`.
    """
    if target.exists() and not replace:
        raise FileExistsError(f"{target} is already there")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    draft.chmod(0o755)
    try:
        with writing(target):
            yield draft
        for path in draft.rglob("*"):
            if path.is_file():
                _fsync(path)
        _fsync(draft)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
            target.rename(old / target.name)
            draft.rename(target)
            shutil.rmtree(old)
        else:
            draft.rename(target)
        _fsync(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        _fsync(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Put `value` (structs, dicts, lists, numbers, strings) at `path` as indented JSON, in one step."""
    write_text(path, msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(*parts: Any) -> str:
    """A short stable hash (16 hexadecimal digits) of JSON-like values or bytes."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else msgspec.json.encode(part, order="sorted")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()[:16]


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
