# SPDX-License-Identifier: Apache-2.0
"""Columns of an events table beyond the canonical five, as the service takes them and the event log keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.schema import AMOUNT, DWELL, QUANTITY, Kind

if TYPE_CHECKING:
    from penchant.schema import Schema

_STORED: dict[Kind, pl.DataType] = {
    Kind.NUMBER: pl.Float64(),
    Kind.TIME: pl.Int64(),
    Kind.TAGS: pl.List(pl.String),
}


def more_columns(schema: Schema) -> dict[str, pl.DataType]:
    """By name: what an event may say of itself beyond who, what, when, how and how much."""
    numbers: dict[str, pl.DataType] = dict.fromkeys((DWELL, AMOUNT, QUANTITY), pl.Float64())
    return numbers | {name: _STORED.get(column.kind, pl.String()) for name, column in schema.context.items()}
