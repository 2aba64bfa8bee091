# SPDX-License-Identifier: Apache-2.0
"""Why somebody clicks, buys or returns: every probability of the shop, in one place.

The simulation draws from these, and `Truth` answers with them, so both are the same by construction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import Habits

    Numbers = NDArray[np.floating]
    Chances = NDArray[np.float64]


def look(habits: Habits, position: NDArray[np.integer]) -> Chances:
    """The probability that somebody looks at a place of a list, by its position from 1."""
    seen: Chances = position.astype(np.float64) ** -habits.position_decay
    return seen


def click(habits: Habits, affinity: Numbers, quality: Numbers, season: Numbers) -> Chances:
    """The probability of a click by somebody who looks."""
    odds = habits.click_base + habits.taste_effect * affinity
    chance: Chances = expit(odds + habits.quality_effect * quality + habits.season_effect * season)
    return chance


def cart(habits: Habits, affinity: Numbers, sensitivity: Numbers, dearness: Numbers) -> Chances:
    """The probability that somebody who clicked puts the item into the cart.

    Args:
        habits: the numbers behind it.
        affinity: how well item and taste match.
        sensitivity: of the user to prices; 1 is ordinary.
        dearness: log of what the item costs now against what its category costs.
    """
    return _wanted(habits.cart_base, habits, affinity, sensitivity, dearness)


def purchase(habits: Habits, affinity: Numbers, sensitivity: Numbers, dearness: Numbers) -> Chances:
    """The probability that what is in the cart is bought; arguments as in `cart`."""
    return _wanted(habits.purchase_base, habits, affinity, sensitivity, dearness)


def give_back(habits: Habits, affinity: Numbers) -> Chances:
    """The probability that a purchase is returned: the worse the match, the likelier."""
    chance: Chances = expit(habits.return_base - habits.taste_effect / 2 * affinity)
    return chance


def stars(affinity: Numbers, quality: Numbers, noise: Numbers) -> NDArray[np.int64]:
    """How many stars, 1 to 5, a review gives; `noise` has mean 0 and deviation 1."""
    rating: NDArray[np.int64] = np.clip(
        np.rint(2.4 + 2.5 * affinity + 0.4 * quality + 0.7 * noise), 1, 5
    ).astype(np.int64)  # fmt: skip
    return rating


def _wanted(base: float, habits: Habits, affinity: Numbers, sensitivity: Numbers, dearness: Numbers) -> Chances:
    odds = base + habits.taste_effect / 2 * affinity - habits.price_effect * sensitivity * dearness
    chance: Chances = expit(odds)
    return chance
