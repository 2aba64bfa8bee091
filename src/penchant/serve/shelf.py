# SPDX-License-Identifier: Apache-2.0
"""What people see of items: titles, details, pictures, and the search by title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.schema import ITEM, Kind
from penchant.serve.wire import ItemCard, Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from penchant.features.catalogue import Catalogue
    from penchant.schema import Schema
    from penchant.serve.wire import Id

IMAGE_KINDS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"}
"""Pictures that are given out. SVG is not among them: it may hold scripts."""
LARGEST_IMAGE = 20 * 1024 * 1024
"""Bytes."""

_NOT_WORDS = (Kind.IMAGE, Kind.AUDIO, Kind.VECTOR)
"""Columns that are no words for people: paths, bytes, lists of numbers."""

_POPULAR = Reason(text="Popular now")


class Shelf:
    """The catalogue as people see it.

    Args:
        catalogue: the items.
        schema: says which column names an item and which holds its picture.
        root: the folder that picture paths are relative to, if there is one.
        pictured: rows whose picture was sent, and lies in no file.
    """

    def __init__(
        self, catalogue: Catalogue, schema: Schema, root: Path | None, pictured: Collection[int] = ()
    ) -> None:
        frame = catalogue.frame
        self._frame = frame
        # Plain lists: a request looks up a handful of rows, and one call into Polars costs more than all of them.
        self._ids: list[Id] = frame[ITEM].to_list()
        nothing = pl.Series([None] * frame.height, dtype=pl.String)
        title, image = schema.title, schema.image
        titles = frame[title].cast(pl.String) if title and title in frame.columns else nothing
        self._titles: list[str | None] = titles.to_list()
        self._small = titles.str.to_lowercase()
        self._root = root.resolve() if root and root.is_dir() else None
        self._images = frame[image] if self._root and image and image in frame.columns else None
        self._hidden = [name for name, column in schema.items.items() if column.kind in _NOT_WORDS]
        self._seen: dict[int, bool] = dict.fromkeys(pictured, True)

    def ids(self, rows: list[int]) -> list[Id]:
        """The ids of catalogue rows."""
        return [self._ids[row] for row in rows]

    def titles(self, rows: list[int]) -> list[str | None]:
        """The titles of catalogue rows, None where there is none."""
        return [self._titles[row] for row in rows]

    def reasons(self, causes: list[int]) -> list[Reason]:
        """Why, out of the row of the history's item that led to each recommendation; -1 where none did."""
        found = [row for row in causes if row >= 0]
        named = dict(zip(found, zip(self.ids(found), self.titles(found), strict=True), strict=True))
        return [_because(*named[row]) if row >= 0 else _POPULAR for row in causes]

    def has_image(self, row: int) -> bool:
        """Whether there is a picture to show; looked up on the disk once."""
        if row not in self._seen:
            if self._images is None:
                return False
            self._seen[row] = self.picture(row) is not None
        return self._seen[row]

    def picture(self, row: int) -> Path | None:
        """The picture's file, if it is one of decent size below the root, all links followed."""
        name = self._images[row] if self._images is not None else None
        if not isinstance(name, str) or not name or self._root is None or "\0" in name:
            return None
        try:
            path = (self._root / name).resolve()
            inside = path.is_relative_to(self._root) and path.suffix.lower() in IMAGE_KINDS
            return path if inside and path.is_file() and path.stat().st_size <= LARGEST_IMAGE else None
        except (OSError, RuntimeError):  # a name too long, a ring of links: no picture
            return None

    def card(self, row: int) -> ItemCard:
        """Everything known of one item, pictures, sound and vectors excepted."""
        details: dict[str, Any] = self._frame.row(row, named=True)
        return ItemCard(
            item_id=details.pop(ITEM),
            title=self._titles[row],
            has_image=self.has_image(row),
            features={name: value for name, value in details.items() if name not in self._hidden},
        )

    def search(self, text: str, limit: int) -> list[int]:
        """Rows whose title holds `text` in any case: first those that begin with it, then the shorter."""
        wanted = text.strip().lower()
        if not wanted:
            return []
        found = pl.select(
            row=pl.int_range(len(self._small)),
            holds=self._small.str.contains(wanted, literal=True),
            begins=self._small.str.starts_with(wanted),
            size=self._small.str.len_chars(),
        )
        best = found.filter("holds").sort("begins", "size", descending=[True, False], maintain_order=True)
        return best["row"].head(limit).to_list()


def _because(item_id: Id, title: str | None) -> Reason:
    return Reason(text=f"Because of {title or item_id}", because=item_id, title=title)


def image_type(data: bytes) -> str:
    """The media type of a picture that was sent, out of its first bytes; else that of plain bytes."""
    starts = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n": "png", b"GIF8": "gif"}
    found = next((kind for start, kind in starts.items() if data.startswith(start)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = "webp"
    if data[4:12] == b"ftypavif":
        found = "avif"
    return f"image/{found}" if found else "application/octet-stream"
