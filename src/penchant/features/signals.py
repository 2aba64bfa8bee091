# SPDX-License-Identifier: Apache-2.0
"""Signals: aggregates of behaviour, and reviews and friends beside it, as a model sees them.

Long-tailed numbers are squeezed by a signed logarithm, then brought to mean 0 and deviation 1 over the training
events, each as of itself; what there is nothing to tell of becomes 0, the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl
import torch

from penchant.features.aggregates.measures import Measures, Plan
from penchant.features.aggregates.state import AsOf
from penchant.features.beside import Beside, BesideState
from penchant.features.columnset import column_of
from penchant.features.moments import DAY
from penchant.features.streaming import as_of_parts
from penchant.features.transforms import squeeze
from penchant.schema import ITEM, TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.features.catalogue import Catalogue

MOST_DEVIATIONS = 8.0

_AS_THEY_ARE = {"trend"}
"""Columns that need no logarithm: they lie between 0 and 1."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and deviation of each column [A], after the logarithm."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]


_NO_SCALE = Scale(means=(), deviations=())


class SignalState(msgspec.Struct, frozen=True, kw_only=True):
    """What a feature space remembers of its signals."""

    measures: Measures
    users: Scale
    items: Scale
    beside: BesideState = BesideState()


class Signals:
    """Which aggregates models see, what of reviews and friends, and how they are scaled.

    Args:
        state: what `fit` made, or a file held.
        beside: the tables that count beside the events, where the state names any.
    """

    def __init__(self, state: SignalState, beside: Beside | None = None) -> None:
        self.state = state
        self.plan = Plan(state.measures)
        self.beside = beside

    @classmethod
    def fit(
        cls, measures: Measures, events: pl.DataFrame, catalogue: Catalogue, beside: Beside | None = None
    ) -> Signals:
        """Learn the scales from training events, each with what was known just before it.

        Args:
            measures: what is counted.
            events: canonical events that training may see.
            catalogue: their items.
            beside: reviews and friends, where they count.
        """
        also = beside.state if beside else BesideState()
        made = cls(SignalState(measures=measures, users=_NO_SCALE, items=_NO_SCALE, beside=also), beside)
        users, items = _Moments(len(made.user_columns)), _Moments(len(made.item_columns))
        for part in made._replay(in_log_order(events), catalogue):
            users.add(_squeeze(made.user_columns, part.users))
            items.add(_squeeze(made.item_columns, part.items))
        return cls(msgspec.structs.replace(made.state, users=users.scale(), items=items.scale()), beside)

    @property
    def user_columns(self) -> tuple[str, ...]:
        """[A] names of a user's signals."""
        return self.plan.columns + (self.beside.user_columns if self.beside else ())

    @property
    def item_columns(self) -> tuple[str, ...]:
        """[A] names of an item's signals."""
        ages = tuple(f"age_{name}" for name in self.state.measures.moments)
        return self.plan.columns + ages + (self.beside.item_columns if self.beside else ())

    def of_users(self, raw: Floats) -> Tensor:
        """[n, A] float32 out of aggregates of users, their reviews and friends."""
        return _scaled(_squeeze(self.user_columns, raw), self.state.users)

    def of_items(self, raw: Floats) -> Tensor:
        """[n, A] float32 out of aggregates of items, their ages and reviews."""
        return _scaled(_squeeze(self.item_columns, raw), self.state.items)

    def births(self, catalogue: Catalogue) -> Floats:
        """[N, M] float64 microseconds: the moments that ages count from; NaN where an item has none."""
        columns = [
            column_of(catalogue.frame, name).cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in self.state.measures.moments
        ]
        return np.column_stack(columns) if columns else np.zeros((len(catalogue), 0))

    def just_before(self, events: pl.DataFrame, catalogue: Catalogue) -> tuple[Tensor, Tensor]:
        """What was known of each event's user and of its item just before it.

        Args:
            events: canonical events in order of arrival.
            catalogue: the items; an event of any other has signals of 0 and counts nowhere.

        Returns:
            users and items, [E, A] float32 each, in the order of `events`.
        """
        users = torch.zeros(events.height, len(self.user_columns))
        items = torch.zeros(events.height, len(self.item_columns))
        order = torch.from_numpy(np.argsort(events[TIME].to_numpy(), kind="stable"))
        order = order[catalogue.rows(events[ITEM])[order] >= 0]
        start = 0
        for part in self._replay(in_log_order(events), catalogue):
            places = order[start : start + len(part.users)]
            users[places], items[places] = self.of_users(part.users), self.of_items(part.items)
            start += len(places)
        return users, items

    def _replay(self, events: pl.DataFrame, catalogue: Catalogue) -> Iterator[AsOf]:
        """What was known just before each event that is of an item of the catalogue, chunk by chunk."""
        births, start = self.births(catalogue), 0
        past = self.beside.past(events, catalogue) if self.beside else None
        for part in as_of_parts([events], self.plan, catalogue.ids):
            times = part.events[TIME].to_numpy()
            items = with_ages(part.before.items, births[part.items], times)
            known = AsOf(users=part.before.users, items=items)
            yield past.add(start, part.items, times, known) if past else known
            start += len(times)


def with_ages(raw: Floats, births: Floats, now: Ints) -> Floats:
    """[n, A + M]: aggregates of items, and beside them how many days old each is `now`."""
    ages = (now[:, None] - births) / DAY
    return np.concatenate([raw, ages], axis=1)


def in_log_order(events: pl.DataFrame) -> pl.DataFrame:
    """Events by time, equal times by arrival."""
    return events if events[TIME].is_sorted() else events.sort(TIME, maintain_order=True)


def _squeeze(columns: tuple[str, ...], raw: Floats) -> Floats:
    """[n, A]: the signed logarithm of one plus each number, where that helps."""
    squeezed = squeeze(raw)
    for place, name in enumerate(columns):
        if name in _AS_THEY_ARE:
            squeezed[:, place] = raw[:, place]
    return squeezed


def _scaled(squeezed: Floats, scale: Scale) -> Tensor:
    """[n, A] float32; NaN becomes 0."""
    deviations = (squeezed - np.array(scale.means)) / np.array(scale.deviations)
    held = np.nan_to_num(deviations.clip(-MOST_DEVIATIONS, MOST_DEVIATIONS), nan=0.0)
    return torch.from_numpy(held.astype(np.float32))


class _Moments:
    """Mean and deviation of columns that come in pieces; NaN is left out."""

    def __init__(self, size: int) -> None:
        self._count, self._sum, self._squares = np.zeros(size), np.zeros(size), np.zeros(size)

    def add(self, values: Floats) -> None:
        there = ~np.isnan(values)
        held = np.where(there, values, 0.0)
        self._count += there.sum(axis=0)
        self._sum += held.sum(axis=0)
        self._squares += (held**2).sum(axis=0)

    def scale(self) -> Scale:
        count = np.maximum(self._count, 1)
        means = self._sum / count
        deviations = np.sqrt(np.maximum(self._squares / count - means**2, 0.0))
        return Scale(
            means=tuple(means.tolist()), deviations=tuple(np.where(deviations > 1e-9, deviations, 1.0).tolist())
        )
