# SPDX-License-Identifier: Apache-2.0
"""Who is friends with whom, and how a friend's purchase draws one's taste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import tastes
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import Habits, ShopConfig

LONGEST_PULL = 0.8
"""Friends together draw a taste, which has length 1, no farther than this."""
_RESCALE = 20.0
"""Stored pulls are made anew before e to this power could cost precision."""


@dataclass(frozen=True, kw_only=True)
class Friends:
    """Friendships, each from both sides, ordered by user.

    Attributes:
        start: where the friends of each user begin, [users + 1].
        friend: rows of users, [friendships].
        weight: closeness, 0.2 to 1, [friendships].
    """

    start: NDArray[np.int64]
    friend: NDArray[np.int32]
    weight: NDArray[np.float32]

    def of(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All friendships of these users.

        Returns:
            which of `rows` each is of, and its place in `friend` and `weight`.
        """
        return spread(self.start, rows)


def spread(start: NDArray[np.int64], rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All entries of some rows of a table that is sorted by row.

    Args:
        start: where the entries of each row begin, and where the last one's end, [rows of the table + 1].
        rows: which are wanted, [n].

    Returns:
        which of `rows` each entry is of, and its place in the table.
    """
    counts = start[rows + 1] - start[rows]
    asked = np.repeat(np.arange(len(rows)), counts)
    before = np.cumsum(counts) - counts
    return asked, np.arange(len(asked)) + (start[rows] - before)[asked]


def summed(
    rows: NDArray[np.integer], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
    """The vectors of equal rows, added up.

    Args:
        rows: never falling, [n].
        vectors: [n, SIZE].

    Returns:
        the different rows, and the sum of each.
    """
    if len(rows) == 0:
        return rows, vectors
    first = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    return rows[first], np.add.reduceat(vectors, first)


def draw_friends(config: ShopConfig, group: NDArray[np.int8]) -> Friends:
    """The social graph: most friendships are made within a group of like taste.

    Args:
        config: how many friends somebody has, and how alike they are.
        group: of each user.
    """
    count, random = config.users, stream(config.seed, "friends")
    pairs = round(count * config.habits.friends / 2)
    left = random.integers(0, count, pairs)
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group, minlength=int(group.max()) + 1)
    first = np.cumsum(sizes) - sizes
    within = order[first[group[left]] + (random.random(pairs) * sizes[group[left]]).astype(np.int64)]
    right = np.where(random.random(pairs) < config.habits.homophily, within, random.integers(0, count, pairs))
    low, high = np.minimum(left, right), np.maximum(left, right)
    low, high = np.divmod(np.unique((low * count + high)[low != high]), count)
    weight = random.uniform(0.2, 1.0, len(low)).astype(np.float32).round(2)
    return both_sides(low, high, weight, count)


def both_sides(
    left: NDArray[np.int64], right: NDArray[np.int64], weight: NDArray[np.float32], users: int
) -> Friends:
    """Friendships that are told once, as `Friends`."""
    whose = np.concatenate([left, right])
    order = np.argsort(whose, kind="stable")
    start = np.zeros(users + 1, np.int64)
    np.cumsum(np.bincount(whose, minlength=users), out=start[1:])
    return Friends(
        start=start,
        friend=np.concatenate([right, left])[order].astype(np.int32),
        weight=np.concatenate([weight, weight])[order],
    )


class Pull:
    """How far each user's taste is drawn by what friends bought, fading day by day.

    A pull is stored as it would have to have been on day 0 to be what it is now, so that a day costs only what was
    bought on it, however many users there are.

    Args:
        friends: the graph.
        habits: how strong the pull is, and how fast it fades.
    """

    def __init__(self, friends: Friends, habits: Habits) -> None:
        self._friends, self._habits = friends, habits
        self._base = 0
        self._stored = np.zeros((len(friends.start) - 1, tastes.SIZE), np.float32)

    def of(self, rows: NDArray[np.integer], day: int) -> NDArray[np.float32]:
        """The pull on these users on a day, [n, SIZE], at most `LONGEST_PULL` long."""
        return shortened(self._stored[rows] * np.float32(self._fade(day)))

    def bought(self, rows: NDArray[np.integer], vectors: NDArray[np.float32], day: int) -> None:
        """Let friends know, from the next day on.

        Args:
            rows: who bought, [n].
            vectors: of what they bought, [n, SIZE].
            day: on which.
        """
        if day - self._base > _RESCALE * self._habits.friend_days:
            self._stored *= np.float32(self._fade(day))
            self._base = day
        purchase, place = self._friends.of(rows)
        whom = self._friends.friend[place]
        order = np.argsort(whom, kind="stable")
        whom = whom[order]
        strength = self._friends.weight[place][order] * np.float32(self._habits.friend_effect / self._fade(day))
        drawn, pulls = summed(whom, vectors[purchase[order]] * strength[:, None])
        self._stored[drawn] += pulls

    def _fade(self, day: int) -> float:
        return float(np.exp(-(day - self._base) / self._habits.friend_days))


def shortened(pulls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that are longer than `LONGEST_PULL`, at that length."""
    lengths = np.sqrt(tastes.match(pulls, pulls))
    return pulls * np.minimum(1, LONGEST_PULL / np.maximum(lengths, 1e-6)).astype(np.float32)[:, None]
