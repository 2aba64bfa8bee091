# SPDX-License-Identifier: Apache-2.0
"""The best k of many scores, exactly, with ties broken one way."""

from __future__ import annotations

import torch
from torch import Tensor

_LOW = 2**31 - 1
_CELLS = 2**18
"""Scores that are looked through at once: 1 MiB, and twice as much where all are packed."""
_MANY = 2**13
"""Columns from which on nearly all are told apart from the best before any is packed."""
_GROUPS = 4
"""Into how many groups the columns are cut for that, for each column that is wanted."""


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
    # Some rows at a time: what is packed is twice as large as the scores, and had better stay in the cache.
    step = max(_CELLS // max(n, 1), 1)
    starts = range(0, max(len(scores), 1), step)
    columns = torch.cat([_best(scores[start : start + step], min(k, n), order) for start in starts])
    found = scores.gather(1, columns.clamp(min=0))
    missing = (columns < 0) | ~(found > -torch.inf)
    return columns.masked_fill(missing, -1), found.masked_fill(missing, -torch.inf)


def _best(scores: Tensor, k: int, order: Tensor | None) -> Tensor:
    """[B, k] int64 the best columns; then those of -inf and NaN, or -1."""
    n_rows, n = scores.shape
    width = n // (_GROUPS * max(k, 1))
    if not k or n < _MANY or width < 2:
        return _ranked(scores, _places(order, n), k)
    rows, columns = (scores >= _bounds(scores, k, width)).nonzero(as_tuple=True)
    # So many may be equal, or so few not out of the question, that nothing falls.
    if len(rows) > n_rows * width * k:
        return _ranked(scores, _places(order, n), k)
    counts = rows.bincount(minlength=n_rows)
    at = torch.arange(len(rows)) - (counts.cumsum(0) - counts)[rows]
    beside = torch.full((n_rows, max(int(counts.max()), k)), -1)
    held = torch.full(beside.shape, -torch.inf)
    beside[rows, at], held[rows, at] = columns, scores[rows, columns]
    # What comes first of equal ones is asked where there are any: to make ready for that takes longer than this.
    places = beside.clamp(min=0)
    if order is not None and bool((held[rows, at].sort().values.diff() == 0).any()):
        places = _places(order, n)[places]
    return beside.gather(1, _ranked(held, places, k))


def _bounds(scores: Tensor, k: int, width: int) -> Tensor:
    """[B, 1]: of each row a number that k of its scores reach, and few others: the k-th best of groups' best."""
    groups = scores[:, : _GROUPS * k * width].view(len(scores), _GROUPS * k, width)
    highest = groups.amax(2)
    if bool(highest.isnan().any()):
        highest = groups.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).amax(2)
    bounds: Tensor = highest.topk(k, dim=1).values[:, -1:]
    return bounds


def _places(order: Tensor | None, n: int) -> Tensor:
    """[N] where each column stands in `order`."""
    places = torch.arange(n)
    return places if order is None else torch.empty_like(order).scatter_(0, order, places)


def _ranked(scores: Tensor, places: Tensor, k: int) -> Tensor:
    """[B, k] int64 columns of the best; of equal scores, that of the lower one of `places` [N] or [B, N] first."""
    # Adding 0 turns -0.0 into 0.0; the bits of a float order as integers once the negative ones are flipped.
    bits = torch.nan_to_num(scores + 0.0, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).view(torch.int32)
    ordered = (bits ^ ((bits >> 31) & _LOW)).to(torch.int64)
    return (ordered << 31).bitwise_or_(_LOW - places).topk(k, dim=1).indices
