# SPDX-License-Identifier: Apache-2.0
"""How the page speaks of items and of doing something with them, judged by the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.schema import Kind

if TYPE_CHECKING:
    from penchant.schema import Schema
    from penchant.serve.wire import ItemCard

_VERBS = {
    "watch": "watched", "watched": "watched",
    "view": "viewed", "viewed": "viewed", "click": "clicked", "clicked": "clicked",
    "purchase": "bought", "buy": "bought", "bought": "bought",
    "play": "played", "played": "played", "listen": "heard", "read": "read",
}  # fmt: skip
_FILMS = {"genre", "genres"}
_TAGS = 3


def verb(schema: Schema) -> str:
    """What a visitor does with an item, in the past tense: "watched", "bought", else "chose"."""
    known = _VERBS.get(schema.event_types[0].lower())
    return known or ("watched" if _FILMS & {name.lower() for name in schema.items} else "chose")


def tags(card: ItemCard, schema: Schema) -> list[str]:
    """A few words on an item: its tags, else its category."""
    several = [word for name in _of_kind(schema, Kind.TAGS) for word in card.features.get(name) or ()]
    one = [card.features[name] for name in _of_kind(schema, Kind.CATEGORY) if card.features.get(name)]
    return [str(word) for word in (several or one)[:_TAGS]]


def year(card: ItemCard) -> str | None:
    """The year that an item is from, if a column says so."""
    found: Any = next(
        (value for name, value in card.features.items() if name.lower() in {"year", "release_year"}), None
    )
    return f"{found:.0f}" if isinstance(found, int | float) else None


def _of_kind(schema: Schema, kind: Kind) -> list[str]:
    return [name for name, column in schema.items.items() if column.kind is kind]
