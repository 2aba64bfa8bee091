# SPDX-License-Identifier: Apache-2.0
"""How many different ones: a small sketch per owner in place of a set.

An exact count would need every pair of user and item that ever was. Instead each owner has `BITS` bits. The other
side's hash chooses one of `LANES` lanes, and level r of that lane with probability 2^-(r+1); that bit is set
(as in Flajolet and Martin's probabilistic counting with stochastic averaging, JCSS 1985). A repetition sets
nothing, and neither order nor chunks matter. The estimate is the number for which as many bits as are set would be
expected: its typical error is up to 10 % up to a hundred, and 14 % at a hundred thousand (a test measures it).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from penchant.features.aggregates.grouped import Groups

if TYPE_CHECKING:
    from penchant.features.aggregates.grouped import Array, Floats, Ints
    from penchant.features.hashing import Hashes

LANES = 32
LEVELS = 16
BITS = LANES * LEVELS
"""64 bytes for each owner."""
WORDS = BITS // 64

_LARGEST = 1e9


def bit_of(hashes: Hashes) -> Ints:
    """[n] int64: which bit each hash sets."""
    lanes = (hashes & np.uint64(LANES - 1)).astype(np.int64)
    rest = (hashes >> np.uint64(8)) | np.uint64(1 << (LEVELS - 1))
    lowest = rest & (~rest + np.uint64(1))
    levels = np.log2(lowest.astype(np.float64)).astype(np.int64)
    return lanes * LEVELS + levels


def note(groups: Groups, owners: Ints, bits: Ints, table: Array) -> Ints:
    """Set the bits in `table` [n owners, WORDS] uint64.

    Returns:
        [E + G] int64: how many bits each owner had set, at the head and after each event.
    """
    had = np.bitwise_count(table[groups.members]).sum(axis=1).astype(np.int64)
    word, mask = bits >> 6, np.uint64(1) << (bits & 63).astype(np.uint64)
    fresh = (table[owners, word] & mask) == 0
    # Of several events that set the same bit, the first one does.
    candidates = np.flatnonzero(fresh)
    same = Groups(owners[candidates] * BITS + bits[candidates])
    first = np.zeros(len(owners), dtype=np.int64)
    setting = candidates[same.order[same.heads]]
    first[setting] = 1
    np.bitwise_or.at(table, (owners[setting], word[setting]), mask[setting])
    return groups.running_sum(had, first)


def count(table: Array) -> Ints:
    """[n] int64: bits set in each row of `table` [n, WORDS]."""
    found: Ints = np.bitwise_count(table).sum(axis=1).astype(np.int64)
    return found


def estimate(set_bits: Ints) -> Floats:
    """[n] float64: how many different ones set so many bits."""
    return _curve()[set_bits]


@cache
def _curve() -> Floats:
    """[BITS + 1]: the number for which each count of set bits is the expected one."""
    chances = 2.0 ** -np.minimum(np.arange(1, LEVELS + 1), LEVELS - 1) / LANES
    numbers = np.concatenate([[0.0], np.geomspace(0.1, _LARGEST, 20_000)])
    expected = LANES * (1 - np.exp(numbers[:, None] * np.log1p(-chances))).sum(axis=1)
    curve: Floats = np.interp(np.arange(BITS + 1), expected, numbers)
    return curve
