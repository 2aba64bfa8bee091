# SPDX-License-Identifier: Apache-2.0
"""A data set: clean tables behind a schema. Immutable; saved and opened as a folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.artefact import new_folder, write_json
from penchant.errors import DataError
from penchant.schema import (
    EVENT_COLUMNS,
    FRIEND,
    ITEM,
    RATING,
    TEXT,
    TIME,
    TYPE,
    USER,
    VALUE,
    WEIGHT,
    IdType,
    Schema,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PART = "part"
"""Column of `events` when the source gave ready splits: "train", "validation" or "test"."""

_ID = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}
_EVENTS = "events"


@dataclass(frozen=True, kw_only=True)
class EventFiles:
    """Events that are too many for memory, as Parquet files.

    Attributes:
        paths: the files; each is sorted by time, and no event of one is later than any of the next.
        keeper: what keeps the files there for as long as it lives, if anything must.
    """

    paths: tuple[Path, ...]
    keeper: object = None

    def scan(self) -> pl.LazyFrame:
        """All events, in order."""
        return pl.scan_parquet(list(self.paths), glob=False, hive_partitioning=False)


class Dataset:
    """Clean tables behind a schema.

    Attributes:
        name: a short name, for paths and reports.
        schema: what the tables hold.
        items: one row per item; every item of `events` has one.
        users: one row per user; may lack users of `events` (nothing is known of those but what they did).
        reviews: what people wrote of items, sorted by time; None where the source has none.
        social: who is whose friend; None where the source has none.
        root: the folder that paths in an image or audio column are relative to, if there is one.
    """

    def __init__(
        self,
        *,
        name: str,
        schema: Schema,
        events: pl.DataFrame | EventFiles,
        items: pl.DataFrame,
        users: pl.DataFrame,
        reviews: pl.DataFrame | None = None,
        social: pl.DataFrame | None = None,
        root: Path | None = None,
    ) -> None:
        """Check what later stages rely on.

        Args:
            name: as the attribute; so are the others, but one.
            schema: see there.
            events: the canonical columns (see `penchant.schema`), and `part` where splits were given; a table, or
                the files of one.
            items: see there.
            users: see there.
            reviews: see there.
            social: see there.
            root: see there.

        Raises:
            DataError: a table lacks a column, or holds another type in it.
        """
        self.name, self.schema, self.root = name, schema, root
        self.items, self.users, self.reviews, self.social = items, users, reviews, social
        self._stored = events
        user, item = _ID[schema.user_id], _ID[schema.item_id]
        plain = {TIME: pl.Int64(), TYPE: pl.String(), VALUE: pl.Float64()}
        _check(_EVENTS, self.scan_events().collect_schema(), {USER: user, ITEM: item, **plain})
        if items.schema.get(ITEM) != item or users.schema.get(USER) != user:
            raise DataError("items and users must carry ids of the same type as events")
        if reviews is not None:
            words = {USER: user, ITEM: item, TIME: pl.Int64(), TEXT: pl.String(), RATING: pl.Float64()}
            _check("reviews", reviews.schema, words)
        if social is not None:
            _check("social", social.schema, {USER: user, FRIEND: user, WEIGHT: pl.Float64(), TIME: pl.Int64()})

    @cached_property
    def events(self) -> pl.DataFrame:
        """All events in memory, sorted by time, ties in the order of the source."""
        return self._stored if isinstance(self._stored, pl.DataFrame) else self._stored.scan().collect()

    @property
    def event_columns(self) -> tuple[str, ...]:
        """The columns of events, known without reading any."""
        return tuple(self.scan_events().collect_schema().names())

    @cached_property
    def event_count(self) -> int:
        """How many events there are."""
        if isinstance(self._stored, pl.DataFrame):
            return self._stored.height
        return int(self._stored.scan().select(pl.len()).collect().item())

    def scan_events(self) -> pl.LazyFrame:
        """All events, in the same order, to be read lazily; from disk where they are many."""
        return self._stored.lazy() if isinstance(self._stored, pl.DataFrame) else self._stored.scan()

    def event_parts(self) -> Iterator[pl.DataFrame]:
        """All events in the same order, as tables that fit into memory one at a time."""
        if isinstance(self._stored, pl.DataFrame):
            yield self._stored
            return
        for path in self._stored.paths:
            yield pl.read_parquet(path, glob=False, hive_partitioning=False)

    def save(self, folder: Path, extra: Mapping[str, pl.DataFrame | pl.LazyFrame] | None = None) -> None:
        """Write everything to `folder` in one step; `extra` tables (quarantine) go beside."""
        tables: dict[str, pl.DataFrame | pl.LazyFrame | None] = {"items": self.items, "users": self.users}
        tables |= {"reviews": self.reviews, "social": self.social, **(extra or {})}
        with new_folder(folder, replace=True) as draft:
            write_json(
                draft / "schema.json", _Saved(self.name, str(self.root) if self.root else None, self.schema)
            )
            if isinstance(self._stored, pl.DataFrame):
                tables[_EVENTS] = self._stored
            else:
                _link(self._stored.paths, draft / _EVENTS)
            for name, table in tables.items():
                if isinstance(table, pl.DataFrame):
                    table.write_parquet(draft / f"{name}.parquet")
                elif table is not None:
                    table.sink_parquet(draft / f"{name}.parquet", engine="streaming")

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """Read what `save` wrote.

        Raises:
            DataError: it is not whole.
        """
        try:
            saved = msgspec.json.decode((folder / "schema.json").read_bytes(), type=_Saved)
            parts = tuple(sorted((folder / _EVENTS).glob("part-*.parquet")))
            events = EventFiles(paths=parts) if parts else pl.read_parquet(folder / f"{_EVENTS}.parquet")
            root = Path(saved.root) if saved.root else None
            return cls(
                name=saved.name,
                schema=saved.schema,
                events=events,
                items=pl.read_parquet(folder / "items.parquet"),
                users=pl.read_parquet(folder / "users.parquet"),
                reviews=_read_if_there(folder / "reviews.parquet"),
                social=_read_if_there(folder / "social.parquet"),
                root=root,
            )
        except (OSError, msgspec.DecodeError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{folder} is not a data set that Penchant wrote: {error}") from error


class _Saved(msgspec.Struct, frozen=True):
    name: str
    root: str | None
    schema: Schema


def empty_events(schema: Schema) -> pl.DataFrame:
    """An events table with no rows and the right columns."""
    kinds = (_ID[schema.user_id], _ID[schema.item_id], pl.Int64(), pl.String(), pl.Float64())
    return pl.DataFrame(schema=dict(zip(EVENT_COLUMNS, kinds, strict=True)))


def _check(table: str, have: pl.Schema, wanted: Mapping[str, pl.DataType]) -> None:
    for column, kind in wanted.items():
        if have.get(column) != kind:
            raise DataError(f"{table}: column {column!r} must be {kind}, has {have.get(column)}")


def _read_if_there(path: Path) -> pl.DataFrame | None:
    return pl.read_parquet(path) if path.exists() else None


def _link(paths: tuple[Path, ...], folder: Path) -> None:
    """Let files stand in another folder too, without a copy where the file system can."""
    folder.mkdir()
    for number, path in enumerate(paths):
        target = folder / f"part-{number:05d}.parquet"
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
