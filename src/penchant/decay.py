# SPDX-License-Identifier: Apache-2.0
"""How much less an old event says of what is popular than one of today."""

from __future__ import annotations

import torch
from torch import Tensor

HALF_LIFE = 4.0
"""Days after which an event counts half. Chosen among 0.5 to 365 days and none at all, on the validation parts of
four data sets: benchmarks/README.md."""

_DAY = 86_400 * 1_000_000
_LEAST = 2.0**-30
"""What any event counts, however old: so what nobody took up lately is still told apart."""


def decayed(times: Tensor, half_life: float | None = HALF_LIFE) -> Tensor:
    """[E] float64, at most 1: what each event counts as of the last one.

    As of any later moment all would count the same fraction of that, so nothing that is ordered by their sums
    changes while nothing happens.

    Args:
        times: [E] int64, microseconds.
        half_life: days; None or 0: all count 1.
    """
    if not half_life or not len(times):
        return torch.ones(len(times), dtype=torch.float64)
    age = (times.max() - times).double() / _DAY
    return torch.exp2(-age / half_life).clamp_(min=_LEAST)
