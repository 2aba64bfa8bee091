# SPDX-License-Identifier: Apache-2.0
"""Numbers that no shop can have are refused, with what they may be."""

from datetime import date

import pytest

from penchant.errors import ConfigError
from penchant.simulate.config import Habits, ShopConfig


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"users": 0}, "users must be between 1 and 10,000,000, and is 0"),
        ({"items": -3}, "items must be between"),
        ({"events": 10**12}, "events must be between 1 and 2,000,000,000, and is 1,000,000,000,000"),
        ({"events": 20_000_000, "days": 3}, "simulate at least 4 days"),
        ({"seed": -1}, "seed must be"),
        ({"days": 0}, "days must be"),
        ({"pictures": 11}, "pictures must be between 0 and 10, and is 11"),
        ({"sounds": -1}, "sounds must be"),
        ({"picture_size": 5000}, "picture_size must be"),
        ({"exploration": 1.5}, "exploration must be"),
        ({"start": date(3000, 1, 1)}, "start must lie"),
        ({"habits": Habits(drift=float("nan"))}, "habits.drift must be a number"),
        ({"habits": Habits(homophily=1.2)}, r"habits.homophily must be between 0.0 and 1.0, and is 1.2"),
        ({"habits": Habits(friends=-1.0)}, "habits.friends must be"),
        ({"habits": Habits(friend_days=0.0)}, "habits.friend_days must be"),
    ],
)
def test_bad_numbers(choices, words):
    with pytest.raises(ConfigError, match=words):
        ShopConfig(**{"users": 10, "items": 10, "events": 10} | choices)
