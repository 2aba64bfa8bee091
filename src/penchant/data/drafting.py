# SPDX-License-Identifier: Apache-2.0
"""Write down what was guessed of the user's files: the `[data]` part of a run file, reasons as comments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from penchant.data.inspect import TIMELESS
from penchant.schema import EVENT_COLUMNS, EVENT_EXTRAS, EventType

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.inspect import Guess, TableGuess
    from penchant.data.kinds import ColumnGuess

_KEYS = {"user": "user_id", "item": "item_id", "friend": "friend_id", "value": "value"}
"""The keys of roles that are not called as the role is."""


def write_run_file(guess: Guess, base: Path) -> str:
    """The `[data]` part of a run file, with what was guessed and why as comments.

    Args:
        guess: what `inspect.guess` returned.
        base: the folder that the run file will lie in; paths below it are written relative to it.
    """
    first = guess.events.files[0]
    name = re.sub(r"[^\w-]+", "-", first.stem).strip("-_") or "data"
    lines = ["[data]", f"name = {_quote(name[:100])}", "", *_table("events", guess.events, base)]
    if not guess.time_unit:
        lines.append(f"# {TIMELESS}")
    lines += _context(guess.events.columns)
    if guess.types:
        lines += [
            "",
            "[data.events.types]",
            "# What the names of the types say; strength: how much each says of taste",
        ]
        lines += [f"{_key(name)} = {_meaning(one)}" for name, one in guess.types.items()]
    for entity, table in (("item", guess.items), ("user", guess.users)):
        if table is not None:
            lines += ["", *_entity_lines(entity, table, base)]
    for name, table in (("reviews", guess.reviews), ("social", guess.social)):
        if table is not None:
            lines += ["", *_table(name, table, base)]
            lines += ['text = ""  # none'] if name == "reviews" and "text" not in table.roles else []
    return "\n".join(lines) + "\n"


def _table(name: str, table: TableGuess, base: Path) -> list[str]:
    lines = [f"[data.{name}]", _path(table, base)]
    keys = {**_KEYS, "value": "rating"} if name == "reviews" else _KEYS
    for role, found in table.roles.items():
        lines += [f"# {found.reason}", f"{keys.get(role, role)} = {_quote(found.column)}"]
        if role == "time" and table.time_unit:
            lines.append(f"time_unit = {_quote(table.time_unit.value)}")
    return lines


def _context(columns: tuple[ColumnGuess, ...]) -> list[str]:
    """Further columns of events, commented out: only the user knows what is known when an event begins."""
    taken = {*EVENT_COLUMNS, *EVENT_EXTRAS}
    known = [one for one in columns if one.column and one.name not in taken and not one.name.startswith("_")]
    if not known:
        return []
    lines = [
        "",
        "# Switch on what is known when an event begins, such as a device; never what it led to",
        "# [data.events.context]",
    ]
    return lines + [f"# {_comment(_column(one))}  # {_comment(one.reason)}" for one in known]


def _entity_lines(role: str, table: TableGuess, base: Path) -> list[str]:
    head = f"data.{role}s"
    lines = [f"[{head}]", _path(table, base), f"{role}_id = {_quote(table.roles[role].column)}"]
    if "title" in table.roles:
        lines.append(f"title = {_quote(table.roles['title'].column)}")
    lines += ["", f"[{head}.columns]"]
    for column in table.columns:
        lines.append(f"# {_comment(column.name)}: {column.reason}")
        if column.column:
            lines.append(_column(column))
    return lines


def _column(guess: ColumnGuess) -> str:
    cut = guess.column.separator if guess.column else None
    extra = f", separator = {_quote(cut)}" if cut else ""
    kind = guess.column.kind.value if guess.column else ""
    return f'{_key(guess.name)} = {{ kind = "{kind}"{extra} }}'


def _meaning(one: EventType) -> str:
    parts = [f'meaning = "{one.meaning.value}"', f"strength = {one.strength}"]
    return "{ " + ", ".join([*parts, f"sign = {one.sign}"] if one.sign != 1 else parts) + " }"


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
