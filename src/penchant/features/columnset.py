# SPDX-License-Identifier: Apache-2.0
"""All columns of one table, fitted together: items, users, or what was known when an event began."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.errors import ConfigError, nearest
from penchant.features.columns import COLUMNS, CategoryColumn, ColumnChoice, ColumnState, NumberColumn, TagsColumn
from penchant.features.crosses import CROSSABLE, Cross, CrossState
from penchant.features.moments import MomentColumn
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from penchant.schema import Column

AnyColumn = NumberColumn | CategoryColumn | TagsColumn | MomentColumn


class ColumnSetState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the columns of one table remember, by name."""

    columns: dict[str, ColumnState] = {}
    crosses: dict[str, CrossState] = {}


class ColumnSet:
    """The fitted columns and crosses of one table."""

    def __init__(self, columns: Mapping[str, AnyColumn], crosses: Mapping[str, Cross]) -> None:
        self.columns = dict(columns)
        self.crosses = dict(crosses)

    def __getitem__(self, name: str) -> AnyColumn:
        return self.columns[name]

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Mapping[str, Column],
        *,
        leave_out: Collection[str] = (),
        choices: Mapping[str, ColumnChoice] | None = None,
        crosses: Mapping[str, tuple[str, ...]] | None = None,
        end: int = 0,
    ) -> ColumnSet:
        """Learn from the rows that training may see.

        Args:
            frame: those rows; a column that it lacks is missing in all of them.
            columns: of the table.
            leave_out: which of them models shall not see.
            choices: the run file's `[features.columns]`.
            crosses: those of the run file's `[features.crosses]` whose columns all are this table's.
            end: the latest training event, in microseconds.
        """
        choices = choices or {}
        fitted: dict[str, AnyColumn] = {}
        for name, column in columns.items():
            if name in leave_out:
                continue
            if column.kind is Kind.TIME:
                fitted[name] = MomentColumn.fit(column_of(frame, name), end)
            elif column.kind in COLUMNS:
                choice = choices.get(name, ColumnChoice())
                fitted[name] = COLUMNS[column.kind].fit(column_of(frame, name), choice)
        get = partial(column_of, frame)
        made = {name: Cross.fit(tuple(parts), columns, get) for name, parts in (crosses or {}).items()}
        return cls(fitted, made)

    @property
    def sizes(self) -> dict[str, int]:
        """Per feature, the size of its vocabulary, or 0 for a number."""
        sizes: dict[str, int] = {}
        for name, column in self.columns.items():
            if isinstance(column, MomentColumn):
                sizes |= {f"{name} {part}": 0 for part in column.parts}
            else:
                sizes[name] = column.size
        return sizes | {name: cross.size for name, cross in self.crosses.items()}

    def encode(self, frame: pl.DataFrame) -> dict[str, Tensor]:
        """Per feature: [N] float32 for a number, [N] int64 for a word, [N, W] int64 for tags."""
        features: dict[str, Tensor] = {}
        for name, column in self.columns.items():
            values = column_of(frame, name)
            if isinstance(column, MomentColumn):
                features |= {f"{name} {part}": made for part, made in column.encode(values).items()}
            else:
                features[name] = column.encode(values)
        get = partial(column_of, frame)
        return features | {name: cross.encode(get) for name, cross in self.crosses.items()}

    def state(self) -> ColumnSetState:
        """What has been learned."""
        return ColumnSetState(
            columns={name: column.state() for name, column in self.columns.items()},
            crosses={name: cross.state for name, cross in self.crosses.items()},
        )

    @classmethod
    def load(cls, state: ColumnSetState) -> ColumnSet:
        """Take up what `state` returned."""
        columns: dict[str, AnyColumn] = {
            name: MomentColumn.load(one) if one.kind is Kind.TIME else COLUMNS[one.kind].load(one)
            for name, one in state.columns.items()
        }
        return cls(columns, {name: Cross(one) for name, one in state.crosses.items()})


def column_of(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column, or nulls where the frame lacks it."""
    return frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height, dtype=pl.String)


def check_names(names: Collection[str], tables: Mapping[str, Mapping[str, Column]], where: str) -> None:
    """Refuse names of columns that are in no table.

    Raises:
        ConfigError: says which, and the nearest one that there is.
    """
    known = {name for columns in tables.values() for name in columns}
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: no column {name!r}{nearest(name, known)}")


def crosses_of(
    table: str, crosses: Mapping[str, tuple[str, ...]], tables: Mapping[str, Mapping[str, Column]]
) -> dict[str, tuple[str, ...]]:
    """The crosses whose columns all are of one table.

    Args:
        table: "items", "users" or "context".
        crosses: the run file's `[features.crosses]`.
        tables: the columns of each table.

    Raises:
        ConfigError: a cross has fewer than two columns, mixes tables, takes what cannot be crossed, or has the
            name of a column.
    """
    own = {}
    for name, parts in crosses.items():
        where = f"[features.crosses] {name}"
        check_names(parts, tables, where)
        if len(set(parts)) < 2:
            raise ConfigError(f"{where}: name at least two columns")
        homes = [home for home, columns in tables.items() if all(part in columns for part in parts)]
        if not homes:
            raise ConfigError(f"{where}: {', '.join(parts)} are not all of one table; a model joins tables itself")
        columns = tables[homes[0]]
        if name in columns:
            raise ConfigError(f"{where}: there is a column of this name; name the cross otherwise")
        for part in parts:
            if columns[part].kind not in CROSSABLE:
                raise ConfigError(f"{where}: {part!r} is {columns[part].kind}; only {', '.join(CROSSABLE)} can be")
        if homes[0] == table:
            own[name] = tuple(parts)
    return own
