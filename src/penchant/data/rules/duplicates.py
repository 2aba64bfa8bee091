# SPDX-License-Identifier: Apache-2.0
"""Events that stand there twice: exactly, or so close in time that they are one act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import polars as pl

from penchant.data.rules.rule import AT, FALLEN, REASON, Choices, Known, Scope
from penchant.schema import ITEM, MICROSECONDS, TIME, TYPE, USER

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_SAME = (USER, ITEM, TYPE)


class Duplicates:
    """Of events that agree in every column, the first is kept.

    Events are told apart by a hash of each row. Only where two have the same are they compared in full.
    """

    Config = Choices
    name: ClassVar[str] = "duplicate"
    scope: ClassVar[Scope] = "moment"
    on_by_default: ClassVar[bool] = True
    wants: ClassVar[str] = "columns user_id, item_id and time"

    def __init__(self, config: Choices, known: Known) -> None:
        del config, known

    def needs(self, columns: Collection[str]) -> bool:
        """Always."""
        return {USER, ITEM, TIME} <= set(columns)

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """All but the first in the order given; columns that begin with an underscore are the engine's own."""
        return events.map_batches(self._again, schema=FALLEN)

    def _again(self, rows: pl.DataFrame) -> pl.DataFrame:
        keys = [column for column in rows.columns if not column.startswith("_")]
        marks = rows.select(keys).hash_rows()
        in_order = marks.sort()
        twice = in_order.filter(in_order == in_order.shift())
        if twice.is_empty():
            return pl.DataFrame(schema=FALLEN)
        alike = rows.filter(marks.is_in(twice.unique().implode()))
        again = alike.filter(~pl.struct(keys).is_first_distinct())
        return again.select(AT, pl.lit("an earlier row is the same in every column").alias(REASON))


class NearDuplicates:
    """Of events with one user, item and type, those within some seconds of the one kept fall.

    The first of a chain is kept, and so is the next one that comes later than `within` after the one kept last:
    of clicks at 0, 1.5, 3 and 4.5 s with `within = 2` those at 0 and 3 stay. So however long the chain, no two
    that stay are close, and each that falls is close to one that stays.
    """

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `near_duplicates`."""

        within: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 2.0
        """Seconds."""

    name: ClassVar[str] = "near_duplicates"
    scope: ClassVar[Scope] = "user"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "a column time that is read off a clock"

    def __init__(self, config: Config, known: Known) -> None:
        self._within = round(config.within * MICROSECONDS)
        self._known = known
        self._reason = f"the same user, item and type as an event kept at most {config.within:g} seconds before"

    def needs(self, columns: Collection[str]) -> bool:
        """Whether gaps between times mean anything."""
        return self._known.clock and TIME in columns

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """All but the ones kept."""
        # A hash is far quicker to sort by than three columns. Should two groups share one, their rows may be
        # mixed; comparing neighbours in full then finds too few near duplicates, never a wrong one.
        columns = events.select(AT, TIME, *_SAME, pl.struct(_SAME).hash().alias("_group"))
        gap = pl.col(TIME).diff()
        same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift()) for c in ("_group", *_SAME))
        close = (same & (gap <= self._within)).fill_null(value=False)
        chained = (
            columns.sort("_group", TIME, AT)
            .with_columns(close.alias("_close"), gap.alias("_gap"))
            .filter(pl.col("_close") | pl.col("_close").shift(-1, fill_value=False))
        )
        return chained.select(AT, "_close", "_gap").map_batches(self._of_chains, schema=FALLEN)

    def _of_chains(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What falls of chains that stand one after the other, each in the order of time."""
        # One line of time: chains are set further apart than `within`, so that no step leads from one into
        # another.
        apart = pl.when("_close").then("_gap").otherwise(self._within + 1)
        line = rows.select(apart.cum_sum()).to_series().to_numpy()
        after = np.searchsorted(line, line + self._within, side="right")
        kept = reached(after, ~rows["_close"].to_numpy())
        return rows.filter(~kept).select(AT, pl.lit(self._reason).alias(REASON))


def reached(after: NDArray[np.int64], starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which places are met when one leaves each start and goes on from place i to `after[i]`.

    In each round the jumps get twice as long, so the number of rounds is the logarithm of the longest way.

    Args:
        after: [n], greater than its index; n stands for the end.
        starts: [n], true where a way begins.
    """
    jump = np.append(after, len(after))
    met = np.append(starts, True)
    while True:
        wider = met.copy()
        wider[jump[met]] = True
        if np.array_equal(wider, met):
            return met[:-1]
        met, jump = wider, jump[jump]
