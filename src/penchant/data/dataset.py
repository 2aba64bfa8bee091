# SPDX-License-Identifier: Apache-2.0
"""A data set: clean tables behind a schema. Immutable; saved and opened as a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.artefact import new_folder, write_json
from penchant.errors import DataError
from penchant.schema import EVENT_COLUMNS, ITEM, TIME, TYPE, USER, VALUE, IdType, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

PART = "part"
"""Column of `events` when the source gave ready splits: "train", "validation" or "test"."""

_ID = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Clean tables behind a schema.

    Attributes:
        name: a short name, for paths and reports.
        schema: what the tables hold.
        events: the canonical columns (see `penchant.schema`), and `part` where splits were given.
        items: one row per item; every item of `events` has one.
        users: one row per user; may lack users of `events` (nothing is known of those but what they did).
        root: the folder that paths in an image column are relative to, if there is one.
    """

    name: str
    schema: Schema
    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    root: Path | None = None

    def __post_init__(self) -> None:
        """Check what later stages rely on."""
        wanted = {
            USER: _ID[self.schema.user_id],
            ITEM: _ID[self.schema.item_id],
            TIME: pl.Int64(),
            TYPE: pl.String(),
            VALUE: pl.Float64(),
        }
        for column, kind in wanted.items():
            if column not in self.events.columns or self.events.schema[column] != kind:
                raise DataError(f"events: column {column!r} must be {kind}, has {self.events.schema.get(column)}")
        if self.items.schema.get(ITEM) != wanted[ITEM] or self.users.schema.get(USER) != wanted[USER]:
            raise DataError("items and users must carry ids of the same type as events")

    def save(self, folder: Path, extra: Mapping[str, pl.DataFrame] | None = None) -> None:
        """Write everything to `folder` in one step; `extra` tables (quarantine) go beside."""
        with new_folder(folder, replace=True) as draft:
            write_json(
                draft / "schema.json", _Saved(self.name, str(self.root) if self.root else None, self.schema)
            )
            tables = {"events": self.events, "items": self.items, "users": self.users, **(extra or {})}
            for name, table in tables.items():
                table.write_parquet(draft / f"{name}.parquet")

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """Read what `save` wrote."""
        try:
            saved = msgspec.json.decode((folder / "schema.json").read_bytes(), type=_Saved)
            tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("events", "items", "users")}
        except (OSError, msgspec.DecodeError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{folder} is not a data set that Penchant wrote: {error}") from error
        root = Path(saved.root) if saved.root else None
        return cls(name=saved.name, schema=saved.schema, root=root, **tables)


class _Saved(msgspec.Struct, frozen=True):
    name: str
    root: str | None
    schema: Schema


def empty_events(schema: Schema) -> pl.DataFrame:
    """An events table with no rows and the right columns."""
    kinds = (_ID[schema.user_id], _ID[schema.item_id], pl.Int64(), pl.String(), pl.Float64())
    return pl.DataFrame(schema=dict(zip(EVENT_COLUMNS, kinds, strict=True)))
