# SPDX-License-Identifier: Apache-2.0
"""What may be said of an item over HTTP, and how the table of items holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.errors import nearest
from penchant.schema import Kind
from penchant.serve.checks import FieldError, check_id
from penchant.serve.columnchecks import check_feature, read_file
from penchant.serve.itemstore import ItemChange, hash_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import ContentSize
    from penchant.schema import Schema
    from penchant.serve.wire import NewItem

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
                size = self._content.get(name)
                length = size.shape[0] if size else None
                values[name] = None if said is None else check_feature(said, kind, place, length)
            elif said is None:
                content[name] = None
            else:
                data = read_file(said, place)
                content[name] = hash_of(data)
                files[content[name] or ""] = data
        item_id = check_id(item.item_id, self._schema.item_id, f"{start}item_id")
        if type(item_id) is not (int if self._schema.item_id == "integer" else str):
            raise FieldError(f"{start}item_id", f"ids of these items are {self._schema.item_id.value}s")
        change = ItemChange(item_id=item_id, values=values, content=content, whole=whole, available=item.available)
        return change, files
