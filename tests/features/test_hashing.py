# SPDX-License-Identifier: Apache-2.0
"""Hashes that must never change: they are in people's bundles."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from penchant.features.hashing import combine, mix, stable_hash


def test_they_are_what_they_were():
    assert stable_hash(pl.Series([0, 1, -1, None, 2**62])).tolist() == NUMBERS
    assert stable_hash(pl.Series(["", "a", "ab", "ba", "你好", None])).tolist() == TEXTS
    assert combine(mix(np.array([1])), mix(np.array([2]))).tolist() == [PAIR]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=8))
def test_alone_or_among_others_is_the_same(values):
    together = stable_hash(pl.Series(values, dtype=pl.String))
    alone = [int(stable_hash(pl.Series([value], dtype=pl.String))[0]) for value in values]
    assert together.tolist() == alone


def test_different_ones_differ():
    numbers = stable_hash(pl.Series(range(100_000)))
    words = stable_hash(pl.Series([f"item {number}" for number in range(100_000)]))
    for hashes in (numbers, words):
        assert len(np.unique(hashes)) == 100_000
        # Each of the lowest and highest bits is as often set as not.
        for bit in (0, 1, 31, 63):
            share = ((hashes >> np.uint64(bit)) & np.uint64(1)).mean()
            assert abs(share - 0.5) < 0.01
    assert stable_hash(pl.Series([5]), 1) != stable_hash(pl.Series([5]), 2)
    assert stable_hash(pl.Series(["x"]), 1) != stable_hash(pl.Series(["x"]), 2)


NUMBERS = [
    16294208416658607535,
    10451216379200822465,
    16490336266968443936,
    13898507668257350876,
    47939714376772075,
]
TEXTS = [
    9136699338487657829,
    319121130042296119,
    3136694085045890926,
    9023487793233618820,
    6502344753411376048,
    13898507668257350876,
]
PAIR = 15547365475056059213
