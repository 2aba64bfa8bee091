# SPDX-License-Identifier: Apache-2.0
"""What was said of users since the bundle was made: durable, in the database that holds the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from penchant.errors import PenchantError
from penchant.serve.saidstore import SaidStore
from penchant.serve.sayings import table

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


class UserStore(SaidStore[UserChange]):
    """Changes of users. Safe to use from many threads.

    Args:
        engine: of the database; whoever gives it closes it.

    Raises:
        UserStoreError: the tables cannot be made.
    """

    rows = _USERS
    error = UserStoreError

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, UserChange)

    def write(self, changes: Sequence[UserChange], seen: int | None = None) -> int | None:
        """Keep all of it or nothing; it is durable when this returns.

        Args:
            changes: all that is said of each user, in place of what was there.
            seen: the number of the last write that the changes know of; None if it does not matter.

        Returns:
            the number of this write; None where another process wrote after `seen`: then nothing was kept.
        """
        with self._writing() as connection:
            return self._said.write(connection, changes, seen)
