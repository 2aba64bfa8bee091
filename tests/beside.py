# SPDX-License-Identifier: Apache-2.0
"""The checkerboard with friends, and with reviews written soon after, at the same moment and too early."""

import numpy as np
import polars as pl

import worlds
from penchant.data.dataset import Dataset
from penchant.schema import FRIEND, ITEM, RATING, TEXT, TIME, USER, WEIGHT


def dataset(*, has_time=True, timeless=False):
    """Events with ties in time; half of them are reviewed; each user follows three others, some from a time on."""
    data = worlds.checkerboard()
    random = np.random.default_rng(1)
    step = 3 * worlds.MINUTE
    events = data.events.with_columns(pl.col(TIME) // step * step)
    some = events.filter(pl.Series(random.random(events.height) < 0.5))
    late = random.integers(-2, 40, some.height) * step
    stars = [None if star == 0 else float(star) for star in random.integers(0, 6, some.height).tolist()]
    reviews = pl.DataFrame(
        {
            USER: some[USER],
            ITEM: some[ITEM],
            TIME: pl.Series([None] * some.height, dtype=pl.Int64) if timeless else some[TIME] + late,
            TEXT: ["words"] * some.height,
            RATING: pl.Series(stars, dtype=pl.Float64),
        }
    )
    who = np.repeat(np.arange(worlds.USERS), 3)
    since = [
        None if age > 100 else worlds.START + age * step for age in random.integers(0, 200, len(who)).tolist()
    ]
    social = pl.DataFrame(
        {
            USER: who + 100,
            FRIEND: random.integers(0, worlds.USERS, len(who)) + 100,
            WEIGHT: random.random(len(who)) + 0.1,
            TIME: pl.Series(since, dtype=pl.Int64),
        }
    )
    return Dataset(
        name="board",
        schema=worlds.schema(has_time=has_time),
        events=events,
        items=data.items,
        users=data.users,
        reviews=reviews,
        social=social,
    )


def before(reviews, time):
    """The reviews that were written before `time`."""
    return reviews.filter(pl.col(TIME) < time)
