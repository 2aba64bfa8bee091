# SPDX-License-Identifier: Apache-2.0
"""Who users are: the bundle's profiles, and all that was said of users since."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.errors import nearest
from penchant.schema import USER, IdType, Kind
from penchant.serve.checks import FieldError, check_id
from penchant.serve.columnchecks import LARGEST_BATCH, check_feature
from penchant.serve.userstore import UserChange
from penchant.serve.wire import UserReceipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.bundle.bundle import Bundle
    from penchant.serve.sessions import Sessions
    from penchant.serve.userstore import UserStore
    from penchant.serve.wire import Id, NewUser

LOG = logging.getLogger(__name__)

_KINDS: dict[Kind, pl.DataType] = {
    Kind.NUMBER: pl.Float64(),
    Kind.TIME: pl.Int64(),
    Kind.TAGS: pl.List(pl.String),
    Kind.VECTOR: pl.List(pl.Float64),
}
"""How a table holds a column that the bundle's lacks; others are text."""


class People:
    """The profiles of a bundle's users, and what was said of users since.

    Args:
        bundle: what answers.
        store: what was said.
    """

    def __init__(self, bundle: Bundle, store: UserStore) -> None:
        self._schema = bundle.pipeline.space.schema
        self._kinds = {
            name: column.kind
            for name, column in self._schema.users.items()
            if column.kind not in (Kind.IMAGE, Kind.AUDIO)
        }
        self._store = store
        columns = {name: _KINDS.get(kind, pl.String()) for name, kind in self._kinds.items()}
        self._columns = pl.Schema({USER: bundle.users.schema[USER], **columns, **bundle.users.schema})
        changes, self._version = store.after(-1)
        self._said: dict[Id, UserChange] = {one.user_id: one for one in changes}
        self.table = self._merged(bundle.users, [self._fitting(one) for one in changes])
        """One row of each user of whom anything is known, as of now."""

    def take(self, users: Sequence[NewUser], sessions: Sessions, *, whole: bool, field: str = "") -> UserReceipt:
        """Take up what is said of users: durable first, then in the next answer. One call at a time.

        Args:
            users: what is said.
            sessions: whose answers shall follow.
            whole: whether it takes the place of all that was known of them.
            field: where they stand in the request; empty for one that is the whole body.

        Raises:
            FieldError: names the field that cannot be taken.
            UserStoreError: it could not be written, and nothing has changed.
        """
        if len(users) > LARGEST_BATCH:
            raise FieldError(field, f"at most {LARGEST_BATCH:,} at once, these are {len(users):,}")
        said = [self._change(one, f"{field}[{at}]." if field else "", whole=whole) for at, one in enumerate(users)]
        while True:
            changes: dict[Id, UserChange] = {}
            for one in said:
                earlier = changes.get(one.user_id) or self._said.get(one.user_id)
                changes[one.user_id] = earlier.with_more(one) if earlier else one
            version = self._store.write(list(changes.values()), self._version)
            if version is not None:
                break
            self.follow(sessions)  # another process said something first
        self._version = version
        new = sum(not sessions.knows(user_id) for user_id in changes)
        self._tell(sessions, changes)
        return UserReceipt(accepted=len(users), new=new)

    def follow(self, sessions: Sessions) -> None:
        """Take up what other processes said of users meanwhile. One call at a time.

        Raises:
            UserStoreError: the database is away.
        """
        changes, self._version = self._store.after(self._version)
        self._tell(sessions, {one.user_id: one for one in changes})

    def _tell(self, sessions: Sessions, changes: dict[Id, UserChange]) -> None:
        if not changes:
            return
        self._said |= changes
        rows = [
            {USER: one.user_id, **({} if one.whole else sessions.profile(one.user_id)), **one.values}
            for one in map(self._fitting, changes.values())
        ]
        sessions.tell(self._frame(rows))

    def _change(self, user: NewUser, start: str, *, whole: bool) -> UserChange:
        values: dict[str, Any] = {}
        for name, said in user.features.items():
            place = f"{start}features.{name}"
            if name not in self._kinds:
                raise FieldError(place, f"the users have no such column{nearest(name, self._kinds)}")
            values[name] = None if said is None else check_feature(said, self._kinds[name], place)
        kind = self._schema.user_id
        user_id = check_id(user.user_id, kind, f"{start}user_id")
        if type(user_id) is not (int if kind is IdType.INTEGER else str):
            raise FieldError(f"{start}user_id", f"ids of these users are {kind.value}s")
        return UserChange(user_id=user_id, values=values, whole=whole)

    def _merged(self, known: pl.DataFrame, changes: Sequence[UserChange]) -> pl.DataFrame:
        """The table with what was said laid over it: columns of which nothing was said stay as they were."""
        fit = [one for one in changes if type(one.user_id) is (int if known.schema[USER] == pl.Int64 else str)]
        if not fit:
            return known
        rows = self._frame([{USER: one.user_id, **one.values} for one in fit])
        names = [name for name in self._columns if name != USER]
        flags = [{"_whole": one.whole, **{f"_{name}": name in one.values for name in names}} for one in fit]
        said = pl.concat(
            [rows.rename({name: f"said {name}" for name in names}), pl.DataFrame(flags)], how="horizontal"
        )
        before = self._known(known)
        both = before.join(said, on=USER, how="full", coalesce=True, maintain_order="left_right")
        merged = both.select(
            USER,
            *(
                pl.when(pl.col("_whole").fill_null(value=False) | pl.col(f"_{name}").fill_null(value=False))
                .then(pl.col(f"said {name}"))
                .otherwise(pl.col(name))
                .alias(name)
                for name in names
            ),
        )
        # Of whom everything was taken back, and whom the bundle does not know: nothing is known.
        nothing = pl.all_horizontal(pl.col(name).is_null() for name in names) if names else pl.lit(value=True)
        return merged.filter(~nothing | pl.col(USER).is_in(before[USER].implode()))

    def _known(self, known: pl.DataFrame) -> pl.DataFrame:
        missing = [
            pl.lit(None, kind).alias(name) for name, kind in self._columns.items() if name not in known.columns
        ]
        return (
            known.unique(USER, keep="first", maintain_order=True)
            .with_columns(missing)
            .select(self._columns.names())
        )

    def _frame(self, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame(
            [{name: row.get(name) for name in self._columns} for row in rows], schema=self._columns, orient="row"
        )

    def _fitting(self, said: UserChange) -> UserChange:
        """What was said, less the columns that this bundle does not have: they came for another one."""
        strange = [name for name in said.values if name not in self._kinds]
        if not strange:
            return said
        LOG.warning("user %r: the bundle has no columns %s: passed over", said.user_id, ", ".join(strange))
        values = {name: value for name, value in said.values.items() if name in self._kinds}
        return UserChange(user_id=said.user_id, values=values, whole=said.whole)
