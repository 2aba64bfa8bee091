# SPDX-License-Identifier: Apache-2.0
"""The columns of the event log, and how rows of it are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.schema import (
    AMOUNT,
    DWELL,
    ITEM,
    MICROSECONDS,
    POSITION,
    PROPENSITY,
    QUANTITY,
    SESSION,
    TIME,
    TYPE,
    USER,
)
from penchant.simulate import words
from penchant.simulate.policy import PAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.lists import Shown

DEVICE, PAGE, DISCOUNT = "device", "page", "discount"
CONTEXT = (DEVICE, PAGE, DISCOUNT)
"""What is known when an event begins: device, page, and the discount on the item at that moment."""

COLUMNS: dict[str, pl.DataType] = {
    USER: pl.Int64(),
    ITEM: pl.Int64(),
    TIME: pl.Int64(),
    TYPE: pl.UInt8(),
    DWELL: pl.Float64(),
    AMOUNT: pl.Float64(),
    QUANTITY: pl.Float64(),
    SESSION: pl.Int64(),
    POSITION: pl.Int64(),
    PROPENSITY: pl.Float64(),
    DEVICE: pl.UInt8(),
    PAGE: pl.UInt8(),
    DISCOUNT: pl.Float64(),
}
"""The event log while it is made, with codes for names."""
NAMES = {TYPE: words.TYPES, DEVICE: words.DEVICES, PAGE: PAGES}
"""What the codes stand for."""


def rows(
    kind: str, shown: Shown, which: NDArray[np.integer], times: NDArray[np.int64], **more: NDArray[np.generic]
) -> pl.DataFrame:
    """Rows of the log, all of one type.

    Args:
        kind: the type.
        shown: the places that were shown.
        which: the place that each row is about, [n].
        times: microseconds since 1970 UTC, [n].
        more: further columns, [n] each; those of `COLUMNS` that are named nowhere are null.
    """
    place, at = shown.place[which], shown.visit[which]
    columns = {
        USER: shown.visits.user[at] + 1,
        ITEM: shown.id[which],
        TIME: times,
        SESSION: shown.first_session + at,
        POSITION: place + 1 if kind in ("impression", "click") else None,
        DEVICE: shown.visits.device[at],
        PAGE: shown.page[which],
        DISCOUNT: shown.discount[which],
    } | more
    made = {
        name: pl.Series(name, columns[name]).cast(dtype)
        for name, dtype in COLUMNS.items()
        if columns.get(name) is not None
    }
    nulls = [
        pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items() if name not in made and name != TYPE
    ]
    return (
        pl.DataFrame(made)
        .with_columns(pl.lit(words.TYPES.index(kind), COLUMNS[TYPE]).alias(TYPE), *nulls)
        .select(*COLUMNS)
    )


def ticks(seconds: NDArray[np.float64], midnight: int) -> NDArray[np.int64]:
    """Seconds since `midnight` as times (microseconds since 1970 UTC), in whole milliseconds as in web logs."""
    return midnight + (seconds * 1000).astype(np.int64) * (MICROSECONDS // 1000)


def written(events: pl.DataFrame) -> pl.DataFrame:
    """The log as it is stored: times are datetimes in UTC, and codes are names."""
    names = [pl.Series(values).gather(events[name]).alias(name) for name, values in NAMES.items()]
    return events.with_columns(pl.col(TIME).cast(pl.Datetime("us", "UTC")), *names)
