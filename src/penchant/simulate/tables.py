# SPDX-License-Identifier: Apache-2.0
"""The tables beside the events: what a shop would know of its items, users and friendships, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.schema import FRIEND, ITEM, USER, WEIGHT
from penchant.simulate import words
from penchant.simulate.streams import stream
from penchant.simulate.texts import item_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.world import World

AGE_MISSING, GENDER_MISSING = 0.1, 0.15
"""Shares of users who did not say, on purpose."""


def item_table(world: World, pictures: NDArray[np.int64], sounds: NDArray[np.int64]) -> pl.DataFrame:
    """The items, by id.

    Args:
        world: the shop.
        pictures: rows of items that have one.
        sounds: rows of items that have one.
    """
    things = world.things
    table = item_texts(things, world.config.seed).with_columns(
        pl.Series(ITEM, things.id),
        pl.Series("category", words.CATEGORIES).gather(things.category),
        pl.Series("price", things.price),
        pl.format("seller-{}", pl.Series("seller", things.seller)).alias("seller"),
        _days(world, things.launched, "launched"),
    )
    for name, rows, ending in (("picture", pictures, "jpg"), ("sound", sounds, "wav")):
        if len(rows):
            has = np.isin(np.arange(table.height), rows)
            path = pl.format(f"{name}s/{{}}.{ending}", ITEM)
            table = table.with_columns(pl.when(pl.Series(has)).then(path).alias(name))
    order = (ITEM, "title", "description", "category", "tags", "price", "seller", "launched")
    return table.select(*order, *(name for name in ("picture", "sound") if name in table.columns)).sort(ITEM)


def user_table(world: World) -> pl.DataFrame:
    """The users, by id."""
    people, random = world.people, stream(world.config.seed, "silence")
    count = len(people.group)
    quiet = random.random(count) < AGE_MISSING, random.random(count) < GENDER_MISSING
    return pl.DataFrame(
        {
            USER: np.arange(1, count + 1),
            "age": people.age.astype(np.int64),
            "gender": pl.Series(words.GENDERS).gather(people.gender),
            "region": pl.Series(words.REGIONS).gather(people.region),
        }
    ).with_columns(
        pl.when(~pl.Series(quiet[0])).then("age").alias("age"),
        pl.when(~pl.Series(quiet[1])).then("gender").alias("gender"),
        _days(world, people.joined, "joined"),
    )


def social_table(world: World) -> pl.DataFrame:
    """The friendships, each from both sides."""
    friends = world.friends
    return pl.DataFrame(
        {
            USER: np.repeat(np.arange(1, len(friends.start)), np.diff(friends.start)),
            FRIEND: friends.friend.astype(np.int64) + 1,
            WEIGHT: friends.weight.astype(np.float64).round(2),
        }
    )


def _days(world: World, days: NDArray[np.int32], name: str) -> pl.Series:
    begin = world.calendar.begin(0) + days.astype(np.int64) * (world.calendar.begin(1) - world.calendar.begin(0))
    return pl.Series(name, begin).cast(pl.Datetime("us", "UTC"))
