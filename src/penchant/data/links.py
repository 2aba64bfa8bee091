# SPDX-License-Identifier: Apache-2.0
"""The tables of reviews and of friends on their way in: each row refers to users and items that must be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.checks import AT
from penchant.data.reading import find_files
from penchant.data.sieve import Check, Sieve, id_checks, number_check, time_checks
from penchant.data.source import Source, read_table
from penchant.data.times import TimeUnit, time_of
from penchant.data.values import blank, given, id_of, integers, number_of, text_of
from penchant.schema import FRIEND, ITEM, RATING, REVIEW_COLUMNS, SOCIAL_COLUMNS, TEXT, TIME, USER, WEIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from penchant.data.checks import ChecksConfig
    from penchant.data.config import ReviewsConfig, SocialConfig
    from penchant.data.source import Scratch

_SAMPLE = 1_000_000
_GIVEN = "_given "


@dataclass(frozen=True, kw_only=True)
class Links:
    """Rows that refer to users and items.

    Attributes:
        sieve: what remembers the rows that fell.
        rows: the canonical columns; sorted by time, ties in the source's order.
    """

    sieve: Sieve
    rows: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How links are read.

    Attributes:
        base: the folder that paths are relative to.
        now: what counts as the present.
        limits: when a table is refused as a whole.
        scratch: where large text files are put.
        known: for USER and ITEM all ids that may be referred to, as they are stored.
    """

    base: Path
    now: datetime
    limits: ChecksConfig
    scratch: Scratch
    known: Mapping[str, pl.Series]


def read_reviews(config: ReviewsConfig, how: Reading) -> Links:
    """What people wrote of items; `time` is null where the source has none.

    Raises:
        DataError: a file cannot be read, or more rows are bad than the limits allow.
    """
    keys = {config.user_id: "user_id", config.item_id: "item_id", config.text: "text", config.rating: "rating"}
    source = _source("reviews", config, keys, how)
    words = pl.lit(None, pl.String)
    if config.text:
        text = text_of(config.text, source.kinds[config.text])
        words = pl.when(~blank(text)).then(text)
    cells = [
        *_id(source, config.user_id, USER, how.known[USER]),
        *_id(source, config.item_id, ITEM, how.known[ITEM]),
        words.alias(TEXT),
        *_number(source, config.rating, RATING, None),
    ]
    silent = pl.col(TEXT).is_null() & pl.col(RATING).is_null()
    checks = [
        *id_checks(f"_id {USER}", config.user_id, source.kinds[config.user_id]),
        *id_checks(f"_id {ITEM}", config.item_id, source.kinds[config.item_id]),
        *([number_check(RATING, config.rating, f"{_GIVEN}{RATING}")] if config.rating else []),
        Check(name="review_empty", column=None, reason="neither a text nor a rating", broken=silent),
    ]
    asked = {USER: (config.user_id, USER), ITEM: (config.item_id, ITEM)}
    return _sifted(source, config, cells, checks, asked, how, REVIEW_COLUMNS)


def read_social(config: SocialConfig, how: Reading) -> Links:
    """Who is whose friend: one row for each direction that the source names.

    Raises:
        DataError: a file cannot be read, or more rows are bad than the limits allow.
    """
    keys = {config.user_id: "user_id", config.friend_id: "friend_id", config.weight: "weight"}
    source = _source("social", config, keys, how)
    cells = [
        *_id(source, config.user_id, USER, how.known[USER]),
        *_id(source, config.friend_id, FRIEND, how.known[USER]),
        *_number(source, config.weight, WEIGHT, 1.0),
    ]
    own = pl.col(USER) == pl.col(FRIEND)
    checks = [
        *id_checks(f"_id {USER}", config.user_id, source.kinds[config.user_id]),
        *id_checks(f"_id {FRIEND}", config.friend_id, source.kinds[config.friend_id]),
        *([number_check(WEIGHT, config.weight, f"{_GIVEN}{WEIGHT}")] if config.weight else []),
        Check(name="weight_negative", column=config.weight, reason="this is negative", broken=pl.col(WEIGHT) < 0),
        Check(name="own_friend", column=None, reason="this user and the friend are one", broken=own),
    ]
    asked = {USER: (config.user_id, USER), FRIEND: (config.friend_id, USER)}
    return _sifted(source, config, cells, checks, asked, how, SOCIAL_COLUMNS)


def _source(
    table: str, config: ReviewsConfig | SocialConfig, keys: Mapping[str | None, str], how: Reading
) -> Source:
    named = {**keys, config.time: "time"}
    columns = {column: f"[data.{table}] {key}" for column, key in named.items() if column}
    return read_table(table, find_files(config.path, how.base), columns, config.separator, how.scratch)


def _id(source: Source, column: str, name: str, known: pl.Series) -> list[pl.Expr]:
    """An id as the other tables store it, null where it cannot be one of theirs; and as the source has it."""
    cell = id_of(column, source.kinds[column])
    if known.dtype == pl.String:
        return [cell.cast(pl.String).alias(name), cell.alias(f"_id {name}")]
    whole = cell if integers(source.kinds[column]) else _whole(cell)
    return [whole.alias(name), cell.alias(f"_id {name}")]


def _whole(text: pl.Expr) -> pl.Expr:
    number = text.cast(pl.Int64, strict=False)
    return pl.when(number.cast(pl.String) == text).then(number)


def _number(source: Source, column: str | None, name: str, default: float | None) -> list[pl.Expr]:
    if column is None:
        return [pl.lit(default, pl.Float64).alias(name)]
    kind = source.kinds[column]
    held = given(column, kind)
    number = number_of(column, kind)
    filled = number if default is None else pl.when(held).then(number).otherwise(default)
    return [filled.alias(name), held.alias(f"{_GIVEN}{name}")]


def _sifted(
    source: Source,
    config: ReviewsConfig | SocialConfig,
    cells: list[pl.Expr],
    checks: list[Check],
    asked: Mapping[str, tuple[str, str]],
    how: Reading,
    columns: tuple[str, ...],
) -> Links:
    """The rows that are left: first of the checks, then of those that refer to what is known."""
    time = pl.lit(None, pl.Int64)
    if config.time:
        time = time_of(source.sample(config.time, _SAMPLE), config.time_unit, config.time_format)
        checks = [*checks, *time_checks(config.time, how.now, clock=config.time_unit is not TimeUnit.ORDER)]
    rows = source.collect(source.numbered().select(AT, *cells, time.alias(TIME)))
    sieve = Sieve(source)
    left, _ = sieve.sift(rows.lazy(), checks)
    rows = (rows if left is None else rows.filter(left)).select(AT, *columns)
    for name, (column, table) in asked.items():
        known = how.known[table].alias(name).to_frame()
        unknown = rows.join(known, on=name, how="anti", maintain_order="left", nulls_equal=False)
        words = pl.format("column '{}': no other table knows this id", pl.lit(column))
        sieve.fall(f"{name}_unknown", unknown.select(AT, words.alias("reason")))
        rows = rows.join(unknown, on=AT, how="anti", maintain_order="left")
    sieve.limit(how.limits.max_bad_fraction)
    again = rows.filter(~pl.struct(columns).is_first_distinct())
    sieve.fall("duplicate", again.select(AT, pl.lit("an earlier row is the same").alias("reason")))
    rows = rows.join(again, on=AT, how="anti", maintain_order="left")
    return Links(sieve=sieve, rows=rows.sort(TIME, AT).drop(AT).select(columns))
