# SPDX-License-Identifier: Apache-2.0
"""One class per kind of column: fitted once on what training may see, then the same for files and requests.

Adding a kind is one class and one row in `COLUMNS`.
"""

from __future__ import annotations

import math
from typing import Protocol, Self

import msgspec
import polars as pl
import torch
from torch import Tensor

from penchant.features.vocabulary import Vocabulary
from penchant.schema import Kind

MOST_TAGS = 32
"""Tags of one row beyond this many are dropped: they would widen the padded rectangle for everyone."""


class ColumnState(msgspec.Struct, frozen=True, kw_only=True):
    """What a fitted column remembers, fit for JSON."""

    kind: Kind
    values: list[str] = []
    mean: float = 0.0
    scale: float = 1.0


class FeatureColumn(Protocol):
    """A fitted column."""

    @classmethod
    def fit(cls, values: pl.Series) -> Self:
        """Learn from the values that training may see."""
        ...

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """Take up what `state` returned."""
        ...

    def state(self) -> ColumnState:
        """What has been learned."""
        ...

    @property
    def size(self) -> int:
        """The size of the vocabulary, or 0 for a number."""
        ...

    def encode(self, values: pl.Series) -> Tensor:
        """[N] float32, [N] int64 or [N, W] int64."""
        ...


class NumberColumn:
    """A number, standardised to mean 0 and deviation 1; missing becomes 0, the mean."""

    size = 0

    def __init__(self, mean: float, scale: float) -> None:
        self.mean = mean
        self.scale = scale

    @classmethod
    def fit(cls, values: pl.Series) -> Self:
        """Mean and standard deviation of what is there and finite."""
        numbers = values.cast(pl.Float64).drop_nulls()
        finite = numbers.filter(numbers.is_finite())
        mean, scale = finite.mean(), finite.std(ddof=0)
        return cls(
            mean if isinstance(mean, float) and math.isfinite(mean) else 0.0,
            scale if isinstance(scale, float) and math.isfinite(scale) and scale > 0 else 1.0,
        )

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From mean and scale."""
        return cls(state.mean, state.scale)

    def state(self) -> ColumnState:
        """Mean and scale."""
        return ColumnState(kind=Kind.NUMBER, mean=self.mean, scale=self.scale)

    def one(self, value: float | None) -> float:
        """The same as `encode` for a single value, without a table around it."""
        if value is None or math.isnan(value):
            return 0.0
        return min(max((value - self.mean) / self.scale, -8.0), 8.0)

    def encode(self, values: pl.Series) -> Tensor:
        """[N] float32, clipped to eight deviations so that one typing error cannot drown a row."""
        scaled = ((values.cast(pl.Float64).fill_nan(None) - self.mean) / self.scale).clip(-8, 8).fill_null(0.0)
        return torch.tensor(scaled.to_numpy(), dtype=torch.float32)


class CategoryColumn:
    """One word out of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, values: pl.Series) -> Self:
        """The words that are there."""
        return cls(Vocabulary.fit(values.cast(pl.String)))

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From the list of words."""
        return cls(Vocabulary(pl.Series(state.values, dtype=pl.String)))

    def state(self) -> ColumnState:
        """The list of words."""
        return ColumnState(kind=Kind.CATEGORY, values=self.vocabulary.values.to_list())

    @property
    def size(self) -> int:
        """Words, padding and unknown included."""
        return len(self.vocabulary)

    def encode(self, values: pl.Series) -> Tensor:
        """[N] int64."""
        return self.vocabulary.encode(values.cast(pl.String))


class TagsColumn:
    """Several words out of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, values: pl.Series) -> Self:
        """The words that are there."""
        return cls(Vocabulary.fit(values.cast(pl.List(pl.String)).explode(empty_as_null=True)))

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From the list of words."""
        return cls(Vocabulary(pl.Series(state.values, dtype=pl.String)))

    def state(self) -> ColumnState:
        """The list of words."""
        return ColumnState(kind=Kind.TAGS, values=self.vocabulary.values.to_list())

    @property
    def size(self) -> int:
        """Words, padding and unknown included."""
        return len(self.vocabulary)

    def encode(self, values: pl.Series) -> Tensor:
        """[N, W] int64, padded with 0; W is the most tags of any row, at most `MOST_TAGS`, at least 1."""
        lists = values.cast(pl.List(pl.String)).fill_null([]).list.head(MOST_TAGS)
        lengths = torch.tensor(lists.list.len().to_numpy(), dtype=torch.int64)
        width = max(int(lengths.max()) if len(lengths) else 0, 1)
        rectangle = torch.zeros(len(lists), width, dtype=torch.int64)
        flat = lists.explode(empty_as_null=False, keep_nulls=True)
        rectangle[torch.arange(width) < lengths[:, None]] = self.vocabulary.encode(flat)
        return rectangle


COLUMNS: dict[Kind, type[NumberColumn | CategoryColumn | TagsColumn]] = {
    Kind.NUMBER: NumberColumn,
    Kind.CATEGORY: CategoryColumn,
    Kind.TAGS: TagsColumn,
}
