# SPDX-License-Identifier: Apache-2.0
"""Negatives: items that did not happen, for losses that do not look at the whole catalogue.

Each comes with how often such a draw is expected to bring it, so that a loss can undo the preference of the draw
(the logQ correction, see `losses.sampled_softmax`). All is drawn from torch's default generator, which the trainer
sets anew for each step, so a run that is resumed draws the same.

Shape legend: T positions with a target, N rows of the catalogue, S negatives, M targets of a position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["uniform", "popularity", "in_batch", "mixed"]
"""Every item alike; by how many events it has; the batch's own targets; half in_batch, half uniform."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Negatives of one batch.

    Attributes:
        rows: [S] int64 rows of the catalogue, the same for all positions; or [T, S], each position's own. A row
            may come more than once.
        log_count: the same shape, float32: the logarithm of how often this draw is expected to bring the row.
    """

    rows: Tensor
    log_count: Tensor

    def hits(self, targets_TM: Tensor, counts_TM: Tensor) -> Tensor:
        """[T, S] bool: negatives that are a target of their position; of those, only `counts_TM` are looked at."""
        wanted = targets_TM.masked_fill(~counts_TM, -1)
        rows = self.rows.expand(len(targets_TM), -1)
        found = torch.zeros(rows.shape, dtype=torch.bool)
        for column in wanted.unbind(1):
            found |= rows == column[:, None]
        return found


class Negatives:
    """A way of drawing negatives.

    Args:
        kind: what is drawn.
        count: S, how many for a position, or for all of them; `in_batch` has no more than there are targets.
        shared: whether all positions of a batch share the same ones. Then scores are one matrix product, many
            times as fast as for rows of one's own.
        events: [N] how many events each row of the catalogue has, among those that are learned from; every target
            of a batch is one of them.
        power: of `popularity`: an item comes as often as this power of its events says.
    """

    def __init__(self, kind: Kind, count: int, events: Tensor, *, shared: bool = True, power: float = 1.0) -> None:
        self._kind = kind
        self._count = count
        self._shared = shared
        weights = events.double().pow(power)
        if not float(weights.sum()):
            weights = torch.ones_like(weights)
        self._edges = weights.cumsum(0)
        self._weight = weights / self._edges[-1]
        self._share = events.double() / events.sum().clamp(min=1)

    def draw(self, targets_T: Tensor) -> Drawn:
        """Negatives for the positions of a batch, whose targets are `targets_T` (at least one)."""
        n_positions, n_items = len(targets_T), len(self._share)
        if self._kind == "uniform":
            rows = torch.randint(n_items, self._shape(self._count, n_positions))
            expected = torch.full(rows.shape, self._count / n_items, dtype=torch.float64)
        elif self._kind == "popularity":
            rows = weighted(self._edges, self._shape(self._count, n_positions))
            expected = self._weight[rows] * self._count
        elif self._kind == "in_batch":
            rows = self._from_batch(targets_T, self._count)
            expected = self._share[rows] * rows.shape[-1]
        else:
            inside = self._from_batch(targets_T, self._count // 2)
            outside = torch.randint(n_items, self._shape((self._count + 1) // 2, n_positions))
            rows = torch.cat([inside, outside], -1)
            # Either half may bring any item, so what is expected of an item is the sum of both.
            expected = self._share[rows] * inside.shape[-1] + outside.shape[-1] / n_items
        return Drawn(rows=rows, log_count=expected.log().float())

    def _shape(self, count: int, n_positions: int) -> tuple[int, ...]:
        return (count,) if self._shared else (n_positions, count)

    def _from_batch(self, targets_T: Tensor, count: int) -> Tensor:
        if self._shared:
            return targets_T[torch.randperm(len(targets_T))[:count]]
        return targets_T[torch.randint(len(targets_T), (len(targets_T), count))]


def weighted(edges_N: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Rows drawn with replacement, as int64; `edges_N` float64 are the sums of the weights up to each row.

    One binary search a draw, not one pass over all rows, and no end at 2**24 rows as `torch.multinomial` has.
    """
    # A draw lies below 1 by at least 2**-53, so the product never rounds up to the last edge; and searching to the
    # right of equal edges passes over rows without weight.
    return torch.searchsorted(edges_N, torch.rand(shape, dtype=torch.float64) * edges_N[-1], right=True)
