# SPDX-License-Identifier: Apache-2.0
"""A hash that is the same today, tomorrow and on another machine, of whole columns at once.

Python's own `hash` differs from process to process, and Polars' from version to version: what is saved in a
bundle must depend on neither. Whole numbers are mixed by the finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
Text is a polynomial over the mixed bytes of its UTF-8, modulo 2^64, mixed again with its length. It is no defence
against somebody who looks for collisions.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD1342543DE82EF95)
_NULL = np.uint64(0x2545F4914F6CDD1D)


def mix(numbers: NDArray[np.uint64] | NDArray[np.int64], seed: int = 0) -> Hashes:
    """[n] uint64: whole numbers, well stirred; different numbers stay different."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + _STEP * np.uint64(seed + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


_BYTES = mix(np.arange(256, dtype=np.uint64), 7)


def stable_hash(values: pl.Series, seed: int = 0) -> Hashes:
    """[n] uint64: a hash of each whole number or text; all nulls have one and the same."""
    if values.dtype.is_integer():
        hashes = mix(values.cast(pl.Int64).fill_null(0).to_numpy(), seed)
    else:
        hashes = _of_text(values.cast(pl.String), seed)
    if values.null_count():
        hashes = np.where(values.is_null().to_numpy(), mix(np.array([_NULL]), seed), hashes)
    return hashes


def combine(first: Hashes, second: Hashes) -> Hashes:
    """[n] uint64: one hash out of two, in which their order matters."""
    with np.errstate(over="ignore"):
        return mix(first * _BASE + second)


def _of_text(values: pl.Series, seed: int) -> Hashes:
    lengths = values.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)
    total = int(lengths.sum())
    sums = np.zeros(len(values), dtype=np.uint64)
    if total:
        parts = np.frombuffer(str(values.fill_null("").str.join("").item()).encode(), dtype=np.uint8)
        ends = np.cumsum(lengths)
        there = lengths > 0
        starts = (ends - lengths)[there]
        powers = np.ones(int(lengths.max()), dtype=np.uint64)
        with np.errstate(over="ignore"):
            powers[1:] = _BASE
            np.multiply.accumulate(powers, out=powers)
            place = np.arange(total) - np.repeat(starts, lengths[there])
            sums[there] = np.add.reduceat(_BYTES[parts] * powers[place], starts)
    return combine(mix(sums, seed), lengths.astype(np.uint64))
