# SPDX-License-Identifier: Apache-2.0
"""A store of what was said of things of one kind: durable, in the database that holds the events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import sqlalchemy as sa

from penchant.serve.database import Glance, make_tables, reason_of
from penchant.serve.sayings import Sayings, Thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penchant.errors import PenchantError

T = TypeVar("T", bound=Thing)


class SaidStore(Generic[T]):
    """What items and users have in common. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it.

    Raises:
        PenchantError: the tables cannot be made: the store's own `error`.
    """

    rows: ClassVar[sa.Table]
    """What is said of each, made by `sayings.table`; all tables of its metadata are the store's."""
    error: ClassVar[type[PenchantError]]

    def __init__(self, engine: sa.Engine, shape: type[T]) -> None:
        self._engine = engine
        self._said = Sayings(self.rows, shape)
        self._glance = Glance(engine)
        with self._refusing("opened"):
            make_tables(engine, self.rows.metadata)
            with engine.begin() as connection:
                self._said.begin(connection)

    def after(self, version: int) -> tuple[list[T], int]:
        """All that was said of what was written after number `version`, and the last number.

        Args:
            version: -1 for everything.
        """
        with self._refusing("read"):
            newest = self._glance(self._said.newest)
        if newest is None or newest <= version:
            return [], version
        with self._reading() as connection:
            return self._said.after(connection, version)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._refusing("read"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Inside, all is kept or nothing; it is durable at the end."""
        with self._refusing("written"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _refusing(self, done: str) -> Iterator[None]:
        """A failure of the database becomes the store's own error, which says what could not be done, and why."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, UnicodeError) as error:
            url = self._engine.url.render_as_string(hide_password=True)
            raise self.error(f"The {self.rows.name} in {url} cannot be {done}: {reason_of(error)}") from error
