# SPDX-License-Identifier: Apache-2.0
"""How many items have words, pictures, sound or vectors, and which of the files named are missing or broken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.profile.facts import Coverage
from penchant.profile.view import run
from penchant.schema import ITEM, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from penchant.profile.view import View

LOOKED = 500
"""Files of a column whose beginning and end are read; existence and size are looked up for all."""
EXAMPLES = 5
_CONTENT = (Kind.TEXT, Kind.IMAGE, Kind.AUDIO, Kind.VECTOR)
_FILES = (Kind.IMAGE, Kind.AUDIO)
_ENDS = 64
_MARKS: dict[str, tuple[bytes, int, bytes]] = {
    ".jpg": (b"\xff\xd8\xff", 0, b"\xff\xd9"),
    ".jpeg": (b"\xff\xd8\xff", 0, b"\xff\xd9"),
    ".png": (b"\x89PNG\r\n\x1a\n", 0, b"IEND\xaeB`\x82"),
    ".gif": (b"GIF8", 0, b";"),
    ".webp": (b"WEBP", 8, b""),
    ".flac": (b"fLaC", 0, b""),
    ".wav": (b"WAVE", 8, b""),
    ".ogg": (b"OggS", 0, b""),
}
"""By ending: how such a file begins, where that stands, and how it ends."""


def coverage(view: View) -> tuple[Coverage, ...]:
    """One row for each column of the item table that holds content."""
    dataset = view.dataset
    kinds = {name: column.kind for name, column in dataset.schema.items.items() if column.kind in _CONTENT}
    if dataset.schema.title:
        kinds.setdefault(dataset.schema.title, Kind.TEXT)
    asked = run(view.events.group_by(ITEM).agg(pl.len().alias("_events")))
    items = dataset.items.join(asked, on=ITEM, how="left").with_columns(pl.col("_events").fill_null(0))
    return tuple(_of_column(items, name, kind, dataset.root) for name, kind in kinds.items())


def _of_column(items: pl.DataFrame, name: str, kind: Kind, root: Path | None) -> Coverage:
    cells = items[name]
    present = cells.is_not_null()
    if isinstance(cells.dtype, pl.List):
        present &= cells.list.len() > 0
    elif cells.dtype == pl.String:
        present &= cells.str.strip_chars() != ""
    events = int(items["_events"].sum()) or 1
    base = Coverage(
        column=name,
        kind=kind.value,
        items=items.height,
        present=int(present.sum()),
        events=float(items["_events"].filter(present).sum() / events),
    )
    if kind not in _FILES or cells.dtype != pl.String or root is None:
        return base
    paths = cells.filter(present)
    local = paths.filter(~paths.str.contains("^[a-z]+://")).alias("path").to_frame()
    return base if local.is_empty() else _with_files(base, local, root)


def _with_files(base: Coverage, local: pl.DataFrame, root: Path) -> Coverage:
    """`base`, and what is known of the files that the column `path` names, relative to `root`."""
    found = local.join(_listing(root, local), on="path", how="left", maintain_order="left")
    absent = found.filter(pl.col("size").is_null())["path"]
    empty = found.filter(pl.col("size") == 0)["path"]
    there = found.filter(pl.col("size") > 0)["path"]
    some = there.gather_every(max(-(-len(there) // LOOKED), 1)).to_list()
    broken = [(path, words) for path in some if (words := trouble(root / path))]
    lost = [(path, "is not there") for path in absent.head(EXAMPLES)]
    hollow = [(path, "is empty") for path in empty.head(EXAMPLES)]
    return msgspec.structs.replace(
        base,
        absent=len(absent),
        broken=len(broken) + len(empty),
        looked=len(some) + len(empty),
        examples=tuple(f"{path} {words}" for path, words in [*lost, *hollow, *broken][:EXAMPLES]),
    )


def trouble(path: Path) -> str:
    """What is wrong with a file, by its first and last bytes; "" where nothing is seen."""
    mark = _MARKS.get(path.suffix.lower())
    try:
        with path.open("rb") as file:
            head = file.read(_ENDS)
            file.seek(-min(_ENDS, file.seek(0, os.SEEK_END)), os.SEEK_END)
            end = file.read(_ENDS)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if mark is None:
        return ""
    start, where, close = mark
    if head[where : where + len(start)] != start:
        return f"is not a {path.suffix[1:]} file"
    return "" if close in end else "is cut short"


def _listing(root: Path, named: pl.DataFrame) -> pl.DataFrame:
    """Path (relative, as it is written in the table) and size of every file in the folders that are named."""
    folders = named.select(pl.col("path").str.replace(r"[^/]*$", "")).unique().to_series().to_list()
    rows = [entry for folder in folders for entry in _folder(root, folder)]
    return pl.DataFrame(rows, schema={"path": pl.String, "size": pl.Int64}, orient="row").unique("path")


def _folder(root: Path, folder: str) -> Iterator[tuple[str, int]]:
    try:
        with os.scandir(root / folder) as entries:
            yield from ((f"{folder}{entry.name}", entry.stat().st_size) for entry in entries if entry.is_file())
    except OSError:
        return
