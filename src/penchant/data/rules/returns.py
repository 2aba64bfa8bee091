# SPDX-License-Identifier: Apache-2.0
"""Returns, paired with the purchases that they take back.

Think of what a user holds of an item as a stack of pieces: a purchase lays pieces on top, a return takes them
off the top, and cannot take more than lies there. A purchase falls when nothing of it is left in the end. That
is the common case of a mistake that is undone at once, and of orders the last one is the likeliest to come
back.

* What a return takes from an empty stack was bought before the log began, or never. A return that finds nothing
  at all falls with a reason of its own.
* Of a purchase that came back in part, the row stays as it is, with its quantity: somebody kept a piece and so
  leans towards the item, and what was known at its time was the whole quantity. Rules never rewrite rows.

No row looks at another: the height of the stack is a running sum that never goes below zero, and a purchase is
gone if the height later sinks to where it was before that purchase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import polars as pl

from penchant.data.rules.rule import AT, REASON, Choices, Known, Scope
from penchant.schema import AMOUNT, ITEM, QUANTITY, TIME, TYPE, USER, Meaning

if TYPE_CHECKING:
    from collections.abc import Collection

PAIRED = "the return of an earlier purchase"
UNPAIRED = "a return without an earlier purchase"
UNDONE = "the purchase was returned"

_PAIR = (USER, ITEM)
_PIECES, _BACK, _SUM, _LOST, _HEIGHT = "_pieces", "_back", "_sum", "_lost", "_height"
_GRAIN = 1e-6
"""Heights closer than this are the same: quantities may be weights, and sums of fractions are not exact."""


class Returns:
    """A return falls, and with it each earlier purchase of the same user and item that it undoes in full."""

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `returns`."""

        purchases: Literal["undo", "keep"] = "undo"
        """undo: a purchase that was returned in full falls too; keep: only returns fall, so that what later
        became of a purchase never shows before its time."""

    name: ClassVar[str] = "returns"
    scope: ClassVar[Scope] = "user"
    on_by_default: ClassVar[bool] = True
    wants: ClassVar[str] = 'a column quantity or amount, or an event type whose meaning is "return"'

    def __init__(self, config: Config, known: Known) -> None:
        self._undo = config.purchases == "undo"
        self._known = known

    def needs(self, columns: Collection[str]) -> bool:
        """Whether a return could be told."""
        said = any(one.meaning is Meaning.RETURN for one in self._known.meanings.values())
        return said or not {QUANTITY, AMOUNT}.isdisjoint(columns)

    def suspects(self, columns: Collection[str]) -> pl.Expr:
        """Who never brings anything back has nothing to be paired."""
        return self._known.is_return(columns)

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Returns, and what they undo."""
        marked = self._marked(events)
        # Few pairs ever see a return; all others need no second look.
        touched = marked.filter(_BACK).select(_PAIR).unique()
        pieces = pl.when(_BACK).then(-pl.col(_PIECES)).otherwise(pl.col(_PIECES))
        # At one moment a purchase comes before its return, whichever the file names first.
        stacks = (
            marked.join(touched, on=_PAIR, how="semi", nulls_equal=True)
            .sort(*_PAIR, TIME, _BACK, AT)
            .with_columns(pieces.cum_sum().over(_PAIR).alias(_SUM))
            .with_columns((-pl.min_horizontal(pl.col(_SUM).cum_min().over(_PAIR), 0.0)).alias(_LOST))
            .with_columns((pl.col(_SUM) + pl.col(_LOST)).alias(_HEIGHT))
        )
        lowest_yet_to_come = pl.col(_HEIGHT).cum_min(reverse=True).over(_PAIR)
        gone = ~pl.col(_BACK) & (lowest_yet_to_come <= pl.col(_HEIGHT) - pl.col(_PIECES) + _GRAIN)
        missed = pl.col(_LOST).diff().over(_PAIR).fill_null(pl.col(_LOST))
        found = pl.col(_PIECES) - missed > _GRAIN
        reason = (
            pl.when(pl.col(_BACK) & found).then(pl.lit(PAIRED))
            .when(_BACK).then(pl.lit(UNPAIRED))
            .when(gone & self._undo).then(pl.lit(UNDONE))
        )  # fmt: skip
        return stacks.select(pl.col(AT).cast(pl.Int64), reason.alias(REASON)).drop_nulls(REASON)

    def _marked(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Purchases and returns: how many pieces (above 0), and whether they come back."""
        columns = events.collect_schema().names()
        counted = pl.col(QUANTITY).abs().fill_null(1.0) if QUANTITY in columns else pl.lit(1.0)
        back = self._known.is_return(columns)
        bought = self._known.means(Meaning.PURCHASE, Meaning.OTHER)
        seen = [column for column in (AT, USER, ITEM, TIME, TYPE, QUANTITY, AMOUNT) if column in columns]
        return (
            events.select(seen)
            .filter(back | bought)
            .select(AT, *_PAIR, TIME, counted.cast(pl.Float64).alias(_PIECES), back.alias(_BACK))
            .filter(pl.col(_PIECES) > 0)
        )
