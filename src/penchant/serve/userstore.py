# SPDX-License-Identifier: Apache-2.0
"""What was said of users since the bundle was made: durable, in the database that holds the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.database import Glance, make_tables, reason_of
from penchant.serve.sayings import Sayings, table

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = sa.MetaData()
_USERS = table("users", TABLES)


class UserStoreError(PenchantError):
    """Users cannot be written or read now; nothing of the refused request was kept."""


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said of one user.

    Attributes:
        user_id: who.
        values: by column, as the table of users holds it; null where it holds nothing.
        whole: whether columns that are not named hold nothing, whatever the bundle says.
    """

    user_id: int | str
    values: dict[str, Any] = {}
    whole: bool = False

    @property
    def key(self) -> int | str:
        """Which user."""
        return self.user_id

    def with_more(self, later: UserChange) -> UserChange:
        """What was said in all, once `later` was said too."""
        if later.whole:
            return later
        return UserChange(user_id=self.user_id, values={**self.values, **later.values}, whole=self.whole)


class UserStore:
    """Changes of users. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it.

    Raises:
        UserStoreError: the tables cannot be made.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._said = Sayings(_USERS, UserChange)
        self._glance = Glance(engine)
        try:
            make_tables(engine, TABLES)
        except sa.exc.DBAPIError as error:
            raise self._refused("opened", error) from error

    def after(self, version: int) -> tuple[list[UserChange], int]:
        """All that was said of users that were written after number `version`, and the last number.

        Args:
            version: -1 for everything.
        """
        try:
            newest = self._glance(self._said.newest)
            if newest is None or newest <= version:
                return [], version
            with self._engine.connect() as connection:
                return self._said.after(connection, version)
        except sa.exc.DBAPIError as error:
            raise self._refused("read", error) from error

    def write(self, changes: Sequence[UserChange], seen: int | None = None) -> int | None:
        """Keep all of it or nothing; it is durable when this returns.

        Args:
            changes: all that is said of each user, in place of what was there.
            seen: the number of the last write that the changes know of; None if it does not matter.

        Returns:
            the number of this write; None where another process wrote after `seen`: then nothing was kept.
        """
        try:
            with self._engine.begin() as connection:
                return self._said.write(connection, changes, seen)
        except (sa.exc.SQLAlchemyError, UnicodeError) as error:
            raise self._refused("written", error) from error

    def _refused(self, what: str, error: Exception) -> UserStoreError:
        url = self._engine.url.render_as_string(hide_password=True)
        return UserStoreError(f"The users in {url} cannot be {what}: {reason_of(error)}")
