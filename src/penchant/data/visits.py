# SPDX-License-Identifier: Apache-2.0
"""Cuts sessions over events that come part by part: what is carried on is each user's last time and number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.rules.gaps import sessions
from penchant.schema import MICROSECONDS, SESSION, TIME, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NUMBER = "number"
_LAST = "last"


def cut(parts: Iterable[pl.DataFrame], gap: float) -> Iterator[pl.DataFrame]:
    """The parts, with the column `session` as `gaps.sessions` gives it to all of them at once.

    Args:
        parts: one after the other in the order of time.
        gap: seconds without an event after which a user's next one begins a new session.
    """
    before: pl.DataFrame | None = None
    for part in parts:
        numbered = sessions(part.lazy(), gap).collect().with_columns(pl.col(SESSION).cast(pl.Int64))
        if before is not None:
            numbered = _carried(numbered, before, gap)
        state = numbered.group_by(USER).agg(pl.col(TIME).max().alias(_LAST), pl.col(SESSION).max().alias(_NUMBER))
        before = state if before is None else pl.concat([before, state]).unique(USER, keep="last")
        yield numbered.with_columns(pl.col(SESSION).cast(pl.String))


def _carried(part: pl.DataFrame, before: pl.DataFrame, gap: float) -> pl.DataFrame:
    """A part whose users' sessions go on where those of the parts before it ended."""
    known = part.group_by(USER).agg(pl.col(TIME).min().alias("first")).join(before, on=USER)
    new = (pl.col("first") - pl.col(_LAST) > round(gap * MICROSECONDS)).cast(pl.Int64)
    more = known.select(USER, (pl.col(_NUMBER) - 1 + new).alias("more"))
    joined = part.join(more, on=USER, how="left", maintain_order="left")
    return joined.with_columns(pl.col(SESSION) + pl.col("more").fill_null(0)).drop("more")
