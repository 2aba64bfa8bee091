# SPDX-License-Identifier: Apache-2.0
"""The log of what was shown as a table that off-policy evaluation reads: each item with what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.schema import ITEM, TIME, TYPE, USER, VALUE
from penchant.serve.eventtable import MORE, NUMBER, REQUEST, TEXT
from penchant.serve.impressiontable import read_lists, read_seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.serve.eventlog import EventLog

POSITION, PROPENSITY, CLICK = "position", "propensity", "click"
_ROW = "_row"
_IDS = pl.List(pl.String)


def impressions(
    log: EventLog,
    *,
    types: Sequence[str] = (),
    window: int,
    since: int = 0,
    confirmed: bool = False,
) -> pl.DataFrame:
    """One row for each item that was shown.

    An event counts for the last impression of its item that came before it, at most `window` ago: that of the list
    that it names by `request_id`, or else one that was shown to the same user.

    Args:
        log: of the events; impressions lie in the same database.
        types: of events that count; empty for all.
        window: microseconds.
        since: only lists from this moment on, in microseconds since 1970.
        confirmed: only what was said to have been seen.

    Returns:
        request_id, time (microseconds), user_id and item_id (as text), position (from 1), propensity, bundle,
        experiment, variant, click (1 or 0), value (the sum of what the events say).
    """
    lists = read_lists(log.engine, since).with_columns(
        _id(USER).alias(USER), pl.col("items").str.json_decode(pl.List(pl.String)).alias("items")
    )
    # A request that was sent again was answered again, and shown once.
    lists = lists.unique(["request_id", USER, "items"], keep="first", maintain_order=True)
    propensities = pl.col("propensities").str.json_decode(pl.List(pl.Float64))
    certain = pl.lit(1.0).repeat_by(pl.col("items").list.len())
    shown = (
        lists.with_columns(
            propensities.fill_null(certain).alias(PROPENSITY),
            pl.int_ranges(1, pl.col("items").list.len() + 1).alias(POSITION),
        )
        .select("request_id", TIME, USER, "items", POSITION, PROPENSITY, "bundle", "experiment", "variant")
        .explode("items", POSITION, PROPENSITY)
        .drop_nulls("items")
        .rename({"items": ITEM})
    )
    if confirmed:
        shown = _seen(shown, read_seen(log.engine, since))
    shown = shown.with_row_index(_ROW)
    found = _credited(shown, _events(log, types, since), window)
    return (
        shown.join(found, on=_ROW, how="left", maintain_order="left")
        .with_columns(pl.col(CLICK).fill_null(0), pl.col(VALUE).fill_null(0.0))
        .drop(_ROW)
    )


def _seen(shown: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    whole = seen.filter(pl.col("items").is_null()).select("request_id").unique()
    single = (
        seen.drop_nulls("items")
        .select("request_id", pl.col("items").str.json_decode(_IDS).alias(ITEM))
        .explode(ITEM)
        .unique()
    )
    all_of_it = pl.col("request_id").is_in(whole["request_id"].implode())
    rest = shown.filter(~all_of_it).join(single, on=["request_id", ITEM], how="semi")
    return pl.concat([shown.filter(all_of_it), rest]).sort(TIME, "request_id", POSITION)


def _events(log: EventLog, types: Sequence[str], since: int) -> pl.DataFrame:
    wanted = pl.col(TYPE).is_in(list(types)) if types else pl.lit(value=True)
    named = pl.Struct([pl.Field(REQUEST, pl.String())])
    parts = [
        frame.filter((pl.col(TIME) >= since) & wanted).select(
            _id(USER).alias(USER),
            _id(ITEM).alias(ITEM),
            TIME,
            VALUE,
            pl.col(MORE).str.json_decode(named).struct.field(REQUEST).alias(REQUEST),
        )
        for frame in log.replay()
    ]
    kinds = {USER: pl.String(), ITEM: pl.String(), TIME: pl.Int64(), VALUE: pl.Float64(), REQUEST: pl.String()}
    return pl.concat([pl.DataFrame(schema=kinds), *parts])


def _credited(shown: pl.DataFrame, events: pl.DataFrame, window: int) -> pl.DataFrame:
    """[rows with an event]: `_row`, whether there was one, and the sum of their values."""
    named = _before(events.drop_nulls(REQUEST), shown.rename({"request_id": REQUEST}), [REQUEST, ITEM], window)
    by_user = _before(events.filter(pl.col(REQUEST).is_null()), shown.drop_nulls(USER), [USER, ITEM], window)
    return (
        pl.concat([named, by_user])
        .group_by(_ROW)
        .agg(pl.lit(1, pl.Int64).first().alias(CLICK), pl.col(VALUE).sum())
    )


def _before(events: pl.DataFrame, shown: pl.DataFrame, by: list[str], window: int) -> pl.DataFrame:
    """The impression that each event counts for, where there is one."""
    right = shown.select(*by, TIME, _ROW).sort(TIME)
    left = events.select(*by, TIME, VALUE).sort(TIME)
    joined = left.join_asof(right, on=TIME, by=by, strategy="backward", tolerance=window, check_sortedness=False)
    return joined.drop_nulls(_ROW).select(_ROW, VALUE)


def _id(name: str) -> pl.Expr:
    """An id as text, as the JSON of a list holds it once it is read as text."""
    return pl.coalesce(pl.col(name + NUMBER).cast(pl.String), pl.col(name + TEXT))
