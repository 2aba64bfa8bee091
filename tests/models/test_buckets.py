# SPDX-License-Identifier: Apache-2.0
"""Buckets by powers of two, at their edges."""

from __future__ import annotations

import torch

from penchant.models.buckets import GAPS, powers, powers_of_seconds
from penchant.schema import MICROSECONDS


def test_a_bucket_is_a_power_of_two():
    numbers = torch.tensor([-5, 0, 1, 2, 3, 6, 7, 2**40])
    assert powers(numbers, 64).tolist() == [0, 0, 1, 1, 2, 2, 3, 40]
    assert powers(numbers, 3).tolist() == [0, 0, 1, 1, 2, 2, 2, 2]


def test_gaps_are_counted_in_whole_seconds_and_the_future_is_now():
    seconds = torch.tensor([-4.0, 0.0, 0.9, 1.0, 3.0, 2.0**40])
    assert powers_of_seconds((seconds * MICROSECONDS).long()).tolist() == [0, 0, 0, 1, 2, GAPS - 1]
