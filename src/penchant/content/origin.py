# SPDX-License-Identifier: Apache-2.0
"""From the value in a picture or sound column to the bytes that it means, and to a key that names those bytes.

A value is bytes, an address, or a path below the data set's folder. Nothing outside that folder is opened,
whatever links lie in it, and nothing but plain files of decent size.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from penchant.artefact import writing
from penchant.content.encoder import UnusableError
from penchant.content.fetcher import Fetcher, is_address

if TYPE_CHECKING:
    from penchant.schema import Kind

Raw = str | bytes
"""A cell of a picture or sound column."""


@dataclass(frozen=True)
class Found:
    """Where content lies, before it is read.

    Attributes:
        where: its name in the memory of keys; None for bytes, which need no memory.
        stamp: what would differ if the content were another: size and time of a file.
        path: of a file.
    """

    where: str | None
    stamp: str = ""
    path: Path | None = None


class Source:
    """Reads content.

    Args:
        root: the folder that paths are relative to; None where there is none: then no path can be read.
        max_bytes: larger content is refused.
        fetcher: for addresses; None where they shall not be fetched.
    """

    def __init__(
        self, root: Path | None = None, *, max_bytes: int = 20_000_000, fetcher: Fetcher | None = None
    ) -> None:
        self.root = root.resolve() if root else None
        self.max_bytes = max_bytes
        self.fetcher = fetcher

    def find(self, value: Raw) -> Found:
        """Where the content of a value lies.

        Raises:
            UnusableError: nowhere that may be read.
        """
        if isinstance(value, bytes):
            return Found(None)
        if is_address(value):
            if self.fetcher is None:
                raise UnusableError("an address, and [content] fetch is not true")
            return Found(value)
        return self._file(value)

    def read(self, value: Raw, found: Found, kind: Kind) -> bytes:
        """The content itself.

        Raises:
            UnusableError: it cannot be read, is empty or too large.
        """
        if isinstance(value, bytes):
            raw = value
        elif found.path is None:
            assert self.fetcher is not None  # `find` saw to it
            raw = self.fetcher.get(value, kind)
        else:
            try:
                with found.path.open("rb") as file:
                    # A file may grow between the look and the reading.
                    raw = file.read(self.max_bytes + 1)
            except OSError as error:
                raise UnusableError(f"cannot be read: {error.strerror}") from error
        self._measure(len(raw))
        return raw

    def _file(self, value: str) -> Found:
        if self.root is None:
            raise UnusableError("a path, and there is no folder that it is relative to")
        if not value or "\0" in value:
            raise UnusableError("is no path")
        try:
            path = (self.root / value).resolve()
            if Path(value).is_absolute() or not path.is_relative_to(self.root):
                raise UnusableError("leads out of the folder of its table")
            told = path.stat()
        except FileNotFoundError:
            raise UnusableError("there is no such file") from None
        except (OSError, RuntimeError) as error:  # a name too long, no permission, a ring of links
            raise UnusableError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if stat.S_ISDIR(told.st_mode):
            raise UnusableError("is a folder, where a file is meant")
        if not stat.S_ISREG(told.st_mode):
            raise UnusableError("is no plain file")
        self._measure(told.st_size)
        return Found(str(path), f"{told.st_size}:{told.st_mtime_ns}", path)

    def _measure(self, size: int) -> None:
        if size == 0:
            raise UnusableError("is empty")
        if size > self.max_bytes:
            raise UnusableError(f"more than {self.max_bytes:,} bytes ([content] max_bytes)")


def key_of(raw: bytes) -> bytes:
    """The name of a piece of content: its SHA-256."""
    return hashlib.sha256(raw).digest()


class Keys:
    """Remembers the keys of files and addresses, so that a second run need not read what has not changed.

    Args:
        path: a Parquet file; None keeps nothing beyond this process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, tuple[str, bytes]] = {}
        self._changed = False
        if path and path.exists():
            try:
                frame = pl.read_parquet(path)
                rows = zip(frame["where"], frame["stamp"], frame["key"], strict=True)
                self._known = {where: (stamp, key) for where, stamp, key in rows}
            except (OSError, pl.exceptions.PolarsError):  # a damaged memory is forgotten: it only saves work
                self._known = {}

    def get(self, found: Found) -> bytes | None:
        """The key, if the content is what it was."""
        stamp, key = self._known.get(found.where or "", ("", None))
        return key if found.where is not None and stamp == found.stamp else None

    def put(self, found: Found, key: bytes) -> None:
        """Remember a key."""
        if found.where is not None:
            self._known[found.where] = (found.stamp, key)
            self._changed = True

    def save(self) -> None:
        """Write what was learned since, in one step."""
        if self._path is None or not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame(
            [(where, stamp, key) for where, (stamp, key) in self._known.items()],
            schema={"where": pl.String, "stamp": pl.String, "key": pl.Binary}, orient="row",
        )  # fmt: skip
        draft = self._path.with_name(f".{self._path.name}.new")
        with writing(self._path):
            frame.write_parquet(draft)
            draft.replace(self._path)
        self._changed = False
