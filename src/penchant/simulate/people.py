# SPDX-License-Identifier: Apache-2.0
"""The users: what they like and how that drifts, what they can be told by, when they joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import tastes, words
from penchant.simulate.streams import Lottery, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import ShopConfig

GROUPS = 8
"""Groups of like taste. A group is told, in part, by age, gender and region."""

_COMMON = 0.75
"""How much of a taste is the group's; the rest of a unit vector is the user's own."""
_OLD = 0.5
"""Share of users who joined before the first day."""


@dataclass(frozen=True, kw_only=True)
class People:
    """Users by row, in the order in which they joined; row 0 has the id 1.

    Attributes:
        group: [users].
        taste: on day 0, unit vectors, [users, SIZE].
        towards: what it turns towards, at right angles to it, [users, SIZE].
        turn: radians a day, [users].
        sensitivity: to prices; 1 is ordinary, [users].
        activity: how often they come, against others, [users].
        joined: day; negative before the first, never falling, [users].
        age: in years, [users].
        gender: code, [users].
        region: code, [users].
        device: code of the one that they mostly use, [users].
    """

    group: NDArray[np.int8]
    taste: NDArray[np.float32]
    towards: NDArray[np.float32]
    turn: NDArray[np.float32]
    sensitivity: NDArray[np.float32]
    activity: NDArray[np.float32]
    joined: NDArray[np.int32]
    age: NDArray[np.int16]
    gender: NDArray[np.int8]
    region: NDArray[np.int8]
    device: NDArray[np.int8]

    def tastes(self, rows: NDArray[np.integer], days: NDArray[np.integer] | int) -> NDArray[np.float32]:
        """What the users of these rows like on these days, unit vectors [n, SIZE]."""
        return tastes.turned(self.taste[rows], self.towards[rows], self.turn[rows] * days)


def draw_people(config: ShopConfig, known: tastes.Vectors) -> People:
    """All users of a shop.

    Args:
        config: how many, and how fast tastes drift.
        known: the vectors of attributes: each group likes some of them.
    """
    count = config.users
    random = stream(config.seed, "people")
    favourites = [vectors[random.integers(0, len(vectors), GROUPS)] for vectors in known.values()]
    centres = tastes.unit(np.sum(favourites, axis=0, dtype=np.float32))
    group = random.integers(0, GROUPS, count, np.int8)
    own = tastes.unit(random.standard_normal((count, tastes.SIZE), np.float32))
    own *= np.float32(np.sqrt(1 - _COMMON**2))
    own += np.float32(_COMMON) * centres[group]
    taste = tastes.unit(own)
    other = (group + random.integers(1, GROUPS, count, np.int8)) % GROUPS
    aim = centres[other] + np.float32(0.3) * random.standard_normal((count, tastes.SIZE), np.float32)
    # The mean of a half-normal is sqrt(2 / pi).
    turn = np.abs(random.standard_normal(count, np.float32)) * (config.habits.drift / 365 * np.sqrt(np.pi / 2))
    age = np.clip(22 + 6 * group + 8 * random.standard_normal(count), 16, 90).astype(np.int16)
    sensitivity = np.exp(0.45 * random.standard_normal(count, np.float32) - (age - 43) / 60.0)
    return People(
        group=group,
        taste=taste,
        towards=tastes.at_right_angles(aim, taste),
        turn=turn.astype(np.float32),
        sensitivity=sensitivity.astype(np.float32),
        activity=np.exp(0.9 * random.standard_normal(count, np.float32)),
        joined=_joined(config, random),
        age=age,
        gender=_by_group(random, group, len(words.GENDERS), (6.0, 6.0, 0.5)),
        region=_by_group(random, group, len(words.REGIONS), (1.0,) * len(words.REGIONS)),
        device=_devices(random, age),
    )


def _joined(config: ShopConfig, random: np.random.Generator) -> NDArray[np.int32]:
    old = random.random(config.users) < _OLD
    before = -random.integers(1, 1000, config.users)
    during = random.integers(0, config.days, config.users)
    joined = np.sort(np.where(old, before, during)).astype(np.int32)
    joined[0] = min(int(joined[0]), -1)  # somebody is there on the first day
    return joined


def _by_group(
    random: np.random.Generator, group: NDArray[np.int8], values: int, weights: tuple[float, ...]
) -> NDArray[np.int8]:
    """Codes whose frequencies differ from group to group: what a group is told by."""
    shares = random.dirichlet(np.asarray(weights) * 0.6, GROUPS)
    bounds = np.cumsum(shares, axis=1)[group]
    code = (random.random(len(group))[:, None] >= bounds).sum(axis=1)
    codes: NDArray[np.int8] = np.minimum(code, values - 1).astype(np.int8)
    return codes


def _devices(random: np.random.Generator, age: NDArray[np.int16]) -> NDArray[np.int8]:
    """The young have phones."""
    weights = Lottery(np.array([5.0, 3.0, 2.0]))
    lot = random.random(len(age)) * np.clip(age / 50, 0.4, 1.6)
    return weights.draw(np.minimum(lot, 0.999)).astype(np.int8)
