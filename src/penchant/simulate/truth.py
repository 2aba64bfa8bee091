# SPDX-License-Identifier: Apache-2.0
"""The truth of a simulated shop: what each user would do with each item at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np
import polars as pl

from penchant.errors import DataError
from penchant.schema import ITEM, MICROSECONDS, TIME, TYPE, USER
from penchant.simulate import behaviour, tastes
from penchant.simulate.friends import shortened, spread, summed
from penchant.simulate.parts import ACTIONS
from penchant.simulate.records import SIMULATION, Record, read_friends, read_people, read_things
from penchant.simulate.seasons import Calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from penchant.simulate.friends import Friends
    from penchant.simulate.people import People
    from penchant.simulate.things import Things

    Ids = Sequence[int] | NDArray[np.integer] | pl.Series

_BLOCK = 2_000_000
"""Pairs of user and item that are looked at in one go."""
_LONG_AGO = 12
"""After so many times `friend_days` a friend's purchase has no pull left (e to the -12)."""
_NO_LISTS = pl.DataFrame(schema={USER: pl.Int64, ITEM: pl.Int64, "rank": pl.Int64, "probability": pl.Float64})


class Expected(NamedTuple):
    """Probabilities, [n] each, for items that are shown and looked at; 0 before an item's launch."""

    click: NDArray[np.float64]
    cart: NDArray[np.float64]
    """That it is clicked and put into the cart."""
    purchase: NDArray[np.float64]
    """That all of it happens: click, cart, purchase."""


@dataclass(frozen=True)
class Truth:
    """Answers from the folder that `simulate_shop` made.

    Attributes:
        folder: where it lies.
        record: its choices and sizes.
    """

    folder: Path
    record: Record

    @classmethod
    def open(cls, folder: Path | str) -> Truth:
        """Open a simulated shop.

        Raises:
            DataError: it is none, or was made by another version of the simulator.
        """
        path = Path(folder) / SIMULATION
        try:
            return cls(Path(folder), msgspec.json.decode(path.read_bytes(), type=Record))
        except FileNotFoundError:
            raise DataError(f"{folder} is no simulated shop: it has no {SIMULATION}") from None
        except msgspec.MsgspecError as error:
            raise DataError(f"{path} cannot be read: {error}") from None

    def expected(self, user_ids: Ids, item_ids: Ids, time: datetime | int) -> Expected:
        """How likely each user would click, or buy, the item beside them, were it shown and looked at.

        What friends bought before the day of `time` counts, as it did in the simulation.

        Args:
            user_ids: [n].
            item_ids: [n].
            time: when; a datetime (UTC where it has no zone) or microseconds since 1970 UTC.

        Raises:
            DataError: names an id that the shop does not have.
        """
        users = self._rows(user_ids, self.record.config.users, "user")
        items = self._item_rows[self._rows(item_ids, self.record.config.items, "item")]
        if len(users) != len(items):
            raise DataError(f"{len(users):,} users cannot be paired with {len(items):,} items")
        different, which = np.unique(users, return_inverse=True)
        day = self._day(time)
        affinity = tastes.match(self._tastes(different, day)[which], self._things.vector[items])
        return self._chances(affinity, self._people.sensitivity[users], items, day)

    def best(
        self,
        user_ids: Ids,
        time: datetime | int,
        k: int = 10,
        what: Literal["click", "cart", "purchase"] = "purchase",
    ) -> pl.DataFrame:
        """The lists of somebody who knows everything: nobody can recommend better.

        Args:
            user_ids: of whom.
            time: when, as in `expected`.
            k: length of a list, at least 1.
            what: which probability is to be highest.

        Returns:
            user_id, item_id, rank (from 1), probability; by user as they were asked, and rank.

        Raises:
            DataError: names an id that the shop does not have.
        """
        users, day = self._rows(user_ids, self.record.config.users, "user"), self._day(time)
        block = max(1, _BLOCK // len(self._things.id))
        lists = [_NO_LISTS]
        for first in range(0, len(users), block):
            some = users[first : first + block]
            affinity = self._tastes(some, day) @ self._things.vector.T
            sensitivity = self._people.sensitivity[some, None]
            chance = getattr(self._chances(affinity, sensitivity, np.arange(affinity.shape[1]), day), what)
            top = np.argsort(-chance, axis=1, kind="stable")[:, :k]
            found = {
                USER: np.repeat(some + 1, top.shape[1]),
                ITEM: self._things.id[top.ravel()],
                "rank": np.tile(np.arange(1, top.shape[1] + 1), len(some)),
                "probability": np.take_along_axis(chance, top, axis=1).ravel(),
            }
            lists.append(pl.DataFrame(found, schema=_NO_LISTS.schema))
        return pl.concat(lists)

    def look(self, positions: Sequence[int] | NDArray[np.integer]) -> NDArray[np.float64]:
        """The probability that somebody looks at each place of a list, by its position from 1."""
        return behaviour.look(self.record.config.habits, np.asarray(positions))

    def tastes(self, user_ids: Ids, time: datetime | int) -> NDArray[np.float32]:
        """What users like at a moment, the pull of their friends included: [n, SIZE].

        Raises:
            DataError: names an id that the shop does not have.
        """
        return self._tastes(self._rows(user_ids, self.record.config.users, "user"), self._day(time))

    def _chances(
        self, affinity: NDArray[np.float32], sensitivity: NDArray[np.float32], items: NDArray[np.int64], day: int
    ) -> Expected:
        """For arguments that are broadcast together; `items` are rows."""
        things, habits = self._things, self.record.config.habits
        discount = things.rebate[items] * self._calendar.sale(day)
        season = self._calendar.season(things.category[items], day)
        click = behaviour.click(habits, affinity, things.quality[items], season)
        wants = sensitivity, things.dearness(items, discount)
        click = click * (things.launched[items] <= day)
        cart = click * behaviour.cart(habits, affinity, *wants)
        return Expected(click, cart, cart * behaviour.purchase(habits, affinity, *wants))

    def _tastes(self, users: NDArray[np.int64], day: int) -> NDArray[np.float32]:
        return self._people.tastes(users, day) + self._pull(users, day)

    def _pull(self, users: NDArray[np.int64], day: int) -> NDArray[np.float32]:
        """What `friends.Pull` held on the morning of a day, from the log."""
        habits = self.record.config.habits
        bought = self._bought.filter(
            pl.col("day").is_between(day - _LONG_AGO * habits.friend_days, day, closed="left")
        )
        start = np.zeros(len(self._people.group) + 1, np.int64)
        np.cumsum(np.bincount(bought[USER], minlength=len(start) - 1), out=start[1:])
        asked, friendship = self._friends.of(users)
        of, purchase = spread(start, self._friends.friend[friendship])
        fade = np.exp(-(day - bought["day"].to_numpy()[purchase]) / habits.friend_days)
        strength = self._friends.weight[friendship[of]] * habits.friend_effect * fade
        vectors = self._things.vector[bought[ITEM].to_numpy()[purchase]] * strength[:, None].astype(np.float32)
        total = np.zeros((len(users), tastes.SIZE), np.float32)
        drawn, pulls = summed(asked[of], vectors)
        total[drawn] = pulls
        return shortened(total)

    def _day(self, time: datetime | int) -> int:
        if isinstance(time, datetime):
            time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
            ticks = int(time.timestamp()) * MICROSECONDS
        else:
            ticks = int(time)
        return int(self._calendar.day_of(np.array([ticks]))[0])

    def _rows(self, ids: Ids, count: int, what: str) -> NDArray[np.int64]:
        rows = np.asarray(ids)
        if len(rows) and not np.issubdtype(rows.dtype, np.integer):
            raise DataError(f"Ids of a simulated shop are whole numbers, not {rows.dtype}")
        rows = rows.astype(np.int64) - 1
        wrong = (rows < 0) | (rows >= count)
        if wrong.any():
            raise DataError(f"{self.folder} has no {what} {rows[wrong][0] + 1}: ids are 1 to {count:,}")
        return rows

    @cached_property
    def _people(self) -> People:
        return read_people(self.folder)

    @cached_property
    def _things(self) -> Things:
        return read_things(self.folder)

    @cached_property
    def _friends(self) -> Friends:
        return read_friends(self.folder, self.record.config.users)

    @cached_property
    def _item_rows(self) -> NDArray[np.int64]:
        """Id - 1 -> row."""
        return np.argsort(self._things.id)

    @cached_property
    def _calendar(self) -> Calendar:
        config = self.record.config
        return Calendar(config.start, config.days, np.array(self.record.seasons))

    @cached_property
    def _bought(self) -> pl.DataFrame:
        """All purchases: rows of user and item, and the day; by user."""
        events = pl.scan_parquet(self.folder / "events" / f"{ACTIONS}-*.parquet").filter(
            pl.col(TYPE) == "purchase"
        )
        table = events.select(pl.col(USER) - 1, pl.col(ITEM) - 1, pl.col(TIME).cast(pl.Int64)).collect()
        return table.select(
            USER,
            pl.Series(ITEM, self._item_rows[table[ITEM].to_numpy()]),
            pl.Series("day", self._calendar.day_of(table[TIME].to_numpy())),
        ).sort(USER, maintain_order=True)
