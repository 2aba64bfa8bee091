# SPDX-License-Identifier: Apache-2.0
"""One class per kind of column: fitted once on what training may see, then the same for files and requests.

Adding a kind is one class and one row in `COLUMNS`.
"""

from __future__ import annotations

import math
from typing import Annotated, Protocol, Self

import msgspec
import numpy as np
import polars as pl
import torch
from torch import Tensor

from penchant.features.transforms import Quantiles, Transform, squeeze
from penchant.features.vocabulary import Buckets, Vocabulary
from penchant.schema import Kind

MOST_TAGS = 32
"""Tags of one row beyond this many are dropped: they would widen the padded rectangle for everyone."""


HUGE = 100_000
"""A column with more different words is hashed into as many buckets, unless the run file says how many."""


class ColumnChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[features.columns.<name>]`."""

    transform: Transform = Transform.STANDARD
    """Of a number."""
    min_count: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Of a category, an id or tags: rarer words are one word, the same as those that training never saw."""
    buckets: Annotated[int, msgspec.Meta(ge=2, le=100_000_000)] | None = None
    """Of a category, an id or tags: hash words into so many buckets; none: only beyond `HUGE` words."""


class ColumnState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a fitted column remembers, fit for JSON. Each kind uses some of it."""

    kind: Kind
    values: list[str] = []
    mean: float = 0.0
    scale: float = 1.0
    transform: Transform = Transform.STANDARD
    edges: list[float] = []
    levels: list[float] = []
    buckets: int | None = None
    end: int = 0
    hours: bool = False


class FeatureColumn(Protocol):
    """A fitted column."""

    @classmethod
    def fit(cls, values: pl.Series, choice: ColumnChoice = ..., /) -> Self:
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


_AS_IT_COMES = ColumnChoice()


class NumberColumn:
    """A number, transformed, then standardised to mean 0 and deviation 1; missing becomes 0, the mean."""

    size = 0

    def __init__(
        self,
        mean: float,
        scale: float,
        transform: Transform = Transform.STANDARD,
        quantiles: Quantiles | None = None,
    ) -> None:
        self.mean = mean
        self.scale = scale
        self.transform = transform
        self.quantiles = quantiles

    @classmethod
    def fit(cls, values: pl.Series, choice: ColumnChoice = _AS_IT_COMES) -> Self:
        """Mean and standard deviation of what is there and finite, or its quantiles."""
        numbers = values.cast(pl.Float64).drop_nulls()
        finite = numbers.filter(numbers.is_finite())
        if choice.transform == Transform.QUANTILE:
            return cls(0.0, 1.0, choice.transform, Quantiles.fit(finite.to_numpy()))
        if choice.transform == Transform.LOG:
            finite = pl.Series(squeeze(finite.to_numpy()))
        mean, scale = finite.mean(), finite.std(ddof=0)
        return cls(
            mean if isinstance(mean, float) and math.isfinite(mean) else 0.0,
            scale if isinstance(scale, float) and math.isfinite(scale) and scale > 0 else 1.0,
            choice.transform,
        )

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From mean and scale, or quantiles."""
        quantiles = None
        if state.transform == Transform.QUANTILE:
            quantiles = Quantiles(np.array(state.edges), np.array(state.levels))
        return cls(state.mean, state.scale, state.transform, quantiles)

    def state(self) -> ColumnState:
        """Mean and scale, or quantiles."""
        return ColumnState(
            kind=Kind.NUMBER,
            mean=self.mean,
            scale=self.scale,
            transform=self.transform,
            edges=self.quantiles.edges.tolist() if self.quantiles else [],
            levels=self.quantiles.levels.tolist() if self.quantiles else [],
        )

    def one(self, value: float | None) -> float:
        """The same as `encode` for a single value, without a table around it where there is no transform."""
        if self.transform != Transform.STANDARD:
            return float(self.encode(pl.Series([value], dtype=pl.Float64))[0])
        if value is None or math.isnan(value):
            return 0.0
        return min(max((value - self.mean) / self.scale, -8.0), 8.0)

    def encode(self, values: pl.Series) -> Tensor:
        """[N] float32, clipped to eight deviations so that one typing error cannot drown a row."""
        numbers = values.cast(pl.Float64).fill_nan(None)
        if self.transform != Transform.STANDARD:
            raw = numbers.fill_null(np.nan).to_numpy()
            moved = self.quantiles.encode(raw) if self.quantiles else squeeze(raw)
            numbers = pl.Series(moved).fill_nan(None)
        scaled = ((numbers - self.mean) / self.scale).clip(-8, 8).fill_null(0.0)
        return torch.tensor(scaled.to_numpy(), dtype=torch.float32)


class CategoryColumn:
    """One word out of a vocabulary, or in a bucket."""

    def __init__(self, vocabulary: Vocabulary | Buckets) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, values: pl.Series, choice: ColumnChoice = _AS_IT_COMES) -> Self:
        """The words that are there."""
        return cls(_words(values.cast(pl.String), choice))

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From the list of words, or the number of buckets."""
        return cls(_loaded(state))

    def state(self) -> ColumnState:
        """The list of words, or the number of buckets."""
        return _kept(Kind.CATEGORY, self.vocabulary)

    @property
    def size(self) -> int:
        """Words, padding and unknown included."""
        return len(self.vocabulary)

    def encode(self, values: pl.Series) -> Tensor:
        """[N] int64."""
        return self.vocabulary.encode(values.cast(pl.String))


class TagsColumn:
    """Several words out of a vocabulary, or in buckets."""

    def __init__(self, vocabulary: Vocabulary | Buckets) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, values: pl.Series, choice: ColumnChoice = _AS_IT_COMES) -> Self:
        """The words that are there."""
        return cls(_words(values.cast(pl.List(pl.String)).explode(empty_as_null=True), choice))

    @classmethod
    def load(cls, state: ColumnState) -> Self:
        """From the list of words, or the number of buckets."""
        return cls(_loaded(state))

    def state(self) -> ColumnState:
        """The list of words, or the number of buckets."""
        return _kept(Kind.TAGS, self.vocabulary)

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
    Kind.ID: CategoryColumn,
}


def _words(values: pl.Series, choice: ColumnChoice) -> Vocabulary | Buckets:
    """The words that are frequent enough, or buckets where the run file or their number asks for them."""
    if choice.buckets:
        return Buckets(choice.buckets)
    there = values.drop_nulls().rename("word").to_frame()
    words = there.group_by("word").len().filter(pl.col("len") >= choice.min_count)["word"]
    return Buckets(HUGE) if len(words) > HUGE else Vocabulary.fit(words)


def _loaded(state: ColumnState) -> Vocabulary | Buckets:
    return Buckets(state.buckets) if state.buckets else Vocabulary(pl.Series(state.values, dtype=pl.String))


def _kept(kind: Kind, words: Vocabulary | Buckets) -> ColumnState:
    if isinstance(words, Buckets):
        return ColumnState(kind=kind, buckets=words.count)
    return ColumnState(kind=kind, values=words.values.to_list())
