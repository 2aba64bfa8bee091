# SPDX-License-Identifier: Apache-2.0
"""The best k of many scores, exactly, with ties broken one way."""

from __future__ import annotations

import torch
from torch import Tensor

_LOW = 2**31 - 1
_CELLS = 2**18
"""Scores that are packed at once."""


def top_k(scores: Tensor, k: int, order: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The k best columns of each row.

    A library's top-k leaves the order of equal scores, and which of them is cut off, to chance. Here score
    and column are packed into one integer that orders as the pair does, so the answer is unique.

    Args:
        scores: [B, N] float32, N < 2**31; -inf or NaN where a column must not be returned.
        k: how many; fewer are returned where fewer are left.
        order: [N] int64, all columns, each once: of equal scores, that comes first which stands earlier here.
            None: the lower column comes first.

    Returns:
        columns [B, K] int64, -1 where nothing is left, and their scores [B, K], -inf there; K = min(k, N).
    """
    n = scores.shape[1]
    places = torch.arange(n)
    if order is not None:
        places = torch.empty_like(order).scatter_(0, order, places)
    # Some rows at a time: what is packed is twice as large as the scores, and had better stay in the cache.
    step = max(_CELLS // max(n, 1), 1)
    starts = range(0, max(len(scores), 1), step)
    columns = torch.cat([_best(scores[start : start + step], _LOW - places, k) for start in starts])
    if order is not None:
        columns = order[columns]
    found = scores.gather(1, columns)
    missing = ~(found > -torch.inf)
    return columns.masked_fill(missing, -1), found.masked_fill(missing, -torch.inf)


def _best(scores: Tensor, merit: Tensor, k: int) -> Tensor:
    """[B, K] int64 places of the best; `merit` [N] says which of equal scores is better, `_LOW` less its place."""
    # Adding 0 turns -0.0 into 0.0; the bits of a float order as integers once the negative ones are flipped.
    bits = torch.nan_to_num(scores + 0.0, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).view(torch.int32)
    ordered = (bits ^ ((bits >> 31) & _LOW)).to(torch.int64)
    best = (ordered << 31).bitwise_or_(merit).topk(min(k, scores.shape[1]), dim=1).values
    return _LOW - (best & _LOW)
