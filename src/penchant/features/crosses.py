# SPDX-License-Identifier: Apache-2.0
"""Crosses: several columns of one table taken together as one word, hashed into buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl
import torch

from penchant.batch import FIRST, PADDING
from penchant.features.hashing import combine, mix, stable_hash
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from penchant.schema import Column

BUCKETS = 10_000
"""Of each cross."""

_PARTS = 10
"""A number is cut at its tenths."""

CROSSABLE = (Kind.CATEGORY, Kind.ID, Kind.NUMBER)


class CrossState(msgspec.Struct, frozen=True, kw_only=True):
    """What a fitted cross remembers: its columns, and for each that is a number where it is cut."""

    columns: tuple[str, ...]
    cuts: dict[str, tuple[float, ...]]


class Cross:
    """One word out of several columns; missing where any of them is.

    Args:
        state: what `fit` made, or a file held.
    """

    size = BUCKETS + FIRST

    def __init__(self, state: CrossState) -> None:
        self.state = state

    @classmethod
    def fit(cls, names: tuple[str, ...], columns: Mapping[str, Column], get: Callable[[str], pl.Series]) -> Cross:
        """Learn where numbers are cut.

        Args:
            names: of the columns.
            columns: of the table.
            get: a column's training values.
        """
        cuts = {}
        for name in names:
            if columns[name].kind is Kind.NUMBER:
                values = get(name).cast(pl.Float64).drop_nulls()
                there = values.filter(values.is_finite()).to_numpy()
                levels = np.linspace(0, 1, _PARTS + 1)[1:-1]
                cuts[name] = tuple(np.unique(np.quantile(there, levels)).tolist() if len(there) else ())
        return cls(CrossState(columns=names, cuts=cuts))

    def encode(self, get: Callable[[str], pl.Series]) -> Tensor:
        """[N] int64: the bucket of each row, 0 where a part is missing."""
        rows = len(get(self.state.columns[0]))
        whole, missing = np.zeros(rows, np.uint64), np.zeros(rows, bool)
        for name in self.state.columns:
            values = get(name)
            cuts = self.state.cuts.get(name)
            if cuts is None:
                part, absent = stable_hash(values.cast(pl.String)), values.is_null().to_numpy()
            else:
                numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
                part, absent = mix(np.searchsorted(np.array(cuts), numbers, side="right")), np.isnan(numbers)
            whole, missing = combine(whole, part), missing | absent
        found = (whole % BUCKETS).astype(np.int64) + FIRST
        return torch.from_numpy(np.where(missing, PADDING, found))
