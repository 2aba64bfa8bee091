# SPDX-License-Identifier: Apache-2.0
"""Values that cannot be: each rule looks at one optional column of events, and an empty cell breaks none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec
import polars as pl

from penchant.data.rules.rule import Choices, Known, Scope, fall
from penchant.errors import ConfigError
from penchant.schema import AMOUNT, DWELL, POSITION, PROPENSITY, QUANTITY, VALUE, Meaning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

C = TypeVar("C", bound=Choices)

_BOUGHT = (Meaning.PURCHASE, Meaning.RETURN, Meaning.OTHER)
"""Events whose amount is money that changed hands; the price of what was only viewed may be 0."""


class _Values(ABC, Generic[C]):
    """What the rules of this file share: a column, and several things that may be wrong with it."""

    scope: ClassVar[Scope] = "row"
    column: ClassVar[str]
    wants: ClassVar[str]

    def __init__(self, config: C, known: Known) -> None:
        self.config = config
        self.known = known

    def needs(self, columns: Collection[str]) -> bool:
        """Whether the column is there."""
        return self.column in columns

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """The rows with an impossible value; of several reasons the first is given."""
        found = list(self.faults(events.collect_schema().names()))
        reason = pl.coalesce(pl.when(wrong).then(pl.lit(words)) for wrong, words in found)
        return fall(events, pl.any_horizontal(wrong for wrong, _ in found), reason)

    @abstractmethod
    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """What may be wrong, each with its words."""


def _wild(column: str, what: str) -> tuple[pl.Expr, str]:
    return ~pl.col(column).is_finite(), f"the {what} is not a finite number"


class Dwell(_Values["Dwell.Config"]):
    """A stay is not negative and not longer than a day, or what `longest` says."""

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `impossible_dwell`."""

        longest: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
        """Seconds."""

    name = "impossible_dwell"
    on_by_default = True
    column = DWELL
    wants = "a column dwell"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Not finite, negative, too long."""
        del columns
        yield _wild(DWELL, "dwell time")
        yield pl.col(DWELL) < 0, "the dwell time is negative"
        yield pl.col(DWELL) > self.config.longest, f"the dwell time is longer than {self.config.longest:g} seconds"


class Amount(_Values["Amount.Config"]):
    """What was paid is positive, unless the event is a return."""

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `impossible_amount`."""

        zero: Literal["refuse", "keep"] = "refuse"
        """What becomes of purchases at no price; "keep" where things are given away."""

    name = "impossible_amount"
    on_by_default = True
    column = AMOUNT
    wants = "a column amount (or price)"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Not finite; nothing or less was paid, and nothing was brought back."""
        yield _wild(AMOUNT, "amount")
        bought = self.known.means(*_BOUGHT) & ~self.known.is_return(columns)
        yield (pl.col(AMOUNT) < 0) & ~self.known.is_return(columns), "the amount is negative, and it is no return"
        if self.config.zero == "refuse":
            yield (pl.col(AMOUNT) == 0) & bought, "the amount is zero"


class Quantity(_Values[Choices]):
    """A purchase has pieces; negative ones are a return."""

    Config = Choices
    name = "impossible_quantity"
    on_by_default = True
    column = QUANTITY
    wants = "a column quantity"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Not finite, or none at all."""
        del columns
        yield _wild(QUANTITY, "quantity")
        yield (pl.col(QUANTITY) == 0) & self.known.means(*_BOUGHT), "the quantity is zero"


class Position(_Values[Choices]):
    """Places in a list are counted from 1."""

    Config = Choices
    name = "impossible_position"
    on_by_default = True
    column = POSITION
    wants = "a column position"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Before the first place."""
        del columns
        yield pl.col(POSITION) < 1, "the position is below 1"


class Propensity(_Values[Choices]):
    """What was shown had a probability to be shown."""

    Config = Choices
    name = "impossible_propensity"
    on_by_default = True
    column = PROPENSITY
    wants = "a column propensity"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Not above 0, or above 1."""
        del columns
        inside = pl.col(PROPENSITY).is_between(0, 1, closed="right")
        yield ~inside, "the propensity is not a probability above 0 and up to 1"


class RatingRange(_Values["RatingRange.Config"]):
    """Ratings lie on the scale that people were given.

    Where some event type means a rating, only events of such types are looked at; else all that have a value.
    """

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `rating_range`."""

        lowest: float | None = None
        """The lowest rating there is."""
        highest: float | None = None
        """The highest rating there is."""

        def __post_init__(self) -> None:
            """The scale has a length."""
            if self.lowest is None and self.highest is None:
                raise ConfigError("[data.checks.rules] rating_range needs lowest, highest or both")
            if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
                raise ConfigError("[data.checks.rules] rating_range: lowest must be below highest")

    name = "rating_range"
    on_by_default = False
    column = VALUE
    wants = "a column value"

    def faults(self, columns: Collection[str]) -> Iterator[tuple[pl.Expr, str]]:
        """Beyond either end."""
        del columns
        low, high = self.config.lowest, self.config.highest
        rates = any(said.meaning is Meaning.RATING for said in self.known.meanings.values())
        here = self.known.means(Meaning.RATING) if rates else pl.lit(True)
        if low is not None:
            yield here & (pl.col(VALUE) < low), f"the rating is below {low:g}"
        if high is not None:
            yield here & (pl.col(VALUE) > high), f"the rating is above {high:g}"
