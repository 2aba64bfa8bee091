# SPDX-License-Identifier: Apache-2.0
"""A publisher's files, wherever they lie: in archives, in a wheel, or unpacked in a folder."""

from __future__ import annotations

import glob
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from penchant.data.archives import extract
from penchant.data.fetch import MAX_BYTES
from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".whl")


class Raw:
    """Files by name, unpacked when they are asked for.

    Args:
        places: archives, packed files, and folders with either.
        scratch: an existing folder to unpack into.
        variant: which part of a set they are.
        limit: the most bytes of an unpacked file.
    """

    def __init__(
        self, places: Sequence[Path], scratch: Path, *, variant: str = "", limit: int = MAX_BYTES
    ) -> None:
        self.variant = variant
        self._folders = [place for place in places if place.is_dir()]
        self._files = [place for place in places if not place.is_dir()]
        self._scratch = scratch
        self._limit = limit
        self._known: dict[str, Path] = {}
        self._number = itertools.count()

    def find(self, *names: str) -> dict[str, Path]:
        """Those of the files that are there, by the names that were asked for.

        Args:
            names: paths; folders that come first may be left out (`ratings.csv` finds `ml-20m/ratings.csv`).

        Raises:
            DataError: an archive is damaged.
        """
        found = {name: self._known[name] for name in names if name in self._known}
        for folder in self._folders:
            found |= {name: path for name in names if name not in found and (path := _beside(folder, name))}
        inside = [file for folder in self._folders for file in _archives(folder)]
        for file in [*self._files, *inside]:
            missing = [name for name in names if name not in found]
            if not missing:
                break
            if file.name in missing:
                found[file.name] = file
                missing.remove(file.name)
            if file.name.endswith((*ARCHIVES, ".gz")):
                found |= self._unpack(file, missing)
        self._known |= {name: self._plain(name, path) for name, path in found.items()}
        return {name: self._known[name] for name in found}

    def need(self, *names: str) -> list[Path]:
        """All of the files, in the order of their names.

        Raises:
            DataError: one is missing, or an archive is damaged.
        """
        found = self.find(*names)
        missing = [name for name in names if name not in found]
        if missing:
            where = ", ".join(str(place.name) for place in [*self._folders, *self._files]) or "nothing"
            raise DataError(f"{where} has no {' and no '.join(missing)}, which belongs to this set")
        return [found[name] for name in names]

    def inside(self, name: str) -> Raw:
        """What lies in an archive among the files, or in a folder of its name.

        Raises:
            DataError: there is neither.
        """
        stem = name.partition(".")[0]
        folders = [folder / stem for folder in self._folders if (folder / stem).is_dir()]
        places = folders or self.need(name)
        deeper = self._scratch / str(next(self._number))
        deeper.mkdir()
        return Raw(places, deeper, variant=self.variant, limit=self._limit)

    def _unpack(self, archive: Path, names: Sequence[str]) -> dict[str, Path]:
        """Members go to files named by those who ask, never by the archive."""
        folders = {name: self._scratch / str(next(self._number)) for name in names}
        for folder in folders.values():
            folder.mkdir()
        targets = {name: folder / Path(name).name for name, folder in folders.items()}
        got = extract(archive, targets, self._limit) if targets else set()
        return {name: targets[name] for name in got}

    def _plain(self, name: str, path: Path) -> Path:
        """The file itself, where only a packed one was there."""
        short = Path(name).name
        return self._unpack(path, [short])[short] if path.name == f"{short}.gz" else path


def _beside(folder: Path, name: str) -> Path | None:
    """A file of that name in a folder, or in a folder of it, packed by gzip or not."""
    ways = (path for wanted in (name, f"{name}.gz") for path in (folder / wanted, *_deeper(folder, wanted)))
    return next((path for path in ways if path.is_file()), None)


def _deeper(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"*/{glob.escape(name)}"))


def _archives(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name.endswith(ARCHIVES))
