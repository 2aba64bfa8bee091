# SPDX-License-Identifier: Apache-2.0
"""Columns of moments: a release, a first visit.

One column becomes several numbers: `<name> age`, how many days before the end of the training events it lay, and
where it stands in the year, in the week and (unless all moments are whole days) in the day, each as a point on a
circle. The end is fixed, so the age is a date in other words and the same for every request. How old an item is
when somebody asks grows with every day: that is the aggregate "age" of `[features] aggregates`.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl
import torch
from torch import Tensor

from penchant.features.columns import ColumnState, NumberColumn
from penchant.features.transforms import squeeze
from penchant.schema import MICROSECONDS, Kind

DAY = 86_400 * MICROSECONDS
OLDEST = 100 * 365.25
"""Days: what is older counts as this old, and what lies further ahead as this far."""

_YEAR = 365.2425


class MomentColumn:
    """A moment, as several numbers.

    Args:
        age: scales the logarithm of the age in days.
        end: the latest training event, in microseconds.
        hours: whether any moment is not a whole day.
    """

    def __init__(self, age: NumberColumn, end: int, hours: bool) -> None:
        self.age = age
        self.end = end
        self.hours = hours

    @classmethod
    def fit(cls, values: pl.Series, end: int) -> Self:
        """Learn from the moments that training may see.

        Args:
            values: microseconds since 1970; null where there is none.
            end: the latest training event.
        """
        moments = values.cast(pl.Int64)
        column = cls(NumberColumn(0.0, 1.0), end, bool((moments.drop_nulls() % DAY != 0).any()))
        column.age = NumberColumn.fit(column._days(moments))
        return column

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """Take up what `state` returned."""
        return cls(NumberColumn(state.mean, state.scale), state.end, state.hours)

    def state(self) -> ColumnState:
        """What has been learned."""
        return ColumnState(
            kind=Kind.TIME, mean=self.age.mean, scale=self.age.scale, end=self.end, hours=self.hours
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """What `encode` returns."""
        circles = ("year", "week", "day") if self.hours else ("year", "week")
        return ("age", *(f"{circle} {axis}" for circle in circles for axis in ("cos", "sin")))

    def encode(self, values: pl.Series) -> dict[str, Tensor]:
        """By part: [N] float32, 0 where there is no moment."""
        moments = values.cast(pl.Int64)
        made = {"age": self.age.encode(self._days(moments))}
        days = moments.cast(pl.Float64).fill_null(np.nan).to_numpy() / DAY
        # The year begins somewhere in the solar year; 1970 began on a Thursday: neither matters to a circle.
        for circle, length in {"year": _YEAR, "week": 7.0, "day": 1.0}.items():
            angle = 2 * np.pi * (days % length) / length
            for axis, function in (("cos", np.cos), ("sin", np.sin)):
                if f"{circle} {axis}" in self.parts:
                    made[f"{circle} {axis}"] = torch.from_numpy(np.nan_to_num(function(angle)).astype(np.float32))
        return made

    def _days(self, moments: pl.Series) -> pl.Series:
        """Logarithm of the age in days at the end of training, negative for what lay ahead."""
        days = ((self.end - moments.cast(pl.Float64)) / DAY).clip(-OLDEST, OLDEST).fill_null(np.nan)
        return pl.Series(squeeze(days.to_numpy())).fill_nan(None)
