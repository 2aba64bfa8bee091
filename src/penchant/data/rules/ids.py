# SPDX-License-Identifier: Apache-2.0
"""Ids that stand for nobody, for nothing that can be recommended, or for what no table holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import polars as pl

from penchant.data.rules.rule import AT, REASON, Choices, Known, Scope, fall
from penchant.errors import ConfigError
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_Names = tuple[Annotated[str, msgspec.Meta(min_length=1)], ...]


class MissingUsers:
    """User ids that are words for "nobody". An empty id never comes this far: reading refuses it."""

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `missing_users`."""

        ids: _Names = ("null", "none", "nan", "nil", "n/a", "undefined")
        """Compared without regard to case; add those of your own source ("guest", "0", "-1")."""

    name: ClassVar[str] = "missing_users"
    scope: ClassVar[Scope] = "row"
    on_by_default: ClassVar[bool] = True
    wants: ClassVar[str] = "a column user_id"

    def __init__(self, config: Config, known: Known) -> None:
        del known
        self._ids = [word.lower() for word in config.ids]

    def needs(self, columns: Collection[str]) -> bool:
        """Always."""
        return USER in columns

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Events of nobody; where ids are numbers, only words that are numbers can be among them."""
        if events.collect_schema()[USER].is_integer():
            numbers = [int(word) for word in self._ids if re.fullmatch(r"-?[0-9]{1,18}", word)]
            return fall(events, pl.col(USER).is_in(numbers), "the user id stands for nobody")
        text = pl.col(USER).cast(pl.String).str.to_lowercase()
        return fall(events, text.is_in(self._ids), "the user id stands for nobody")


class NotProducts:
    """Item ids that are no products: postage, bank charges, manual entries, gift cards.

    Patterns are those of file names: `*` stands for anything, `?` for one character, `[0-9]` for one of several.
    """

    class Config(Choices, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of `not_products`."""

        ids: _Names = ()
        """What matches one of these falls."""
        only: _Names = ()
        """What matches none of these falls, if there are any."""
        ignore_case: bool = True

        def __post_init__(self) -> None:
            """There is something to match."""
            if not self.ids and not self.only:
                raise ConfigError("[data.checks.rules] not_products needs ids, only, or both")

    name: ClassVar[str] = "not_products"
    scope: ClassVar[Scope] = "row"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "a column item_id"

    def __init__(self, config: Config, known: Known) -> None:
        del known
        self._never = _regex(config.ids, ignore_case=config.ignore_case)
        self._only = _regex(config.only, ignore_case=config.ignore_case)

    def needs(self, columns: Collection[str]) -> bool:
        """Always."""
        return ITEM in columns

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Events with what is no product."""
        text = pl.col(ITEM).cast(pl.String)
        wrong = text.str.contains(self._never) if self._never else pl.lit(False)
        if self._only:
            wrong |= ~text.str.contains(self._only)
        return fall(events, wrong, "the item id stands for no product")


class UnknownItems:
    """Events with items that the item table does not have."""

    Config = Choices
    name: ClassVar[str] = "unknown_items"
    scope: ClassVar[Scope] = "row"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "a table [data.items]"

    def __init__(self, config: Choices, known: Known) -> None:
        del config
        self._table = known.items

    def needs(self, columns: Collection[str]) -> bool:
        """Whether there is an item table."""
        return ITEM in columns and self._table is not None

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Events whose item has no row."""
        return _absent(events, self._table, ITEM, "the item is not in the item table")


class UnknownUsers:
    """Events of users that the user table does not have."""

    Config = Choices
    name: ClassVar[str] = "unknown_users"
    scope: ClassVar[Scope] = "row"
    on_by_default: ClassVar[bool] = False
    wants: ClassVar[str] = "a table [data.users]"

    def __init__(self, config: Choices, known: Known) -> None:
        del config
        self._table = known.users

    def needs(self, columns: Collection[str]) -> bool:
        """Whether there is a user table."""
        return USER in columns and self._table is not None

    def broken(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Events whose user has no row."""
        return _absent(events, self._table, USER, "the user is not in the user table")


def _absent(events: pl.LazyFrame, table: pl.LazyFrame | None, column: str, reason: str) -> pl.LazyFrame:
    if table is None:  # `needs` says no, so that this is a fault of the caller
        raise ConfigError(f"[data.checks.rules]: {reason}, but there is none")
    absent = events.join(table.select(column), on=column, how="anti")
    return absent.select(pl.col(AT).cast(pl.Int64), pl.lit(reason).alias(REASON))


def _regex(patterns: Sequence[str], *, ignore_case: bool) -> str:
    """One regular expression that matches what any of the patterns matches as a whole; "" for none."""
    if not patterns:
        return ""
    return f"{'(?is)' if ignore_case else '(?s)'}^(?:{'|'.join(map(_one, patterns))})$"


def _one(pattern: str) -> str:
    """`*`, `?` and `[...]` in the words of a regular expression; all else stands for itself."""
    parts = re.split(r"(\*|\?|\[!?[\w-]+\])", pattern)
    special = {"*": ".*", "?": "."}
    odd = [special.get(part) or part.replace("[!", "[^") for part in parts[1::2]]
    even = [re.escape(part).replace("/", r"\/") for part in parts[::2]]
    return "".join(a + b for a, b in zip(even, [*odd, ""], strict=True))
