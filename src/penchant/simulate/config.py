# SPDX-License-Identifier: Apache-2.0
"""What can be chosen about a simulated shop, each number checked before any work begins."""

from __future__ import annotations

import math
from datetime import date

import msgspec

from penchant.errors import ConfigError

MOST_USERS = 10_000_000
MOST_ITEMS = 5_000_000
MOST_EVENTS = 2_000_000_000
MOST_DAYS = 3650
MOST_EVENTS_A_DAY = 5_000_000
"""A day is held in memory as a whole: this bounds it to about 2 GB."""


class Habits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people behave: the numbers behind every probability (see `behaviour.py` for the formulas).

    Those that are called effects are what one unit adds to a log-odds; 0 switches the effect off.
    """

    position_decay: float = 0.7
    """How fast looking wears off down a list: place k is looked at with probability k ** -position_decay."""
    click_base: float = -3.0
    """Log-odds of a click by somebody who looks and is indifferent."""
    cart_base: float = -2.0
    purchase_base: float = -0.8
    return_base: float = -1.6
    taste_effect: float = 4.0
    """Of affinity, the product of taste and item, on a click; half of it on cart and purchase."""
    quality_effect: float = 0.5
    """Of an item's quality, which has mean 0 and deviation 1, on a click."""
    price_effect: float = 1.5
    """Of the log of the price against what its category costs, times the user's sensitivity: it lowers cart and
    purchase."""
    season_effect: float = 1.0
    """Of a category's season, a wave over the year, on a click and on which category is visited."""
    friend_effect: float = 0.25
    """How far one purchase by the closest friend draws a user's taste towards the item, from the next day on."""
    friend_days: float = 10.0
    """Days after which that pull has fallen to 1/e."""
    drift: float = 1.0
    """Mean angle by which a taste turns in a year, in radians."""
    homophily: float = 0.7
    """Share of friendships that are made within a group of like taste."""
    friends: float = 5.0
    """Mean number of friends."""
    review_share: float = 0.3
    """Probability that a purchase is reviewed."""


_SHARES = ("homophily", "review_share")
_AT_LEAST_ZERO = ("position_decay", "taste_effect", "price_effect", "friend_effect", "drift", "friends")


class ShopConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choices of `simulate_shop`."""

    users: int
    items: int
    events: int
    """Rows of the event log, of all types together."""
    seed: int = 0
    days: int = 365
    start: date = date(2025, 1, 1)
    """The first day, in UTC."""
    pictures: int = 0
    """Items that have a drawn picture; the others miss it on purpose."""
    sounds: int = 0
    """Items that have a synthesised sound."""
    picture_size: int = 128
    """Pixels of a picture's edge."""
    list_length: int = 10
    """Places of a list that is shown."""
    exploration: float = 0.1
    """Share of the places that the logging policy fills by lot, all items alike."""
    habits: Habits = Habits()

    def __post_init__(self) -> None:
        """Refuse numbers that no shop can have.

        Raises:
            ConfigError: names the number, and what it may be.
        """
        bounds = {
            "users": (1, MOST_USERS),
            "items": (1, MOST_ITEMS),
            "events": (1, MOST_EVENTS),
            "seed": (0, 2**63 - 1),
            "days": (1, MOST_DAYS),
            "pictures": (0, self.items),
            "sounds": (0, self.items),
            "picture_size": (16, 512),
            "list_length": (1, 100),
        }
        for name, (low, high) in bounds.items():
            _within(name, getattr(self, name), low, high)
        _within("exploration", self.exploration, 0.0, 1.0)
        for field in msgspec.structs.fields(Habits):
            value = getattr(self.habits, field.name)
            if not math.isfinite(value):
                raise ConfigError(f"habits.{field.name} must be a number, and is {value}")
        for name in _SHARES:
            _within(f"habits.{name}", getattr(self.habits, name), 0.0, 1.0)
        for name in _AT_LEAST_ZERO:
            _within(f"habits.{name}", getattr(self.habits, name), 0.0, 100.0)
        _within("habits.friend_days", self.habits.friend_days, 0.1, 1000.0)
        if self.events > self.days * MOST_EVENTS_A_DAY:
            least = -(-self.events // MOST_EVENTS_A_DAY)
            raise ConfigError(
                f"{self.events:,} events in {self.days} days are too many for one day's memory: "
                f"simulate at least {least:,} days"
            )
        if not 1970 <= self.start.year <= 2200:
            raise ConfigError(f"start must lie between the years 1970 and 2200, and is {self.start}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} must be between {low:,} and {high:,}, and is {value:,}")
