# SPDX-License-Identifier: Apache-2.0
"""Look at the user's files, guess what each column is, and say why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.kinds import MOST_COLUMNS, ColumnGuess, differs_within, guess_columns
from penchant.data.meanings import guess_meanings
from penchant.data.reading import columns_of, explain, scan
from penchant.data.roles import NAMES, RoleGuess, guess_role, plain, unit_of
from penchant.data.values import as_text
from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penchant.data.times import TimeUnit
    from penchant.schema import EventType

SAMPLE_ROWS = 100_000
EVENT_ROLES = ("user", "item", "time", "type", "value")
EXTRA_ROLES = ("dwell", "amount", "quantity", "session", "position", "propensity")
REVIEW_ROLES = ("user", "item", "text", "value", "time")
SOCIAL_ROLES = ("user", "friend", "weight", "time")

TIMELESS = "no column holds times: the order of the file is taken as the order of events"
_MOST_TYPES = 50


@dataclass(frozen=True, kw_only=True)
class TableGuess:
    """What was guessed of one table.

    Attributes:
        files: where it lies.
        roles: which column plays which role.
        columns: what the other columns hold.
        time_unit: what its times count; None where it has none.
    """

    files: tuple[Path, ...]
    roles: Mapping[str, RoleGuess]
    columns: tuple[ColumnGuess, ...] = ()
    time_unit: TimeUnit | None = None


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What was guessed of the user's files.

    Attributes:
        events: the events; its further columns may be context, if they are known when the event begins.
        items: the item table.
        users: the user table.
        reviews: what people wrote.
        social: who is whose friend.
        types: what the names of event types say.
    """

    events: TableGuess
    items: TableGuess | None = None
    users: TableGuess | None = None
    reviews: TableGuess | None = None
    social: TableGuess | None = None
    types: Mapping[str, EventType] = field(default_factory=dict)

    @property
    def time_unit(self) -> TimeUnit | None:
        """What the times of events count; None where there are none."""
        return self.events.time_unit

    def tables(self) -> dict[str, TableGuess]:
        """Those that there are, by name."""
        named = {
            "events": self.events,
            "items": self.items,
            "users": self.users,
            "reviews": self.reviews,
            "social": self.social,
        }
        return {name: table for name, table in named.items() if table is not None}

    def reasons(self) -> list[str]:
        """One line for each thing that was guessed, fit to be shown."""
        lines = []
        for name, table in self.tables().items():
            lines += [f"{name}: {role.role} = {role.column} ({role.reason})" for role in table.roles.values()]
            for guess in table.columns:
                what = guess.column.kind.value if guess.column else "left out"
                lines.append(f"{name}: {guess.name}: {what} ({guess.reason})")
        lines += [
            f"events: type {name} = {one.meaning.value} (its name says so)" for name, one in self.types.items()
        ]
        return lines if self.time_unit else [*lines, f"events: {TIMELESS}"]


def guess(
    events: Sequence[Path],
    items: Sequence[Path] = (),
    users: Sequence[Path] = (),
    overrides: Mapping[str, str] | None = None,
    *,
    reviews: Sequence[Path] = (),
    social: Sequence[Path] = (),
) -> Guess:
    """Guess what the columns of the user's files are.

    Args:
        events: the files of the events table.
        items: the files of the items table, if there is one.
        users: the files of the users table, if there is one.
        overrides: role ("user", "item", "time", "type", "value", "title") -> the column that plays it.
        reviews: the files of the reviews table, if there is one.
        social: the files of the table of friends, if there is one.

    Raises:
        DataError: a file cannot be read, an override names no column, or it cannot be told who or what.
    """
    said = dict(overrides or {})
    table = _sample(events)
    for role, column in said.items():
        if role not in NAMES:
            raise DataError(f"There is no role {role!r}{nearest(role, NAMES)}")
        if role != "title" and column not in table.columns:
            raise DataError(f"{events[0]} has no column {column!r}{nearest(column, table.columns)}")
    roles = _roles(table, (*EVENT_ROLES, *EXTRA_ROLES), said)
    for role in ("user", "item"):
        if role not in roles:
            raise DataError(
                f"{events[0]}: cannot tell which column is the {role}; it has {', '.join(table.columns)}. "
                f"Say it by --{role}-column"
            )
    others = [column for column in table.columns if column not in {role.column for role in roles.values()}]
    types = as_text(table[roles["type"].column]).drop_nulls().unique().sort().to_list() if "type" in roles else []
    ids = {role: roles[role].column for role in ("user", "item")}
    return Guess(
        events=TableGuess(
            files=tuple(events),
            roles=roles,
            columns=tuple(guess_columns(table, others)),
            time_unit=_unit(table, roles),
        ),
        items=_entities("item", items, ids["item"], said) if items else None,
        users=_entities("user", users, ids["user"], said) if users else None,
        reviews=_links("reviews", reviews, ids, REVIEW_ROLES) if reviews else None,
        social=_links("social", social, {"user": ids["user"]}, SOCIAL_ROLES) if social else None,
        types=guess_meanings(types) if len(types) <= _MOST_TYPES else {},
    )


def _roles(table: pl.DataFrame, wanted: Sequence[str], said: Mapping[str, str]) -> dict[str, RoleGuess]:
    roles: dict[str, RoleGuess] = {}
    for role in wanted:
        found = guess_role(role, table, said, taken={r.column for r in roles.values()})
        if found:
            roles[role] = found
    return roles


def _unit(table: pl.DataFrame, roles: Mapping[str, RoleGuess]) -> TimeUnit | None:
    return unit_of(table[roles["time"].column]) if "time" in roles else None


def _sample(files: Sequence[Path]) -> pl.DataFrame:
    columns_of(files[0])
    try:
        return scan(files[0]).head(SAMPLE_ROWS).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(files[0], error) from error


def _links(name: str, files: Sequence[Path], ids: Mapping[str, str], wanted: Sequence[str]) -> TableGuess:
    """A table that refers to users and items: they are named as in the events, or by a usual name.

    Raises:
        DataError: it cannot be told who, or what.
    """
    table = _sample(files)
    said = {role: column for role, column in ids.items() if column in table.columns}
    roles = _roles(table, wanted, said)
    same = {
        role: RoleGuess(role=role, column=column, reason="named as in the events") for role, column in said.items()
    }
    roles = {role: same.get(role, found) for role, found in roles.items()}
    for role in ("user", *(("friend",) if name == "social" else ("item",))):
        if role not in roles:
            raise DataError(
                f"{files[0]}: cannot tell which column is the {role}; it has {', '.join(table.columns)}. "
                f"Name it {ids.get(role, role + '_id')!r}"
            )
    return TableGuess(files=tuple(files), roles=roles, time_unit=_unit(table, roles))


def _entities(role: str, files: Sequence[Path], event_column: str, said: Mapping[str, str]) -> TableGuess:
    table = _sample(files)
    if event_column in table.columns:
        key = RoleGuess(role=role, column=event_column, reason="named as in the events")
    else:
        found = guess_role(role, table, {k: v for k, v in said.items() if k == "title"}, set())
        if found is None and "id" in map(plain, table.columns):
            column = next(name for name in table.columns if plain(name) == "id")
            found = RoleGuess(role=role, column=column, reason="its name says id")
        if found is None:
            raise DataError(
                f"{files[0]}: cannot tell which column is the {role}; it has {', '.join(table.columns)}. "
                f"Name it {event_column!r}, as in the events"
            )
        key = found
    roles = {role: key}
    title = guess_role("title", table, said, {key.column}) if role == "item" else None
    if title:
        if title.column not in table.columns:
            raise DataError(f"{files[0]} has no column {title.column!r}{nearest(title.column, table.columns)}")
        roles["title"] = title
    one_each = table.unique(key.column, keep="first", maintain_order=True)
    canonical = ("item_id", "user_id")[role == "user"]
    others = [column for column in table.columns if column not in (key.column, canonical)]
    moving = differs_within(table.select(key.column, *others[:MOST_COLUMNS]), key.column)
    why = f"differs between rows of one {role}: left out"
    columns = [
        ColumnGuess(name=one.name, column=None, reason=why) if one.name in moving else one
        for one in guess_columns(one_each, others)
    ]
    return TableGuess(files=tuple(files), roles=roles, columns=tuple(columns))
