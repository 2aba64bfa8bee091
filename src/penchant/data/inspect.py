# SPDX-License-Identifier: Apache-2.0
"""Look at the user's files, guess what each column is, say why, and write it down as a run file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.kinds import ColumnGuess, differs_within, guess_column
from penchant.data.reading import columns_of, explain, scan
from penchant.data.roles import NAMES, RoleGuess, guess_role, plain, unit_of
from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penchant.data.times import TimeUnit

SAMPLE_ROWS = 100_000

_TIMELESS = "no column holds times: the order of the file is taken as the order of events"


@dataclass(frozen=True, kw_only=True)
class TableGuess:
    """What was guessed of one table.

    Attributes:
        files: where it lies.
        roles: which column plays which role.
        columns: what the other columns of an item or user table hold.
    """

    files: tuple[Path, ...]
    roles: Mapping[str, RoleGuess]
    columns: tuple[ColumnGuess, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What was guessed of the user's files; `time_unit` is None where there is no time."""

    events: TableGuess
    time_unit: TimeUnit | None
    items: TableGuess | None = None
    users: TableGuess | None = None

    def reasons(self) -> list[str]:
        """One line for each thing that was guessed, fit to be shown."""
        lines = []
        for name, table in (("events", self.events), ("items", self.items), ("users", self.users)):
            if table is None:
                continue
            lines += [f"{name}: {role.role} = {role.column} ({role.reason})" for role in table.roles.values()]
            for guess in table.columns:
                what = guess.column.kind.value if guess.column else "left out"
                lines.append(f"{name}: {guess.name}: {what} ({guess.reason})")
        return lines if self.time_unit else [*lines, f"events: {_TIMELESS}"]


def guess(
    events: Sequence[Path],
    items: Sequence[Path] = (),
    users: Sequence[Path] = (),
    overrides: Mapping[str, str] | None = None,
) -> Guess:
    """Guess what the columns of the user's files are.

    Args:
        events: the files of the events table.
        items: the files of the items table, if there is one.
        users: the files of the users table, if there is one.
        overrides: role ("user", "item", "time", "type", "value", "title") -> the column that plays it.

    Raises:
        DataError: a file cannot be read, an override names no column, or it cannot be told who or what.
    """
    said = dict(overrides or {})
    table = _sample(events)
    wanted = {role: column for role, column in said.items() if role != "title"}
    for role, column in wanted.items():
        if role not in NAMES:
            raise DataError(f"There is no role {role!r}{nearest(role, NAMES)}")
        if column not in table.columns:
            raise DataError(f"{events[0]} has no column {column!r}{nearest(column, table.columns)}")
    roles: dict[str, RoleGuess] = {}
    for role in ("user", "item", "time", "type", "value"):
        found = guess_role(role, table, said, taken={r.column for r in roles.values()})
        if found:
            roles[role] = found
        elif role in ("user", "item"):
            raise DataError(
                f"{events[0]}: cannot tell which column is the {role}; it has {', '.join(table.columns)}. "
                f"Say it by --{role}-column"
            )
    unit = unit_of(table[roles["time"].column]) if "time" in roles else None
    return Guess(
        events=TableGuess(files=tuple(events), roles=roles),
        time_unit=unit,
        items=_entities("item", items, roles["item"].column, said) if items else None,
        users=_entities("user", users, roles["user"].column, said) if users else None,
    )


def write_run_file(guess: Guess, base: Path) -> str:
    """The `[data]` part of a run file, with what was guessed and why as comments.

    Args:
        guess: what `guess` returned.
        base: the folder that the run file will lie in; paths below it are written relative to it.
    """
    first = guess.events.files[0]
    name = re.sub(r"[^\w-]+", "-", first.stem).strip("-_") or "data"
    lines = ["[data]", f"name = {_quote(name[:100])}", "", "[data.events]", _path(guess.events, base)]
    keys = {"user": "user_id", "item": "item_id", "time": "time", "type": "type", "value": "value"}
    for role, key in keys.items():
        found = guess.events.roles.get(role)
        if found:
            lines += [f"# {found.reason}", f"{key} = {_quote(found.column)}"]
        if found and role == "time" and guess.time_unit:
            lines.append(f"time_unit = {_quote(guess.time_unit.value)}")
    if not guess.time_unit:
        lines.append(f"# {_TIMELESS}")
    for entity, table in (("item", guess.items), ("user", guess.users)):
        if table is not None:
            lines += ["", *_entity_lines(entity, table, base)]
    return "\n".join(lines) + "\n"


def _sample(files: Sequence[Path]) -> pl.DataFrame:
    columns_of(files[0])
    try:
        return scan(files[0]).head(SAMPLE_ROWS).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(files[0], error) from error


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
    moving = differs_within(table, key.column)
    why = f"differs between rows of one {role}: left out"
    columns = [
        ColumnGuess(name=c, column=None, reason=why) if c in moving else guess_column(one_each[c]) for c in others
    ]
    return TableGuess(files=tuple(files), roles=roles, columns=tuple(columns))


def _entity_lines(role: str, table: TableGuess, base: Path) -> list[str]:
    head = f"data.{role}s"
    lines = [f"[{head}]", _path(table, base), f"{role}_id = {_quote(table.roles[role].column)}"]
    if "title" in table.roles:
        lines.append(f"title = {_quote(table.roles['title'].column)}")
    lines += ["", f"[{head}.columns]"]
    for column in table.columns:
        lines.append(f"# {_comment(column.name)}: {column.reason}")
        if column.column:
            cut = column.column.separator
            extra = f", separator = {_quote(cut)}" if cut else ""
            lines.append(f'{_key(column.name)} = {{ kind = "{column.column.kind.value}"{extra} }}')
    return lines


def _path(table: TableGuess, base: Path) -> str:
    whole, root = [file.resolve() for file in table.files], base.resolve()
    names = [str(file.relative_to(root)) if file.is_relative_to(root) else str(file) for file in whole]
    return f"path = {_quote(names[0])}" if len(names) == 1 else f"path = [{', '.join(map(_quote, names))}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quote(name)


def _quote(text: str) -> str:
    """A TOML basic string: JSON's writing, and DEL escaped, which TOML alone forbids."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
