# SPDX-License-Identifier: Apache-2.0
"""Whole users or whole items held out: which part each event belongs to.

Who is held out is drawn once, from the distinct ids in ascending order, and so depends on the ids and the seed
alone, not on the order of a file. Time plays no part in it: a held-out user is asked about by models that
learned from what others did later. That is the price of asking about users that training never saw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.errors import DataError
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from penchant.data.splits import SplitConfig

GIVEN = {"validation": "validation_given", "test": "test_given"}
"""The part whose users are asked about -> the part with what is given of them beforehand."""

_PART = "_part"


def by_users(events: pl.DataFrame, config: SplitConfig) -> pl.Series:
    """Strong generalisation and cold users: held-out users are split into what is given and what is hidden.

    Args:
        events: sorted by time.
        config: `validation` and `test` are shares of the users.

    Returns:
        the part of each event: "train", "validation_given", "validation", "test_given" or "test".
    """
    table = events.select(USER).with_columns(_held_out(events, USER, config))
    count, place = pl.len().over(USER), pl.int_range(pl.len()).over(USER)
    if config.draw == "random":
        draws = np.random.default_rng((config.seed, 1)).random(events.height)
        table = table.with_columns(pl.Series("_draw", draws))
        place = pl.col("_draw").rank("ordinal").over(USER).cast(pl.Int64) - 1
    if config.kind == "cold_users":
        given = place < config.given_events
    else:
        # The small term keeps what is 4 of 5 in decimals from being 5 of 5 in binary; one is always to be found.
        given = place < pl.min_horizontal((count * config.given - 1e-9).ceil(), count - 1)
    named = pl.col(_PART).replace_strict(GIVEN, default=None, return_dtype=pl.String)
    return table.select(pl.when(given & named.is_not_null()).then(named).otherwise(_PART)).to_series()


def by_items(events: pl.DataFrame, config: SplitConfig) -> pl.Series:
    """Cold items: every event of a held-out item is hidden, the rest is train.

    Args:
        events: the events.
        config: `validation` and `test` are shares of the items.
    """
    return _held_out(events, ITEM, config)


def _held_out(events: pl.DataFrame, column: str, config: SplitConfig) -> pl.Series:
    """The part of each event, by the user or item that it is of."""
    ids = events[column].unique().sort()
    sizes = [int(len(ids) * share + 1e-9) for share in (config.test, config.validation)]
    for name, size, share in zip(("test", "validation"), sizes, (config.test, config.validation), strict=True):
        if share and not size:
            raise DataError(f"[data.split]: {name} = {share} of {len(ids)} ids of {column} is none; hold out more")
    parts = np.full(len(ids), "train", dtype=object)
    order = np.random.default_rng(config.seed).permutation(len(ids))
    parts[order[: sizes[0]]] = "test"
    parts[order[sizes[0] : sum(sizes)]] = "validation"
    table = pl.DataFrame({column: ids, _PART: pl.Series(parts.tolist(), dtype=pl.String)})
    return events.select(column).join(table, on=column, how="left", maintain_order="left")[_PART]
