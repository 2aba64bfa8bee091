# SPDX-License-Identifier: Apache-2.0
"""What was said of items since the bundle was made: durable, in the database that holds the events."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.saidstore import SaidStore
from penchant.serve.sayings import parts, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABLES = sa.MetaData()
_ITEMS = table("items", TABLES)
_CONTENT = sa.Table(
    "content",
    TABLES,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary(), nullable=False),
)


class ItemStoreError(PenchantError):
    """Items cannot be written or read now; nothing of the refused request was kept."""


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said of one item.

    Attributes:
        item_id: which.
        values: by column, as the table of items holds it; null where it holds nothing.
        content: by column of pictures or sound, the hash of the bytes; null where there is none.
        whole: whether columns that are not named hold nothing, whatever the bundle says.
        available: whether it is on offer; None where nobody said, which means yes.
    """

    item_id: int | str
    values: dict[str, Any] = {}
    content: dict[str, str | None] = {}
    whole: bool = False
    available: bool | None = None

    @property
    def key(self) -> int | str:
        """Which item."""
        return self.item_id

    def with_more(self, later: ItemChange) -> ItemChange:
        """What was said in all, once `later` was said too."""
        if later.whole:
            return later
        return ItemChange(
            item_id=self.item_id,
            values={**self.values, **later.values},
            content={**self.content, **later.content},
            whole=self.whole,
            available=self.available if later.available is None else later.available,
        )


def hash_of(data: bytes) -> str:
    """The name of a picture or sound."""
    return hashlib.sha256(data).hexdigest()


class ItemStore(SaidStore[ItemChange]):
    """Changes of items, and their content. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it.

    Raises:
        ItemStoreError: the tables cannot be made.
    """

    rows = _ITEMS
    error = ItemStoreError

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, ItemChange)

    def all(self) -> list[ItemChange]:
        """All that was said, item by item."""
        return self.after(-1)[0]

    def content(self, hashes: Sequence[str]) -> dict[str, bytes]:
        """Pictures and sounds by hash; one that is not there is left out."""
        with self._reading() as connection:
            rows = [
                row
                for some in parts(list(dict.fromkeys(hashes)))
                for row in connection.execute(sa.select(_CONTENT).where(_CONTENT.c.hash.in_(some)))
            ]
        return {row.hash: bytes(row.data) for row in rows}

    def write(
        self, changes: Sequence[ItemChange], content: Mapping[str, bytes], seen: int | None = None
    ) -> int | None:
        """Keep all of it or nothing; it is durable when this returns.

        Args:
            changes: all that is said of each item, in place of what was there.
            content: bytes by hash.
            seen: the number of the last write that the changes know of; None if it does not matter.

        Returns:
            the number of this write; None where another process wrote after `seen`: then nothing was kept.
        """
        with self._writing() as connection:
            version = self._said.write(connection, changes, seen)
            for names in parts(list(content)) if version is not None else ():
                connection.execute(_CONTENT.delete().where(_CONTENT.c.hash.in_(names)))
                connection.execute(_CONTENT.insert(), [{"hash": one, "data": content[one]} for one in names])
        return version
