# SPDX-License-Identifier: Apache-2.0
"""What was said of things since the bundle was made: one row for each thing holds all that was said of it.

So the order of changes does not matter when they are read back, and a thousand changes of one price take the room
of one. Each write has a number, by which another process finds what is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from penchant.serve.database import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Thing(Protocol):
    """What something is said of."""

    @property
    def key(self) -> int | str:
        """Which one."""


T = TypeVar("T", bound=Thing)
S = TypeVar("S")

AT_ONCE = 500
"""Rows of one statement: databases limit the number of its parameters."""


def table(name: str, tables: sa.MetaData) -> sa.Table:
    """A table of sayings."""
    return sa.Table(
        name,
        tables,
        sa.Column("key", sa.String(2100), primary_key=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), index=True),
    )


class Sayings(Generic[T]):
    """The rows of one table.

    Args:
        rows: made by `table`.
        shape: what a row says; its `key` tells of which thing.
    """

    def __init__(self, rows: sa.Table, shape: type[T]) -> None:
        self._rows = rows
        self._shape = shape
        self.newest = sa.select(sa.func.max(rows.c.version))
        """Asks for the number of the last write; null where there was none."""

    def begin(self, connection: sa.Connection) -> None:
        """Take up a table of an earlier version, which had no numbers."""
        rows = self._rows
        connection.execute(rows.update().where(rows.c.version.is_(None)).values(version=0))

    def after(self, connection: sa.Connection, version: int) -> tuple[list[T], int]:
        """What was written after number `version` (-1 for all), and the number of the last write."""
        rows = self._rows
        if self.last(connection) <= version:
            return [], version
        query = sa.select(rows.c.said, rows.c.version).where(rows.c.version > version).order_by(rows.c.key)
        found = connection.execute(query).all()
        return [msgspec.json.decode(row.said, type=self._shape) for row in found], max(
            row.version for row in found
        )

    def last(self, connection: sa.Connection) -> int:
        """The number of the last write; -1 where there was none."""
        found = connection.execute(self.newest).scalar()
        return -1 if found is None else int(found)

    def write(self, connection: sa.Connection, things: Sequence[T], seen: int | None) -> int | None:
        """Keep what is said of `things`, in place of what was there, in the transaction that has just begun.

        Args:
            connection: in it.
            things: all that is said of each.
            seen: the number of the last write that the caller has taken into account; None if it does not matter.

        Returns:
            the number of this write; None where somebody wrote after `seen`: then nothing is written.
        """
        take_turn(connection, self._rows.name)
        last = self.last(connection)
        if seen is not None and last > seen:
            return None
        said = [
            {
                "key": msgspec.json.encode(one.key).decode(),
                "said": msgspec.json.encode(one).decode(),
                "version": last + 1,
            }
            for one in things
        ]
        for some in parts(said):
            connection.execute(self._rows.delete().where(self._rows.c.key.in_([row["key"] for row in some])))
            connection.execute(self._rows.insert(), some)
        return last + 1 if said else last


def parts(rows: list[S]) -> Iterator[list[S]]:
    """`rows` in lists that fit into one statement each."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
