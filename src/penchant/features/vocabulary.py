# SPDX-License-Identifier: Apache-2.0
"""A vocabulary: raw values to indices. 0 is padding (absent), 1 is unknown, known values start at 2."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from penchant.batch import FIRST, PADDING, UNKNOWN
from penchant.features.hashing import stable_hash

if TYPE_CHECKING:
    from torch import Tensor


class Vocabulary:
    """The known values of a column, in a fixed order.

    Args:
        values: distinct, without nulls; the first gets index 2.
    """

    def __init__(self, values: pl.Series) -> None:
        self.values = values.rename("value")

    @classmethod
    def fit(cls, values: pl.Series) -> Vocabulary:
        """The distinct values, sorted, so that the order of rows does not matter."""
        return cls(values.drop_nulls().unique().sort())

    def grown(self, values: pl.Series) -> Vocabulary:
        """The same with new values behind the known ones, sorted among themselves: no index changes."""
        found = values.drop_nulls().unique().sort().rename("value")
        return Vocabulary(pl.concat([self.values, found.filter(~found.is_in(self.values.implode()))]))

    def __len__(self) -> int:
        """Number of indices, padding and unknown included."""
        return len(self.values) + FIRST

    @cached_property
    def _table(self) -> pl.DataFrame:
        index = pl.int_range(FIRST, len(self), dtype=pl.Int64, eager=True).alias("index")
        return pl.DataFrame([self.values, index])

    @cached_property
    def _lookup(self) -> dict[Any, int]:
        return dict(zip(self.values.to_list(), range(FIRST, len(self)), strict=True))

    def index(self, value: Any) -> int:
        """The index of one value."""
        return PADDING if value is None else self._lookup.get(value, UNKNOWN)

    def encode(self, values: pl.Series) -> Tensor:
        """[n] int64: the index of each value; null becomes padding, a value never seen becomes unknown."""
        found = (
            values.to_frame("value")
            .join(self._table, on="value", how="left", maintain_order="left")
            .select(pl.when(pl.col("value").is_null()).then(PADDING).otherwise(pl.col("index").fill_null(UNKNOWN)))
            .to_series()
        )
        return torch.tensor(found.to_numpy(), dtype=torch.int64)


class Buckets:
    """Words by their hash, where there are too many to list. Some share a bucket, and none is unknown.

    Args:
        count: how many buckets.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        """Number of indices, padding and unknown included."""
        return self.count + FIRST

    def encode(self, values: pl.Series) -> Tensor:
        """[n] int64: the bucket of each value; null becomes padding."""
        found = (stable_hash(values) % self.count).astype(np.int64) + FIRST
        return torch.from_numpy(np.where(values.is_null().to_numpy(), PADDING, found))
