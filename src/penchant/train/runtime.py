# SPDX-License-Identifier: Apache-2.0
"""Seeds, precision and threads: the only file that knows on what and how a model is computed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_FASTER = 1.5
"""bfloat16 must beat float32 by this factor before it is chosen: a small gain is not worth its rounding."""


class Precision(StrEnum):
    """In what numbers matrix products are computed."""

    AUTO = "auto"
    """bfloat16 where this processor multiplies it clearly faster, measured once; otherwise float32."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def seed_step(seed: int, step: int) -> None:
    """Make all that is drawn in this step depend on (seed, step) alone, so a run can be resumed anywhere."""
    torch.manual_seed(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0].astype(np.int64))


def generator(seed: int, epoch: int) -> torch.Generator:
    """The generator that orders the batches of one epoch."""
    state = np.random.SeedSequence((seed, epoch, 1)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state.astype(np.int64)))


@cache
def bfloat16_is_faster() -> bool:
    """Whether a matrix product of the usual shape is clearly faster in bfloat16 here; takes about 0.1 s once."""

    def seconds(dtype: torch.dtype) -> float:
        a, b = torch.ones(2048, 64, dtype=dtype), torch.ones(64, 1024, dtype=dtype)
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            torch.mm(a, b)
            best = min(best, time.perf_counter() - start)
        return best

    return seconds(torch.float32) > _FASTER * seconds(torch.bfloat16)


@contextmanager
def computing(precision: Precision) -> Iterator[None]:
    """Compute what is inside at the given precision."""
    chosen = precision == Precision.BFLOAT16 or (precision == Precision.AUTO and bfloat16_is_faster())
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=chosen):
        yield
