# SPDX-License-Identifier: Apache-2.0
"""Named members of zip, gzip and tar files, copied piece by piece to places that the caller chose.

No name inside an archive is ever used for writing, so an archive cannot write anywhere else. What grows past a
limit, or far faster than tables of text do, is refused: it was made to fill a disk.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol

from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_RATIO = 250
"""Most bytes that one packed byte may become. Logs reach 30; deflate ends at 1,032."""
FREE_BYTES = 50_000_000
"""Below this the ratio is not looked at: small files may be very regular."""

_CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What the standard library raises of damaged, encrypted or strangely packed archives."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """A stream of unpacked bytes that counts, and refuses to become too many.

    Args:
        stream: gives the unpacked bytes.
        packed: the file they come from, which tells how much of it was read; or its size.
        limit: the most bytes that may come.
        name: for messages.
    """

    def __init__(self, stream: _Readable, packed: IO[bytes] | int, limit: int, name: str) -> None:
        self._stream = stream
        self._packed = packed
        self._limit = limit
        self._name = name
        self._come = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`.

        Raises:
            DataError: they are more than was expected.
        """
        piece = self._stream.read(size)
        self._come += len(piece)
        if self._come > self._limit:
            raise DataError(f"{self._name} holds more than {self._limit:,} bytes, which was not expected")
        packed = self._packed if isinstance(self._packed, int) else self._packed.tell()
        if self._come > max(FREE_BYTES, MAX_RATIO * packed):
            raise DataError(f"{self._name} grows more than {MAX_RATIO} times when unpacked: it is not a data set")
        return piece


def extract(archive: Path, wanted: Mapping[str, Path], limit: int) -> set[str]:
    """Copy members of an archive to files.

    Args:
        archive: a zip file (a wheel is one), a tar file (packed or not), or a gzip file.
        wanted: by the name of each member, the file to write. A name may leave out the folders that come first
            (`ratings.csv` finds `ml-20m/ratings.csv`). A gzip file has one member, of its own name without ".gz".
        limit: the most bytes that one member (of a tar file: all that is read) may have.

    Returns:
        the names that were found.

    Raises:
        DataError: it is no archive, is damaged, or a member is no ordinary file or too large.
    """
    with _explained(archive):
        if zipfile.is_zipfile(archive):
            return _from_zip(archive, wanted, limit)
        if _is_tar(archive):
            return _from_tar(archive, wanted, limit)
        name = archive.name.removesuffix(".gz")
        if archive.suffix == ".gz" and name in wanted:
            with archive.open("rb") as packed, gzip.open(packed) as stream:
                _copy(Unpacked(stream, packed, limit, archive.name), wanted[name])
            return {name}
        if archive.suffix != ".gz":
            raise zipfile.BadZipFile("it is no zip, gzip or tar file")
    return set()


def _from_zip(archive: Path, wanted: Mapping[str, Path], limit: int) -> set[str]:
    with zipfile.ZipFile(archive) as members:
        found = {}
        for info in members.infolist():
            name = _asked(info.filename, wanted)
            if name is not None and name not in found:
                found[name] = info
        for name, info in found.items():
            with members.open(info) as stream:
                what = f"{archive.name}: {name}"
                _copy(Unpacked(stream, max(1, info.compress_size), limit, what), wanted[name])
    return set(found)


def _from_tar(archive: Path, wanted: Mapping[str, Path], limit: int) -> set[str]:
    """One pass: a packed tar file cannot be read out of order."""
    found: set[str] = set()
    with archive.open("rb") as packed:
        head = packed.read(2)
        packed.seek(0)
        plain = gzip.GzipFile(fileobj=packed) if head == b"\x1f\x8b" else packed
        stream = Unpacked(plain, packed, limit, archive.name)  # has read(size), which is all that tarfile asks for
        with tarfile.open(fileobj=stream, mode="r|") as members:  # type: ignore[call-overload]
            for member in members:
                name = _asked(member.name, wanted)
                if name is None or name in found:
                    continue
                content = members.extractfile(member) if member.isreg() else None
                if content is None:
                    raise DataError(f"{archive.name}: {name} is no ordinary file")
                _copy(content, wanted[name])
                found.add(name)
                if len(found) == len(wanted):
                    break
    return found


def _asked(member: str, wanted: Mapping[str, Path]) -> str | None:
    """The name by which a member was asked for."""
    parts = member.split("/")
    endings = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((name for name in endings if name in wanted), None)


def _is_tar(archive: Path) -> bool:
    return archive.name.endswith((".tar", ".tar.gz", ".tgz"))


def _copy(stream: _Readable, target: Path) -> None:
    with target.open("wb") as file:
        while piece := stream.read(_CHUNK):
            file.write(piece)


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """What the standard library raises of a damaged archive becomes a `DataError` that names it."""
    try:
        yield
    except _BROKEN as error:
        raise DataError(f"{archive.name} cannot be read: {error}") from error
