# SPDX-License-Identifier: Apache-2.0
"""Sessions: a user's events, cut where nothing happened for a while.

No rule, as nothing falls: a column is derived.
"""

from __future__ import annotations

import polars as pl

from penchant.schema import MICROSECONDS, SESSION, TIME, USER

HALF_AN_HOUR = 1800.0
"""Seconds; the gap that web analytics commonly takes."""


def sessions(events: pl.LazyFrame, gap: float = HALF_AN_HOUR) -> pl.LazyFrame:
    """Number each user's sessions.

    A session's number says nothing of what comes later: it depends on the user's earlier events alone.

    Args:
        events: all events of each user in it, sorted by time; other columns pass through.
        gap: seconds without an event after which the next one begins a new session.

    Returns:
        the events in their order, with the column `session` (String): "1" for each user's first, and so on.
    """
    begins = (pl.col(TIME).diff() > round(gap * MICROSECONDS)).fill_null(value=False)
    number = (begins.cum_sum() + 1).over(USER)
    return events.with_columns(number.cast(pl.String).alias(SESSION))
