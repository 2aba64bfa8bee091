# SPDX-License-Identifier: Apache-2.0
"""Buckets in which the time between events, and what an event was worth, become rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from penchant.schema import MICROSECONDS

if TYPE_CHECKING:
    from torch import Tensor

GAPS = 32
"""Buckets of the time between two events: powers of two of a second, the last for two thousand years."""

VALUE_EDGES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""Between the buckets of an event's value, in deviations from the mean."""


def powers(numbers: Tensor, buckets: int) -> Tensor:
    """int64: the power of two below 1 + each number, at most the last of the buckets; 0 for what is below 0."""
    # frexp writes a number as a fraction from 1/2 to 1 times a power of two: exact, and quicker than a log.
    return (torch.frexp(1 + numbers.clamp(min=0).double()).exponent.long() - 1).clamp(max=buckets - 1)


def powers_of_seconds(microseconds: Tensor) -> Tensor:
    """int64: the power of two of the seconds; 0 for less than one, and for the future."""
    return powers(microseconds // MICROSECONDS, GAPS)
