# SPDX-License-Identifier: Apache-2.0
"""The sketch: right on average, as wrong as its page says, blind to order and repetition."""

import numpy as np
import pytest

from penchant.features.aggregates import sketch
from penchant.features.aggregates.grouped import Groups
from penchant.features.hashing import mix


@pytest.mark.parametrize(("count", "error"), [(1, 0.001), (10, 0.11), (100, 0.12), (20_000, 0.16)])
def test_how_far_off_it_is(count, error):
    found = np.array(
        [
            sketch.estimate(np.array([len(np.unique(sketch.bit_of(mix(np.arange(count) + 10**6 * seed))))]))[0]
            for seed in range(40)
        ]
    )
    assert np.sqrt(np.mean((found / count - 1) ** 2)) < error
    assert found.mean() == pytest.approx(count, rel=0.06)


def test_repetition_and_order_set_nothing_more():
    hashes = mix(np.arange(500))
    once, often = np.zeros((1, sketch.WORDS), np.uint64), np.zeros((1, sketch.WORDS), np.uint64)
    owners = np.zeros(500, np.int64)
    sketch.note(Groups(owners), owners, sketch.bit_of(hashes), once)
    twice = np.concatenate([hashes[::-1], hashes])
    owners = np.zeros(1000, np.int64)
    sketch.note(Groups(owners), owners, sketch.bit_of(twice), often)
    assert (once == often).all()
    assert sketch.count(once)[0] == len(np.unique(sketch.bit_of(hashes)))


def test_nothing_is_nothing_and_everything_is_a_lot():
    assert sketch.estimate(np.array([0])).tolist() == [0.0]
    assert sketch.estimate(np.array([sketch.BITS]))[0] >= 1e6
