# SPDX-License-Identifier: Apache-2.0
"""The contract of a cleaning rule, and what rules may know beside the events.

A rule sees the events that the rules before it left, says which of them fall, and why. It never changes a row and
never drops one itself: the engine moves what falls into the quarantine, so rows in = rows kept + rows fallen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

import msgspec
import polars as pl

from penchant.schema import AMOUNT, QUANTITY, TYPE, Meaning

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penchant.schema import EventType

AT = "_at"
"""Column of a table under check: the row's position in its source, unique (Int64)."""

REASON = "reason"
FALLEN = {AT: pl.Int64(), REASON: pl.String()}
"""What `Rule.broken` returns."""

Scope = Literal["row", "moment", "user", "all"]


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every rule's `Config`; by itself that of a rule that has nothing to choose."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a rule may know beside the events.

    Attributes:
        meanings: what each event type means; one that is absent is of meaning "other".
        items: the ids of the item table (column `item_id`), if there is one.
        users: the ids of the user table (column `user_id`), if there is one.
        clock: whether times are read off a clock; if not, they are a mere order.
    """

    meanings: Mapping[str, EventType] = field(default_factory=dict)
    items: pl.LazyFrame | None = None
    users: pl.LazyFrame | None = None
    clock: bool = True

    def means(self, *wanted: Meaning) -> pl.Expr:
        """Whether an event's type means one of `wanted`; the column `type` must not be null."""
        named = [name for name, said in self.meanings.items() if said.meaning in wanted]
        found = pl.col(TYPE).is_in(named)
        if Meaning.OTHER in wanted:
            found |= ~pl.col(TYPE).is_in(list(self.meanings))
        return found

    def is_return(self, columns: Collection[str]) -> pl.Expr:
        """Whether an event takes a purchase back: it is said to, or its quantity (else its amount) is negative."""
        signs = [pl.col(column) < 0 for column in (QUANTITY, AMOUNT) if column in columns]
        said = self.means(Meaning.RETURN)
        return (said | pl.coalesce(*signs, False)) if signs else said


class Rule(Protocol):
    """One thing that may be wrong with an event.

    Attributes:
        name: its key in `[data.checks.rules]` and in the report.
        scope: what it must see at once. "row": any chunk. "moment": all events of one time, sorted by `AT`.
            "user": all events of a user, sorted by time and among equal times by `AT`. "all": every event, in
            the columns `AT`, user_id, item_id and time.
        Config: its choices.
        on_by_default: whether it is at work without being named. Only what no honest log holds is.
        wants: what `needs` looks for, in words, for messages.
    """

    name: ClassVar[str]
    scope: ClassVar[Scope]
    Config: ClassVar[type[Choices]]
    on_by_default: ClassVar[bool]
    wants: ClassVar[str]

    def __init__(self, config: Choices, known: Known) -> None: ...

    def needs(self, columns: Collection[str]) -> bool:
        """Whether a table with these columns, and what is known, let the rule say anything."""
        ...

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """The rows that fall, in the columns of `FALLEN`, in any order.

        Args:
            events: `AT` and the canonical columns of events (`penchant.schema`).
        """
        ...


@runtime_checkable
class Suspecting(Protocol):
    """What a rule of scope "user" has beside the above, if one event can say whom it need not look at."""

    def suspects(self, columns: Collection[str]) -> pl.Expr:
        """A condition over single events: users none of whose events meets it break nothing.

        Args:
            columns: of the events.
        """
        ...


def fall(events: pl.LazyFrame, where: pl.Expr, reason: str | pl.Expr) -> pl.LazyFrame:
    """The rows where an expression is true (null counts as false), each with its reason."""
    words = pl.lit(reason) if isinstance(reason, str) else reason
    return events.filter(where).select(pl.col(AT).cast(pl.Int64), words.alias(REASON))
