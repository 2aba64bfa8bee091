# SPDX-License-Identifier: Apache-2.0
"""Sessions over parts are sessions over the whole."""

import numpy as np
import polars as pl
import pytest

from logs import log
from penchant.data.rules.gaps import sessions
from penchant.data.visits import cut


@pytest.mark.parametrize("size", [1, 3, 7, 50, 200])
def test_parts_make_no_difference(size):
    chance = np.random.default_rng(size)
    events = log(
        user_id=[f"u{i}" for i in chance.integers(0, 6, 120)],
        seconds=np.sort(chance.integers(0, 900, 120)).tolist(),
    )
    parts = [events[first : first + size] for first in range(0, 120, size)]
    made = pl.concat(cut(parts, 30.0))
    assert made.equals(sessions(events.lazy(), 30.0).collect())
    assert made["session"].n_unique() > 3
