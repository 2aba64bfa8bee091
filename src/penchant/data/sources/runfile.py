# SPDX-License-Identifier: Apache-2.0
"""Run files as text: the TOML of tables, and what the ready run files of all sets have in common."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from penchant.data.sources.source import Run

INLINE = ("columns", "context", "types", "rules")
"""Tables whose rows are short tables, written on one line each."""

PURCHASE = {"meaning": "purchase"}
CLICK = {"meaning": "click", "strength": 0.3}
VIEW = {"meaning": "view", "strength": 0.2}
RATING = {"meaning": "rating"}
IMPRESSION = {"meaning": "impression", "strength": 0.0, "sign": 0}
RETURN = {"meaning": "return", "strength": 0.5, "sign": -1}
DISLIKE = {"meaning": "dislike", "sign": -1}

NUMBER = {"kind": "number"}
CATEGORY = {"kind": "category"}
TEXT = {"kind": "text"}
TAGS = {"kind": "tags"}
IMAGE = {"kind": "image"}
TIME = {"kind": "time"}
ID = {"kind": "id"}
VECTOR = {"kind": "vector"}

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def models(*, many_items: bool = False) -> Run:
    """The part of a run file that says what is trained and measured.

    Args:
        many_items: whether `ease`, whose memory grows with the square of the catalogue, is left out.
    """
    names = ["popularity", "item_knn", *([] if many_items else ["ease"])]
    return {"model": {"kind": "sasrec"}, "baselines": [{"kind": name} for name in names]}


def absolute(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The `[data]` of a run file that lies in `folder`, for one that lies anywhere."""
    moved = deepcopy(dict(data))
    for table in moved.values():
        if isinstance(table, dict):
            for key in ("path", "train", "validation", "test"):
                if key in table:
                    table[key] = str((folder / table[key]).resolve())
    return moved


def to_toml(tables: Run, comment: str = "") -> str:
    """The text of a run file.

    Args:
        tables: of the run file; values are text, numbers, booleans, lists and tables of them.
        comment: put at the top.
    """
    head = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*head, *([""] if head else []), *_table((), tables)]).strip("\n") + "\n"


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not _is_table(value)}
    if path and (plain or not table):
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    if plain or (path and not table):
        yield ""
    for key, value in table.items():
        if isinstance(value, list) and _is_table(value):
            for one in value:
                yield f"[[{'.'.join(map(_key, (*path, key)))}]]"
                yield from (f"{_key(k)} = {_value(v)}" for k, v in one.items())
                yield ""
        elif isinstance(value, dict) and key in INLINE:
            if value:
                yield f"[{'.'.join(map(_key, (*path, key)))}]"
                yield from (f"{_key(k)} = {_value(v)}" for k, v in value.items())
                yield ""
        elif isinstance(value, dict):
            yield from _table((*path, key), value)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(key: str) -> str:
    return key if _BARE.match(key) else json.dumps(key)


def _value(value: object) -> str:
    """A value on one line. JSON's text and numbers are TOML's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
