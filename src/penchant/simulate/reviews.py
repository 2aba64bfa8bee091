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
_MIDDLES = (
    ("The {material} finish looks cheap", "It does not match the {theme} look at all", "The {colour} is off"),
    ("The {material} finish is so-so", "Hardly {theme}", "The {colour} is duller than I thought"),
    ("The {material} finish is fine", "A little {theme}", "The {colour} is as shown"),
    ("The {material} finish is lovely", "A nice {theme} touch", "The {colour} goes with everything"),
    ("The {material} finish is gorgeous", "So {theme}, exactly my taste", "I cannot get enough of that {colour}"),
)
"""By stars; one phrase for each of what a review can speak of."""
_SUBJECTS = ("material", "theme", "colour")
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
    """An opening, a phrase on one thing about the item, and the kind of the thing itself."""
    openings = np.array([words.OPENINGS[number] for number in sorted(words.OPENINGS)])
    first = openings[stars - 1, streams["opening"].integers(0, openings.shape[1], len(item))]
    subject = streams["subject"].integers(0, len(_SUBJECTS), len(item))
    phrase = np.array(_MIDDLES)[stars - 1, subject]
    values = np.choose(subject, [_named(name, item, things) for name in _SUBJECTS])
    table = pl.DataFrame(
        {"first": first, "phrase": phrase, "value": values, "noun": _named("category", item, things)},
        schema_overrides=dict.fromkeys(("first", "phrase", "value", "noun"), pl.String),
    )
    middle = pl.col("phrase").str.replace(r"\{\w+\}", pl.col("value"))
    return table.select(
        pl.concat_str(pl.col("first"), pl.lit(" "), middle, pl.lit(", for a "), pl.col("noun"), pl.lit(".")).alias(
            TEXT
        )
    )[TEXT]


def _named(attribute: str, item: NDArray[np.int64], things: Things) -> NDArray[np.str_]:
    return np.array(ATTRIBUTES[attribute][0])[things.codes[attribute][item]]
