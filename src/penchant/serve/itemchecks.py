# SPDX-License-Identifier: Apache-2.0
"""What may be said of an item over HTTP, and how the table of items holds it."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any

from penchant.errors import nearest
from penchant.schema import MICROSECONDS, Kind
from penchant.serve.checks import FieldError, check_id, check_text, check_time, check_value
from penchant.serve.itemstore import ItemChange, hash_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penchant.batch import ContentSize
    from penchant.schema import Schema
    from penchant.serve.wire import FeatureValue, NewItem

LARGEST_BATCH = 1000
"""Items of one request."""
LONGEST_TEXT = 100_000
"""Characters of a text."""
MOST_WORDS = 1000
"""Tags of one item in one column."""

_LATEST = 4_102_444_800 * MICROSECONDS
"""The year 2100: a film may be released later than now."""
_FILES = (Kind.IMAGE, Kind.AUDIO)


def kinds_of(schema: Schema) -> dict[str, Kind]:
    """The columns of which something may be said: those that models see, and what only people see."""
    shown = {schema.title: Kind.TEXT, schema.image: Kind.IMAGE}
    seen = {name: column.kind for name, column in schema.items.items()}
    return {name: kind for name, kind in shown.items() if name} | seen


class ItemChecks:
    """Checks against one schema.

    Args:
        schema: what the columns of the items are.
        content: what the encoder of each content column makes; vectors must be as long.
    """

    def __init__(self, schema: Schema, content: Mapping[str, ContentSize]) -> None:
        self._schema = schema
        self._kinds = kinds_of(schema)
        self._content = content

    def change(self, item: NewItem, field: str, *, whole: bool) -> tuple[ItemChange, dict[str, bytes]]:
        """(what is said, pictures and sounds by hash).

        Args:
            item: as it came.
            field: where it stands in the request, for messages; empty for the whole body.
            whole: whether it takes the place of all that was known.

        Raises:
            FieldError: names the column that cannot be taken.
        """
        start = f"{field}." if field else ""
        values: dict[str, Any] = {}
        content: dict[str, str | None] = {}
        files: dict[str, bytes] = {}
        for name, said in item.features.items():
            place = f"{start}features.{name}"
            if name not in self._kinds:
                raise FieldError(place, f"the items have no such column{nearest(name, self._kinds)}")
            kind = self._kinds[name]
            if kind not in _FILES:
                values[name] = None if said is None else self._value(said, name, kind, place)
            elif said is None:
                content[name] = None
            else:
                data = _file(said, place)
                content[name] = hash_of(data)
                files[content[name] or ""] = data
        item_id = check_id(item.item_id, self._schema.item_id, f"{start}item_id")
        if type(item_id) is not (int if self._schema.item_id == "integer" else str):
            raise FieldError(f"{start}item_id", f"ids of these items are {self._schema.item_id.value}s")
        change = ItemChange(item_id=item_id, values=values, content=content, whole=whole, available=item.available)
        return change, files

    def _value(self, said: FeatureValue, name: str, kind: Kind, place: str) -> Any:
        match kind:
            case Kind.NUMBER:
                return check_value(_is(said, (int, float), "a number", place), place)
            case Kind.TIME:
                return check_time(_is(said, (int, float, str), "a time", place), _LATEST, place)
            case Kind.TEXT:
                return _text(said, place)
            case Kind.TAGS:
                return _words(said, place)
            case Kind.VECTOR:
                return self._vector(said, name, place)
            case _:
                check_text(_is(said, (str,), "text", place), place)
                return said

    def _vector(self, said: FeatureValue, name: str, place: str) -> list[float]:
        numbers = _list(said, (int, float), "numbers", place)
        size = self._content.get(name)
        if size and len(numbers) != size.shape[0]:
            raise FieldError(place, f"must have {size.shape[0]} numbers, has {len(numbers)}")
        if not all(math.isfinite(one) and abs(one) < 3e38 for one in numbers):
            raise FieldError(place, "must hold finite numbers only")
        return [float(one) for one in numbers]


def _text(said: FeatureValue, place: str) -> str | None:
    text: str = _is(said, (str,), "text", place)
    if len(text) > LONGEST_TEXT:
        raise FieldError(place, f"must be at most {LONGEST_TEXT:,} characters long, has {len(text):,}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldError(place, "is not valid Unicode") from None
    return text if text.strip() else None


def _words(said: FeatureValue, place: str) -> list[str]:
    words = _list(said, (str,), "words", place)
    if len(words) > MOST_WORDS:
        raise FieldError(place, f"at most {MOST_WORDS:,} words, these are {len(words):,}")
    for at, word in enumerate(words):
        check_text(word, f"{place}[{at}]")
    return list(words)


def _file(said: FeatureValue, place: str) -> bytes:
    text: str = _is(said, (str,), "base64", place)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FieldError(place, "must be base64: the bytes of a file, no address and no path") from None


def _list(said: FeatureValue, kinds: tuple[type, ...], what: str, place: str) -> Sequence[Any]:
    if not isinstance(said, list) or not all(isinstance(one, kinds) for one in said):
        raise FieldError(place, f"must be a list of {what}")
    return said


def _is(said: FeatureValue, kinds: tuple[type, ...], what: str, place: str) -> Any:
    if not isinstance(said, kinds):
        raise FieldError(place, f"must be {what}")
    return said
