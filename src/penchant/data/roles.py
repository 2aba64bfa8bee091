# SPDX-License-Identifier: Apache-2.0
"""Guess which column of a table plays a role: by its name, if its cells fit; else by its cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.times import TimeUnit, guess_unit, parse_times
from penchant.data.values import as_number

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        "user", "userid", "uid", "username", "customer", "customerid", "client", "clientid", "visitor",
        "visitorid", "member", "memberid", "reviewer", "reviewerid", "account", "accountid", "session",
        "sessionid", "cardid", "household", "householdkey", "buyer", "who",
    ),
    "item": (
        "item", "itemid", "iid", "movie", "movieid", "film", "filmid", "product", "productid", "sku",
        "parentasin", "asin", "stockcode", "article", "articleid", "book", "bookid", "isbn", "song", "songid",
        "track", "trackid", "artist", "artistid", "video", "videoid", "news", "newsid", "good", "goodid", "ad",
        "adid", "business", "businessid", "venue", "venueid", "location", "locationid", "poi", "poiid",
        "content", "contentid",
    ),
    "time": (
        "timestamp", "time", "ts", "datetime", "date", "unixreviewtime", "eventtime", "eventtimestamp",
        "invoicedate", "transactiondt", "transactiondate", "createdat", "created", "ratedat", "orderdate",
        "purchasedate", "viewedat", "at", "when", "unixtime", "position", "order",
    ),
    "type": (
        "event", "eventtype", "type", "action", "actiontype", "behavior", "behaviour", "behaviortype",
        "interaction", "interactiontype",
    ),
    "value": ("rating", "ratings", "stars", "score", "value", "weight", "playcount", "plays", "count", "overall"),
    "dwell": (
        "dwell", "dwelltime", "dwellseconds", "watchtime",
        "watchseconds", "timespent", "duration", "durationseconds",
        "readtime", "playtime", "listeningtime",
    ),
    "amount": (
        "amount", "pricepaid", "totalprice", "salesprice", "salesvalue",
        "revenue", "spend", "spent", "paid", "total",
        "price", "netamount", "transactionamount",
    ),
    "quantity": ("quantity", "qty", "units", "pieces", "numitems", "itemcount"),
    "session": (
        "session", "sessionid", "visit", "visitid", "sid", "basket", "basketid", "invoice", "invoiceno", "orderid",
        "transactionid",
    ),
    "position": ("position", "rank", "slot", "place", "displayposition", "listposition"),
    "propensity": ("propensity", "propensityscore", "pscore", "probability", "loggingprobability"),
    "text": (
        "text", "review", "reviewtext", "reviewbody", "body",
        "comment", "comments", "content", "summary", "message",
    ),
    "friend": (
        "friend", "friendid", "followee", "followeeid", "followed", "followedid", "target", "targetid", "trustee",
        "user2", "userid2", "to", "toid", "otheruser", "contact", "contactid",
    ),
    "weight": ("weight", "strength", "trust", "score", "affinity", "value"),
    "title": (
        "title", "name", "movietitle", "filmtitle", "productname", "producttitle", "itemname", "description",
        "label", "prodname",
    ),
}  # fmt: skip
"""Usual names of each role, without capitals and marks, the likeliest first."""

NUMBERS = frozenset({"value", "dwell", "amount", "quantity", "position", "weight"})
"""Roles whose cells are numbers."""

_NO_EVENTS = frozenset({"title", "text", "friend"})
"""Roles that no column of events plays."""

_LOOKED_AT = 100
"""Columns whose cells are looked at, where no name says a role."""
SOME_IDS = 20
"""Columns with fewer distinct values are rather types or ratings than ids."""


@dataclass(frozen=True, kw_only=True)
class RoleGuess:
    """Which column plays a role (one of `NAMES`), and why."""

    role: str
    column: str
    reason: str


def guess_role(role: str, table: pl.DataFrame, said: Mapping[str, str], taken: set[str]) -> RoleGuess | None:
    """The column that plays a role, leaving out those that are `taken` or `said` to play another."""
    if role in said:
        return RoleGuess(role=role, column=said[role], reason="you said so")
    others = set(said.values()) | taken
    free = [column for column, kind in table.schema.items() if column not in others and not kind.is_nested()]
    by_name = {plain(column): column for column in reversed(free)}
    for name in NAMES[role]:
        if name in by_name and _fits(role, table[by_name[name]]):
            return RoleGuess(role=role, column=by_name[name], reason=f"its name says {role}")
    if role in ("user", "item"):
        return _guess_ids(role, table, free)
    if role == "time":
        for column in free[:_LOOKED_AT]:
            if not _is_number(table[column]) and _fits("time", table[column]):
                return RoleGuess(role=role, column=column, reason="it holds times")
    return None


def _guess_ids(role: str, table: pl.DataFrame, free: list[str]) -> RoleGuess | None:
    for column in free:
        if role in plain(column) and "name" not in plain(column):
            return RoleGuess(role=role, column=column, reason=f"its name has the word {role}")
    alike = [column for column in free[:_LOOKED_AT] if _looks_like_ids(table[column])]
    if len(alike) != 1:
        return None
    return RoleGuess(role=role, column=alike[0], reason="the only column left whose many values come again")


def _looks_like_ids(cells: pl.Series) -> bool:
    """Many values, most of them seen more than once, that are no times and bear no usual name of another role."""
    named = any(plain(cells.name) in names for role, names in NAMES.items() if role not in _NO_EVENTS)
    if named or not (cells.dtype.is_integer() or cells.dtype == pl.String):
        return False
    if unit_of(cells) not in (TimeUnit.AUTO, TimeUnit.ORDER):
        return False
    return SOME_IDS < cells.n_unique() < 0.5 * cells.len()


def _fits(role: str, cells: pl.Series) -> bool:
    """Whether the cells can be what the name says."""
    known = cells.drop_nulls()
    if role == "time":
        if cells.dtype.is_temporal() or _is_number(cells):
            return True
        return parse_times(known, TimeUnit.AUTO).count() > 0.9 * known.len()
    if role in NUMBERS:
        return _is_number(cells)
    if role == "propensity":
        return _is_number(cells) and bool(as_number(known).is_between(0, 1).all())
    if role == "type":
        return 0 < known.n_unique() <= 50
    return True


def _is_number(cells: pl.Series) -> bool:
    known = cells.drop_nulls()
    return cells.dtype.is_numeric() or (
        cells.dtype == pl.String and not known.is_empty() and as_number(known).count() > 0.9 * known.len()
    )


def unit_of(cells: pl.Series) -> TimeUnit:
    """What a time column counts, from a sample of it."""
    if cells.dtype.is_temporal() or not _is_number(cells):
        return TimeUnit.AUTO
    numbers = as_number(cells).drop_nulls()
    if numbers.is_between(19_700_101, 21_001_231).all():
        return TimeUnit.AUTO
    return guess_unit(numbers) or TimeUnit.ORDER


def plain(name: str) -> str:
    """A name without capitals, marks and what follows a colon (`user_id:token`)."""
    return re.sub(r"[\W_]+", "", name.partition(":")[0]).lower()
