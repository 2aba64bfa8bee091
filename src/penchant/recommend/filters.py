# SPDX-License-Identifier: Apache-2.0
"""Which items may be shown, said in conditions on the columns of the item table: data, never code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import polars as pl
import torch

from penchant.errors import nearest
from penchant.recommend.errors import WishError
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from penchant.schema import Column

MOST_CONDITIONS = 20
"""Columns that one filter may name."""
MOST_VALUES = 1000
"""Values that one list of a condition may hold."""

Word = Annotated[str, msgspec.Meta(max_length=512)]
Words = Annotated[list[Word], msgspec.Meta(min_length=1, max_length=MOST_VALUES)]

_WORDS = (Kind.CATEGORY, Kind.ID, Kind.TAGS)
_NUMBERS = (Kind.NUMBER, Kind.TIME)


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a column must hold; all that is said must be true.

    A cell that holds nothing passes `missing` and `none` alone.
    """

    any: Words | None = None
    """One of these words; of tags, at least one."""
    all: Words | None = None
    """Of tags: each of these."""
    none: Words | None = None
    """None of these words."""
    min: float | None = None
    """A number at least this high; of a time, seconds since 1970."""
    max: float | None = None
    """A number at most this high; of a time, seconds since 1970."""
    missing: bool | None = None
    """Whether the cell holds nothing."""

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise ValueError("says nothing: give any, all, none, min, max or missing")


Filter = Annotated[dict[str, Condition], msgspec.Meta(max_length=MOST_CONDITIONS)]
"""Conditions by column of the item table; an item must pass each."""


def passing(frame: pl.DataFrame, columns: Mapping[str, Column], wanted: Filter, field: str) -> Tensor:
    """[N] bool: the rows of `frame` that pass.

    Args:
        frame: [N rows] an item table.
        columns: its columns, by name.
        wanted: what they must hold.
        field: where the filter stands in the request, for messages.

    Raises:
        WishError: names the column that does not exist, or cannot be asked so.
    """
    tests = [pl.lit(value=True)]
    for name, condition in wanted.items():
        place = f"{field}.{name}"
        if name not in columns or name not in frame.columns:
            raise WishError(place, f"the items have no such column{nearest(name, columns)}")
        tests += _tests(pl.col(name), columns[name].kind, condition, place)
    passed = frame.lazy().select(pl.all_horizontal(tests).alias("passed")).collect()["passed"]
    # An expression of constants alone has one row.
    return torch.from_numpy(passed.to_numpy().copy()).expand(frame.height)


def _tests(cell: pl.Expr, kind: Kind, condition: Condition, place: str) -> list[pl.Expr]:
    """What `condition` says, as expressions that are never null."""
    tests: list[pl.Expr] = []
    if condition.missing is not None:
        empty = cell.is_null()
        if kind is Kind.TAGS:
            empty = empty | (cell.list.len() == 0).fill_null(value=False)
        tests.append(empty if condition.missing else ~empty)
    for key in ("any", "all", "none"):
        words = getattr(condition, key)
        if words is None:
            continue
        if kind not in _WORDS or (key == "all" and kind is not Kind.TAGS):
            asked = "tags" if key == "all" else "words out of a list (category, tags, id)"
            raise WishError(
                f"{place}.{key}", f"only a column of {asked} can be asked so; this one is {kind.value}"
            )
        tests.append(_words(cell, kind, key, words))
    for key in ("min", "max"):
        edge = getattr(condition, key)
        if edge is None:
            continue
        if kind not in _NUMBERS:
            raise WishError(f"{place}.{key}", f"only a number or a time can be asked so; this one is {kind.value}")
        # A time is compared in seconds, as the request writes it: no edge is too large for an integer.
        number = cell / 1e6 if kind is Kind.TIME else cell
        tests.append((number >= edge if key == "min" else number <= edge).fill_null(value=False))
    return tests


def _words(cell: pl.Expr, kind: Kind, key: str, words: list[str]) -> pl.Expr:
    listed = pl.Series(words, dtype=pl.String)
    if kind is not Kind.TAGS:
        held = cell.is_in(listed.implode()).fill_null(value=False)
        return ~held if key == "none" else held
    if key == "all":
        shared = cell.list.set_intersection(pl.lit(listed.unique()).implode()).list.len()
        return (shared == listed.n_unique()).fill_null(value=False)
    held = cell.list.eval(pl.element().is_in(listed.implode())).list.any().fill_null(value=False)
    return ~held if key == "none" else held
