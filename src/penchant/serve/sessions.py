# SPDX-License-Identifier: Apache-2.0
"""What each user did up to this moment: the bundle's events and all that came since, in memory.

What was there at the start is encoded once, by the feature space; what comes in is appended to its user's
arrays in order of arrival. A request joins the two by `penchant.features.history.build`, the one definition
of a history, so the live answer sees exactly the tensors that the evaluator would see.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import torch
from torch import Tensor

from penchant.batch import Users
from penchant.features import history
from penchant.features.events import more_columns
from penchant.features.live import LiveSignals
from penchant.schema import EVENT_COLUMNS, ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from penchant.batch import History
    from penchant.features.catalogue import Catalogue
    from penchant.features.live import Done, More
    from penchant.features.space import FeatureSpace
    from penchant.serve.wire import Id


_MOST_WAITING = 100_000
"""Events of items that are not here yet: so many are kept, in case their items come."""


class _Since:
    """One user's events since the start, as columns, in order of arrival."""

    def __init__(self) -> None:
        self.rows, self.actions, self.times, self.values = array("q"), array("q"), array("q"), array("f")
        self.more: list[More | None] = []
        """What each event says beyond; empty where nobody looks at it."""

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(rows, actions, times, values), copied: the arrays go on growing."""
        if not self.rows:
            empty = torch.zeros(0, dtype=torch.int64)
            return empty, empty, empty, empty.float()
        rows, actions, times = (
            torch.frombuffer(column, dtype=torch.int64).clone() for column in (self.rows, self.actions, self.times)
        )
        return rows, actions, times, torch.frombuffer(self.values, dtype=torch.float32).clone()


class _Profile(NamedTuple):
    """Who a user is, as was said since the start: as people wrote it, and as models see it (B = 1)."""

    values: dict[str, Any]
    features: dict[str, Tensor]


class Sessions:
    """The live histories of all users. Safe to use from many threads.

    Args:
        space: encodes events and users.
        catalogue: the items that histories may hold.
        events: canonical events in order of arrival, from the bundle and from the log.
        profiles: the user table.
        live: signals after the first `counted` of `events`, if they are at hand; where the feature space has
            signals and this is None, they are counted here. They belong to these sessions from now on.
        counted: see `live`.
        item_signals: whether answers shall carry the signals of the whole catalogue: for a model that looks at
            them, since it costs a pass over all items.
    """

    def __init__(
        self,
        space: FeatureSpace,
        catalogue: Catalogue,
        events: pl.DataFrame,
        profiles: pl.DataFrame,
        *,
        live: LiveSignals | None = None,
        counted: int = 0,
        item_signals: bool = False,
    ) -> None:
        self._space = space
        self._catalogue = catalogue
        self._item_signals = item_signals
        columns = more_columns(space.schema)
        self._context = {name: columns[name] for name in space.context.columns}
        self._shown = frozenset(space.schema.shown)
        self.live = live
        if space.signals is not None:
            self.live = live or LiveSignals(space.signals, catalogue)
            self.live.take(events.slice(counted if live else 0))
        # In the order of `ids`, which begin with those of the profiles.
        self._profiles = profiles.unique(USER, keep="first", maintain_order=True).drop(USER)
        self._ids = pl.concat([profiles[USER], events[USER]]).unique(maintain_order=True)
        self._start = space.known_users(self._ids, events, catalogue, profiles)
        self._positions: dict[Id, int] = dict(zip(self._ids.to_list(), range(len(self._ids)), strict=True))
        self._nobody = self._stranger([])
        self._since: dict[Id, _Since] = {}
        self._told: dict[Id, _Profile] = {}
        self._lock = threading.Lock()
        strange = events.filter(pl.Series(catalogue.rows(events[ITEM]).numpy() < 0)).tail(_MOST_WAITING)
        self._waiting: deque[Done] = deque(map(_done, strange.iter_rows(named=True)), maxlen=_MOST_WAITING)

    def __len__(self) -> int:
        with self._lock:
            return len(self._positions) + sum(user not in self._positions for user in self._new())

    def ids(self) -> list[Id]:
        """Users known from the start, in the order of the user table; then those who came since."""
        with self._lock:
            return [*self._positions, *(user for user in self._new() if user not in self._positions)]

    def _new(self) -> dict[Id, None]:
        """Who is known from what came since, first things first."""
        said = (user for user, profile in self._told.items() if _says(profile.values))
        return dict.fromkeys([*self._since, *said])

    def knows(self, user_id: Id) -> bool:
        """Whether anything is known of this user."""
        if user_id in self._since:
            return True
        told, position = self._told.get(user_id), self._positions.get(user_id)
        if told is None:
            return position is not None
        # Of somebody whose profile was taken back what they did is still known.
        return _says(told.values) or (position is not None and int(self._start.history.lengths[position]) > 0)

    def append(
        self, user_id: Id, item_id: Id, time: int, kind: str, value: float | None, more: More | None = None
    ) -> bool:
        """Take up one event, in constant time.

        Returns:
            False if the catalogue does not hold the item: then nothing is taken up.
        """
        return self.take([(user_id, item_id, time, kind, value, more)]) == 1

    def take(self, events: Sequence[Done]) -> int:
        """Take up (user, item, time, type, value, more) events, in order of arrival.

        Returns:
            how many of them are of items that the catalogue holds; the others leave no trace.
        """
        known = [event for event in events if self._append(event)]
        if self.live:
            self.live.note(known)
        return len(known)

    def extend(self, events: pl.DataFrame) -> None:
        """Take up a table of canonical events, in order of arrival."""
        if self.live:
            self.live.take(events)
        for event in events.iter_rows(named=True):
            self._append(_done(event))

    def _append(self, event: Done) -> bool:
        user_id, item_id, time, kind, value, more = event
        with self._lock:
            row = self._catalogue.row(item_id)
            if row is None:
                self._waiting.append(event)
                return False
            self._note(self._since.setdefault(user_id, _Since()), row, time, kind, value, more)
        return True

    def _note(self, since: _Since, row: int, time: int, kind: str, value: float | None, more: More | None) -> None:
        if kind in self._shown:
            return  # it counts, but is no part of a history
        since.rows.append(row)
        since.actions.append(self._space.actions.index(kind))
        since.times.append(time)
        since.values.append(self._space.values.one(value))
        if self._context:
            since.more.append(more)

    def stock(self, catalogue: Catalogue) -> None:
        """Know a catalogue that came out of the one so far: the same rows, some of them changed, and more.

        Events that came before their item did count from now on.
        """
        if self.live:
            self.live.stock(catalogue)
        with self._lock:
            self._catalogue = catalogue
            self._start = replace(self._start, catalogue=catalogue.items)
            self._nobody = replace(self._nobody, catalogue=catalogue.items)
            before = list(self._waiting)
            self._waiting.clear()
        self.take(before)

    def tell(self, profiles: pl.DataFrame) -> None:
        """Take up who users are, in place of what was known of them.

        Args:
            profiles: a row of the user table for each; all null for one of whom nothing is known any more.
        """
        # Encoded as one table, and cut into users: a request says something of a thousand at most.
        features = self._space.user_columns.encode(profiles)
        rows = profiles.drop(USER).iter_rows(named=True)
        with self._lock:
            for at, (user_id, values) in enumerate(zip(profiles[USER], rows, strict=True)):
                own = {name: tensor[at : at + 1] for name, tensor in features.items()}
                self._told[user_id] = _Profile(values, own)

    def count(self, user_id: Id) -> int:
        """How many events of this user there are."""
        return len(self.past(user_id).rows)

    def past(self, user_id: Id) -> History:
        """What a user did (B = 1)."""
        return self._user(user_id).history

    def profile(self, user_id: Id) -> dict[str, Any]:
        """What the user table, and whoever said more since, say of a user; empty where neither names them."""
        if told := self._told.get(user_id):
            return told.values if _says(told.values) else {}
        row = self._positions.get(user_id, len(self._profiles))
        return {} if row >= len(self._profiles) else self._profiles.row(row, named=True)

    def user(self, user_id: Id, now: int | None = None) -> Users:
        """All that is known of one user (B = 1); a stranger with an empty history if that is nothing.

        Args:
            user_id: who.
            now: microseconds since 1970, which signals are as of; None for the latest event's time.
        """
        users = self._user(user_id)
        if self.live is None:
            return users
        return self._with_signals(users, self.live.users([user_id], self._moment(now)), now)

    def _user(self, user_id: Id) -> Users:
        users = self._as_at_start(user_id)
        told = self._told.get(user_id)
        return replace(users, features=told.features) if told else users

    def _as_at_start(self, user_id: Id) -> Users:
        """What is known of a user, with the profile of the start."""
        position = self._positions.get(user_id)
        with self._lock:
            since = self._since.get(user_id)
            fresh = since.tensors() if since else None
            more = list(since.more) if since else []
        if position is None:
            # By the vocabulary, as the feature space has it: training may have known who the bundle does not.
            newcomer = replace(self._nobody, ids=torch.tensor([self._space.user_ids.index(user_id)]))
            return newcomer if fresh is None else self._with_history(newcomer, *fresh, self._encode(more))
        start = self._start.select(torch.tensor([position]))
        if fresh is None:
            return start
        past = start.history
        before = (past.rows, past.actions, past.times, past.values)
        rows, actions, times, values = (torch.cat(pair) for pair in zip(before, fresh, strict=True))
        context = {name: torch.cat([past.context[name], made]) for name, made in self._encode(more).items()}
        return self._with_history(start, rows, actions, times, values, context)

    def stranger(
        self, events: Iterable[tuple[Id, int, str, float | None, More | None]], now: int | None = None
    ) -> Users:
        """A stranger (B = 1) who did (item, time, type, value, more) `events`, given in order of arrival."""
        events = list(events)
        users = self._stranger(events)
        if self.live is None:
            return users
        signals = self.live.stranger([(0, *event) for event in events], self._moment(now))
        return self._with_signals(users, signals, now)

    def _stranger(self, events: Iterable[tuple[Id, int, str, float | None, More | None]]) -> Users:
        since = _Since()
        for item_id, time, kind, value, more in events:
            row = self._catalogue.row(item_id)
            self._note(since, -1 if row is None else row, time, kind, value, more)
        past = _build(*since.tensors(), self._encode(since.more))
        return self._space.stranger(past, self._catalogue)

    def _encode(self, more: list[More | None]) -> dict[str, Tensor]:
        """The context of events, as the feature space encodes a table of them."""
        if not self._context:
            return {}
        rows = [[one and one.get(name) for name in self._context] for one in more]
        return self._space.context.encode(pl.DataFrame(rows, self._context, orient="row"))

    def _with_history(
        self,
        users: Users,
        rows: Tensor,
        actions: Tensor,
        times: Tensor,
        values: Tensor,
        context: dict[str, Tensor],
    ) -> Users:
        past = _build(rows, actions, times, values, context)
        return Users(ids=users.ids, history=past, catalogue=users.catalogue, features=users.features)

    def _moment(self, now: int | None) -> int:
        return self.live.clock if now is None and self.live else now or 0

    def _with_signals(self, users: Users, signals: Tensor, now: int | None) -> Users:
        items = users.catalogue
        if self._item_signals and self.live:
            items = replace(items, signals=self.live.items(self._moment(now)))
        return replace(users, signals=signals, catalogue=items)


def _says(values: Mapping[str, Any]) -> bool:
    """Whether a profile says anything."""
    return any(value is not None for value in values.values())


def _done(event: Mapping[str, Any]) -> Done:
    """A row of an events table as it would have come over HTTP."""
    user, item, time, kind, value = (event[name] for name in EVENT_COLUMNS)
    more = {name: said for name, said in event.items() if name not in EVENT_COLUMNS and said is not None}
    return user, item, time, kind, value, more or None


def _build(rows: Tensor, actions: Tensor, times: Tensor, values: Tensor, context: Mapping[str, Tensor]) -> History:
    return history.build(torch.zeros_like(rows), rows, actions, times, values, 1, context=context)
