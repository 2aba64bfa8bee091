# SPDX-License-Identifier: Apache-2.0
"""Batches of users of similar length, out of flat arrays and offsets: no loop over events, little padding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from penchant.train.runtime import generator

if TYPE_CHECKING:
    from penchant.batch import Users

_POOL = 8
"""Users are sorted by length inside random pools of this many batches: random enough, and hardly padded."""


class Sampler:
    """Deals all users with an event into batches, anew for each epoch.

    Args:
        users: whom to deal.
        batch_size: users of a batch.
        seed: with the number of the epoch it decides the order.
        longest: longer histories count as this long.
    """

    def __init__(self, users: Users, batch_size: int, seed: int, longest: int | None = None) -> None:
        lengths = users.history.lengths
        self._active = torch.nonzero(lengths > 0).squeeze(1)
        self._lengths = lengths[self._active]
        if longest is not None:
            self._lengths = self._lengths.clamp(max=longest)
        self._batch_size = batch_size
        self._seed = seed

    def __len__(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._active) / self._batch_size)

    def epoch(self, number: int) -> list[Tensor]:
        """Positions of the users of each batch; each user comes once."""
        chance = generator(self._seed, number)
        order = torch.randperm(len(self._active), generator=chance)
        # One stable sort over (pool, length) sorts every pool at once.
        pools = torch.arange(len(order)) // (self._batch_size * _POOL)
        span = int(self._lengths.max()) + 1 if len(order) else 1
        order = order[torch.argsort(pools * span + self._lengths[order], stable=True)]
        batches = torch.split(self._active[order], self._batch_size)
        return [batches[i] for i in torch.randperm(len(batches), generator=chance).tolist()]
