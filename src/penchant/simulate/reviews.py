# SPDX-License-Identifier: Apache-2.0
"""Reviews: some purchases are reviewed, days later, in words that fit the stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.schema import ITEM, RATING, TEXT, TIME, USER
from penchant.simulate import behaviour, words
from penchant.simulate.seasons import DAY_TICKS
from penchant.simulate.tastes import ATTRIBUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import Habits
    from penchant.simulate.funnel import Bought
    from penchant.simulate.streams import Streams
    from penchant.simulate.things import Things

_DAYS = (1.0, 21.0)
_COLUMNS = {USER: pl.Int64(), ITEM: pl.Int64(), TIME: pl.Int64(), TEXT: pl.String(), RATING: pl.Float64()}


def write_reviews(bought: Bought, *, things: Things, habits: Habits, streams: Streams) -> pl.DataFrame:
    """The reviews of some purchases: user_id, item_id, time (microseconds since 1970 UTC), text, rating.

    Args:
        bought: purchases of one day.
        things: the items.
        habits: how often people review.
        streams: of the day.
    """
    which = streams["reviewed"].random(len(bought.user)) < habits.review_share
    some = bought.select(which)
    count = len(some.user)
    stars = behaviour.stars(
        some.affinity, things.quality[some.item], streams["stars"].standard_normal(count, np.float32)
    )
    delay = streams["review moment"].uniform(*_DAYS, count)
    return pl.DataFrame(
        {
            USER: some.user + 1,
            ITEM: things.id[some.item],
            TIME: some.time + (delay * DAY_TICKS).astype(np.int64) // 1000 * 1000,
            TEXT: _texts(some.item, stars, things, streams),
            RATING: stars.astype(np.float64),
        },
        schema=_COLUMNS,
    )


def no_reviews() -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema=_COLUMNS)


def _texts(item: NDArray[np.int64], stars: NDArray[np.int64], things: Things, streams: Streams) -> pl.Series:
    """What was written of each item: an opening, and a remark on its material, its theme or its colour."""
    openings, remarks = np.array(words.OPENINGS), np.array(words.REMARKS)
    opening = streams["opening"].integers(0, openings.shape[1], len(item))
    subject = streams["remark"].integers(0, remarks.shape[1], len(item))
    told = [np.array(ATTRIBUTES[name][0])[things.codes[name][item]] for name in words.REMARKED]
    table = pl.DataFrame(
        {
            "opening": openings[stars - 1, opening],
            "noun": np.array(words.CATEGORIES)[things.category[item]],
            "remark": remarks[stars - 1, subject],
            "what": np.choose(subject, told),
        },
        schema=dict.fromkeys(("opening", "noun", "remark", "what"), pl.String),
    )
    return table.select(
        pl.concat_str(
            pl.col("opening").str.replace("{}", pl.col("noun"), literal=True),
            pl.lit(" "),
            pl.col("remark").str.replace("{}", pl.col("what"), literal=True),
        ).alias(TEXT)
    )[TEXT]
