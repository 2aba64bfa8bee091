# SPDX-License-Identifier: Apache-2.0
"""What old events count."""

from __future__ import annotations

import pytest
import torch

from penchant.decay import HALF_LIFE, decayed

DAY = 86_400 * 1_000_000


def test_an_event_counts_half_after_its_half_life_and_the_last_one_whole():
    times = torch.tensor([5 * DAY, 3 * DAY, DAY])
    assert decayed(times, 2.0).tolist() == pytest.approx([1.0, 0.5, 0.25])
    assert decayed(times).tolist() == decayed(times, HALF_LIFE).tolist()
    assert decayed(times + 99 * DAY, 2.0).tolist() == decayed(times, 2.0).tolist()


def test_however_old_it_counts_a_little():
    found = decayed(torch.tensor([0, 10_000 * DAY]), 1.0)
    assert 0 < found[0] < 1e-8


@pytest.mark.parametrize("half_life", [None, 0, 0.0])
def test_without_a_half_life_all_count_the_same(half_life):
    assert decayed(torch.tensor([0, 9 * DAY]), half_life).tolist() == [1.0, 1.0]


def test_no_events():
    assert decayed(torch.zeros(0, dtype=torch.int64)).tolist() == []
