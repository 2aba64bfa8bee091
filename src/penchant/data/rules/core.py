# SPDX-License-Identifier: Apache-2.0
"""The k-core: what is left once rare users and items are taken out until none is rare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import polars as pl

from penchant.data.rules.rule import AT, FALLEN, REASON, Choices, Known, Scope
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_Least = Annotated[int, msgspec.Meta(ge=0)]


class Core:
    """Events outside the k-core fall."""

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `too_few_events`; `min_user_events` and `min_item_events` of `[data.checks]` are the same."""

        user: _Least = 0
        """Users with fewer events are rare."""
        item: _Least = 0
        """Items with fewer events are rare."""

    name: ClassVar[str] = "too_few_events"
    scope: ClassVar[Scope] = "all"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "columns user_id and item_id"

    def __init__(self, config: Config, known: Known) -> None:
        del known
        self._least = config
        self._reason = (
            "the user or the item has too few events "
            f"(min_user_events = {config.user}, min_item_events = {config.item})"
        )

    def needs(self, columns: Collection[str]) -> bool:
        """Always."""
        return {USER, ITEM} <= set(columns)

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """All that is outside the core."""
        return events.select(AT, USER, ITEM).map_batches(self._outside, schema=FALLEN)

    def _outside(self, rows: pl.DataFrame) -> pl.DataFrame:
        inside = core(codes(rows[USER]), codes(rows[ITEM]), self._least.user, self._least.item)
        return rows.filter(~inside).select(AT, pl.lit(self._reason).alias(REASON))


def codes(ids: pl.Series) -> NDArray[np.uint32]:
    """Ids as numbers from 0 on, the same for the same id: [n], a quarter of what the ids themselves take."""
    return (ids.rank("dense").fill_null(0)).cast(pl.UInt32).to_numpy()


def core(users: NDArray[np.uint32], items: NDArray[np.uint32], min_user: int, min_item: int) -> NDArray[np.bool_]:
    """Which events are in the k-core; each round counts what the round before it left.

    Args:
        users: [n], a small number for each user.
        items: [n], a small number for each item.
        min_user: events that a user must have.
        min_item: events that an item must have.

    Returns:
        [n].
    """
    inside = np.ones(len(users), dtype=np.bool_)
    left = len(users)
    while left:
        often = np.bincount(users[inside]) >= min_user
        often_item = np.bincount(items[inside]) >= min_item
        # Codes above the largest that is left belong to rows that are out already.
        inside &= np.append(often, False)[np.minimum(users, len(often))]
        inside &= np.append(often_item, False)[np.minimum(items, len(often_item))]
        before, left = left, int(inside.sum())
        if left == before:
            break
    return inside
