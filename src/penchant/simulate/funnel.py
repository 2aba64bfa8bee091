# SPDX-License-Identifier: Apache-2.0
"""What people do with the lists that they are shown: look, click, put into the cart, buy, return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from penchant.schema import AMOUNT, DWELL, PROPENSITY, QUANTITY
from penchant.simulate import behaviour
from penchant.simulate.log import rows, ticks
from penchant.simulate.seasons import DAY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import DTypeLike, NDArray

    from penchant.simulate.config import Habits
    from penchant.simulate.lists import Shown
    from penchant.simulate.streams import Streams
    from penchant.simulate.things import Things

# Tenths of a second: whole numbers add up to the same however they are grouped.
_PLACE_TENTHS = 15
_LIST_TENTHS = 200
_LONGEST_DWELL = 900.0
_RETURN_DAYS = (2.0, 15.0)


@dataclass(frozen=True, kw_only=True)
class Bought:
    """Purchases.

    Attributes:
        user: row, [n].
        item: row, [n].
        time: microseconds since 1970 UTC, [n].
        affinity: of user and item then, [n].
    """

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    time: NDArray[np.int64]
    affinity: NDArray[np.float32]

    @classmethod
    def together(cls, parts: Iterable[Bought]) -> Bought:
        """One after the other; none where there are no parts."""
        every = list(parts)

        def column(name: str, dtype: DTypeLike) -> NDArray[Any]:
            return np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in every)])

        return cls(
            user=column("user", np.int64),
            item=column("item", np.int64),
            time=column("time", np.int64),
            affinity=column("affinity", np.float32),
        )

    def select(self, which: NDArray[np.bool_]) -> Bought:
        """Some of them."""
        return Bought(
            user=self.user[which], item=self.item[which], time=self.time[which], affinity=self.affinity[which]
        )


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What came of some lists.

    Attributes:
        events: rows of the log, returns on later days included; in no order of time.
        clicked: rows of the items that were clicked.
        bought: the purchases.
    """

    events: pl.DataFrame
    clicked: NDArray[np.int64]
    bought: Bought


def play(
    shown: Shown, midnight: int, *,
    things: Things, sensitivity: NDArray[np.float32], habits: Habits, streams: Streams,
) -> Happened:  # fmt: skip
    """Let people go through their lists.

    Args:
        shown: the lists.
        midnight: when their day began, in microseconds since 1970 UTC.
        things: the items.
        sensitivity: of all users to prices.
        habits: how people behave.
        streams: of the day.
    """
    # One number for each place, filled or not: what one list draws does not depend on others.
    lot = streams["click"].random((len(shown.visits.page), shown.places))[shown.list, shown.place]
    click = np.flatnonzero(lot < shown.click_chance)
    count, liking, item = len(click), shown.affinity[click], shown.item[click]
    stay = np.exp(3.2 + 1.2 * liking + 0.8 * streams["dwell"].standard_normal(count))
    stay = np.clip(stay, 1, _LONGEST_DWELL).round(1)
    opened, begun = _moments(shown, click, stay)

    user = shown.visits.user[shown.visit[click]]
    discount = shown.discount[click]
    wants = sensitivity[user], things.dearness(item, discount)
    put = streams["cart"].random(count) < behaviour.cart(habits, liking, *wants)
    buys = put & (streams["purchase"].random(count) < behaviour.purchase(habits, liking, *wants))
    put_at = opened + stay * (0.5 + 0.45 * streams["cart moment"].random(count))
    buys_at = put_at + 30 + streams["till"].exponential(120, count)
    pieces = np.minimum(streams["quantity"].geometric(0.8, count), 5).astype(np.float64)
    paid = np.round(np.round(things.price[item] * (1 - discount), 2) * pieces, 2)
    back = buys & (streams["return"].random(count) < behaviour.give_back(habits, liking))
    back_at = buys_at + streams["return moment"].uniform(*_RETURN_DAYS, count) * DAY_SECONDS

    every = np.arange(len(shown.list))
    times = {
        name: ticks(seconds, midnight)
        for name, seconds in (("click", opened), ("cart", put_at), ("purchase", buys_at), ("return", back_at))
    }

    def log(kind: str, which: NDArray[np.bool_], **more: NDArray[np.float64]) -> pl.DataFrame:
        chosen = {name: values[which] for name, values in more.items()}
        return rows(kind, shown, click[which], times[kind][which], **chosen)

    events = [
        rows("impression", shown, every, ticks(begun, midnight), **{PROPENSITY: shown.propensity}),
        log("click", np.ones(count, np.bool_), **{DWELL: stay}),
        log("cart", put, **{QUANTITY: pieces}),
        log("purchase", buys, **{AMOUNT: paid, QUANTITY: pieces}),
        log("return", back, **{AMOUNT: -paid, QUANTITY: -pieces}),
    ]
    return Happened(
        events=pl.concat(events),
        clicked=item,
        bought=Bought(user=user, item=item, time=times["purchase"], affinity=liking).select(buys),
    )


def _moments(
    shown: Shown, click: NDArray[np.int64], stay: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds since midnight at which each click fell, [clicks], and each place was shown, [places].

    The lists of a visit follow one another, and so do the clicks in a list: each waits for the stays before it.
    """
    stays = np.zeros((len(shown.visits.page), shown.places), np.int64)
    stays[shown.list[click], shown.place[click]] = np.rint(stay * 10)
    spent = np.cumsum(stays, axis=1)
    tenths = spent[:, -1] + _LIST_TENTHS + _PLACE_TENTHS * shown.places
    before = np.cumsum(tenths) - tenths
    visit = shown.visits.visit
    begin = before - before[np.searchsorted(visit, visit, side="left")]
    walked = begin[:, None] + spent - stays + _PLACE_TENTHS * np.arange(1, shown.places + 1)
    begun = shown.visits.begin[visit]
    return (
        (begun[:, None] + walked / 10)[shown.list[click], shown.place[click]],
        (begun + begin / 10)[shown.list],
    )
