# SPDX-License-Identifier: Apache-2.0
"""What was said of items since the bundle was made: durable, in the database that holds the events.

One row for each item holds all that was said of it, so the order of changes does not matter when they are read
back, and a thousand changes of one price take the room of one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.database import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

T = TypeVar("T")

_META = sa.MetaData()
_ITEMS = sa.Table(
    "items",
    _META,
    sa.Column("key", sa.String(2100), primary_key=True),
    sa.Column("said", sa.Text(), nullable=False),
)
_CONTENT = sa.Table(
    "content",
    _META,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary(), nullable=False),
)
_AT_ONCE = 500
"""Rows of one statement: databases limit the number of its parameters."""


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


class ItemStore:
    """Changes of items, and their content. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it.

    Raises:
        ItemStoreError: the tables cannot be made.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        try:
            _META.create_all(engine)
        except sa.exc.DBAPIError as error:
            raise self._refused("opened", error) from error

    def all(self) -> list[ItemChange]:
        """All that was said, item by item."""
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(sa.select(_ITEMS.c.said).order_by(_ITEMS.c.key)).scalars().all()
        except sa.exc.DBAPIError as error:
            raise self._refused("read", error) from error
        return [msgspec.json.decode(said, type=ItemChange) for said in rows]

    def content(self, hashes: Sequence[str]) -> dict[str, bytes]:
        """Pictures and sounds by hash; one that is not there is left out."""
        try:
            with self._engine.connect() as connection:
                rows = [
                    row
                    for some in _parts(list(dict.fromkeys(hashes)))
                    for row in connection.execute(sa.select(_CONTENT).where(_CONTENT.c.hash.in_(some)))
                ]
        except sa.exc.DBAPIError as error:
            raise self._refused("read", error) from error
        return {row.hash: bytes(row.data) for row in rows}

    def write(self, changes: Sequence[ItemChange], content: Mapping[str, bytes]) -> None:
        """Keep all of it or nothing; it is durable when this returns.

        Args:
            changes: all that is said of each item, in place of what was there.
            content: bytes by hash.
        """
        rows = [
            {"key": msgspec.json.encode(one.item_id).decode(), "said": msgspec.json.encode(one).decode()}
            for one in changes
        ]
        try:
            with self._engine.begin() as connection:
                for some in _parts(rows):
                    keys = [row["key"] for row in some]
                    connection.execute(_ITEMS.delete().where(_ITEMS.c.key.in_(keys)))
                    connection.execute(_ITEMS.insert(), some)
                for names in _parts(list(content)):
                    connection.execute(_CONTENT.delete().where(_CONTENT.c.hash.in_(names)))
                    connection.execute(_CONTENT.insert(), [{"hash": one, "data": content[one]} for one in names])
        except (sa.exc.SQLAlchemyError, UnicodeError) as error:
            raise self._refused("written", error) from error

    def _refused(self, what: str, error: Exception) -> ItemStoreError:
        url = self._engine.url.render_as_string(hide_password=True)
        return ItemStoreError(f"The items in {url} cannot be {what}: {reason_of(error)}")


def _parts(rows: list[T]) -> Iterator[list[T]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
