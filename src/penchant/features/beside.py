# SPDX-License-Identifier: Apache-2.0
"""What signals look at beside the events: reviews and friends, where the run file asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
import polars as pl

from penchant.errors import ConfigError
from penchant.features import circle
from penchant.features.aggregates.state import AsOf
from penchant.features.circle import Circle
from penchant.features.written import Written, known_reviews
from penchant.schema import ITEM, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from penchant.data.dataset import Dataset
    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.catalogue import Catalogue

REVIEWS = "reviews"
SOCIAL = "social"

_STATE = "friends/"


class BesideState(msgspec.Struct, frozen=True, kw_only=True):
    """What a feature space remembers of it; the tables go beside."""

    tables: tuple[str, ...] = ()
    """Of "reviews" and "social", those that count."""
    half_lives: tuple[float, float] = (1.0, 30.0)
    """Days, of what friends did."""


class Beside:
    """Reviews and friends as signals; made by `choose` or `load`.

    Args:
        state: which of them count.
        tables: those tables, by name.
    """

    def __init__(self, state: BesideState, tables: Mapping[str, pl.DataFrame]) -> None:
        self.state = state
        self.tables = tables

    @classmethod
    def choose(
        cls,
        reviews: bool,
        social: bool,
        half_lives: tuple[float, float],
        dataset: Dataset,
        events: pl.DataFrame,
    ) -> Self | None:
        """What a run file asks for; None where that is nothing.

        Args:
            reviews: `[features] reviews`.
            social: `[features] social`.
            half_lives: days, of what friends did.
            dataset: whose reviews and friends they are.
            events: canonical events that training may see.

        Raises:
            ConfigError: the data set has no such table, or no times.
        """
        tables = {}
        if reviews:
            whole = _needed(REVIEWS, dataset.reviews, dataset)
            if whole[TIME].null_count() == whole.height:
                raise ConfigError(
                    "[features] reviews: no review has a time, so none is ever known: name the column in "
                    "[data.reviews] time, or set reviews = false"
                )
            tables[REVIEWS] = known_reviews(whole, events)
        if social:
            tables[SOCIAL] = _needed(SOCIAL, dataset.social, dataset)
        return cls(BesideState(tables=tuple(tables), half_lives=half_lives), tables) if tables else None

    @classmethod
    def load(cls, state: BesideState, tables: Mapping[str, pl.DataFrame]) -> Self | None:
        """Take up what was kept.

        Raises:
            ValueError: a table is missing.
        """
        if missing := [name for name in state.tables if name not in tables]:
            raise ValueError(f"signals look at {' and '.join(missing)}, and there is no such table")
        return cls(state, tables) if state.tables else None

    @cached_property
    def written(self) -> Written | None:
        """The reviews, ready to be asked."""
        return Written(self.tables[REVIEWS]) if REVIEWS in self.state.tables else None

    @cached_property
    def circle(self) -> Circle | None:
        """The friendships, ready to be asked."""
        return Circle(self.tables[SOCIAL], self.state.half_lives) if SOCIAL in self.state.tables else None

    @property
    def user_columns(self) -> tuple[str, ...]:
        """Names of what a user has more."""
        return self.item_columns + (Circle.columns if self.circle else ())

    @property
    def item_columns(self) -> tuple[str, ...]:
        """Names of what an item has more."""
        return Written.columns if self.written else ()

    def past(self, events: pl.DataFrame, catalogue: Catalogue) -> Past:
        """For each event of a log; arguments as of `Past`."""
        return Past(self, events, catalogue)

    def live(self, catalogue: Catalogue) -> Present:
        """For whoever asks now; argument as of `Present`."""
        return Present(self, catalogue)


class Past:
    """What was known beside the events just before each of them.

    Args:
        beside: what counts.
        events: canonical events in log order.
        catalogue: the items; an event of any other counts nowhere, and is passed over.
    """

    def __init__(self, beside: Beside, events: pl.DataFrame, catalogue: Catalogue) -> None:
        log = events.filter(pl.Series(catalogue.rows(events[ITEM]).numpy() >= 0))
        self._written = beside.written
        self._friends = circle.Past(beside.circle, log) if beside.circle else None
        if self._written:
            ids, rows = circle.numbered(log[USER])
            self._authors = self._written.owners(USER, ids)[rows]
            self._items = self._written.owners(ITEM, catalogue.ids.to_list())

    def add(self, start: int, items: Ints, times: Ints, raw: AsOf) -> AsOf:
        """Further columns beside those of n events in a row, from event `start` of those that count.

        Args:
            start: of the first of them.
            items: [n] their rows in the catalogue.
            times: [n] their times.
            raw: the columns so far.
        """
        of_users, of_items = [raw.users], [raw.items]
        if self._written:
            of_users.append(self._written.at(USER, self._authors[start : start + len(times)], times))
            of_items.append(self._written.at(ITEM, self._items[items], times))
        if self._friends:
            of_users.append(self._friends.before(start, times))
        return AsOf(users=np.concatenate(of_users, axis=1), items=np.concatenate(of_items, axis=1))


class Present:
    """What is known beside the events now. Its owner locks; `items` needs no lock.

    Args:
        beside: what counts.
        catalogue: the items.
    """

    def __init__(self, beside: Beside, catalogue: Catalogue) -> None:
        self._written = beside.written
        self._friends = circle.Present(beside.circle) if beside.circle else None
        self.stock(catalogue)

    def stock(self, catalogue: Catalogue) -> None:
        """Know these items from now on."""
        if self._written:
            self._items = self._written.owners(ITEM, catalogue.ids.to_list())

    def meet(self, ids: Iterable[Any]) -> None:
        """Number further users, as the owner does."""
        if self._friends:
            self._friends.meet(ids)

    def take(self, chunk: Chunk) -> None:
        """Take up events in order of arrival."""
        if self._friends:
            self._friends.take(chunk)

    def users(self, raw: Floats, ids: Sequence[Any], now: int) -> Floats:
        """[n, A] of users by raw id: further columns beside `raw`."""
        columns = [raw]
        if self._written:
            columns.append(_at(self._written, USER, self._written.owners(USER, ids), now))
        if self._friends:
            columns.append(self._friends.at(ids, now))
        return np.concatenate(columns, axis=1)

    def items(self, raw: Floats, rows: Ints, now: int) -> Floats:
        """[n, A] of items by row of the catalogue: further columns beside `raw`."""
        if not self._written:
            return raw
        return np.concatenate([raw, _at(self._written, ITEM, self._items[rows], now)], axis=1)

    def tensors(self) -> dict[str, Tensor]:
        """The state, for safetensors; reviews have none."""
        found = self._friends.tensors() if self._friends else {}
        return {f"{_STATE}{name}": tensor for name, tensor in found.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` returned.

        Raises:
            ValueError: it is of other friends.
        """
        if self._friends:
            own = {name.removeprefix(_STATE): t for name, t in tensors.items() if name.startswith(_STATE)}
            self._friends.load(own)


def _at(written: Written, side: str, owners: Ints, now: int) -> Floats:
    return written.at(side, owners, np.full(len(owners), now, np.int64))


def _needed(name: str, table: pl.DataFrame | None, dataset: Dataset) -> pl.DataFrame:
    """The table that `[features]` asks for."""
    if table is None:
        raise ConfigError(
            f"[features] {name}: the data set {dataset.name!r} has none: give the table as [data.{name}], or set "
            f"{name} = false"
        )
    if not dataset.schema.has_time:
        raise ConfigError(
            f"[features] {name}: needs times of events that are no mere order: name the column in [data.events] "
            f"time, or set {name} = false"
        )
    return table
