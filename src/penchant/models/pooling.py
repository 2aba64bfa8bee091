# SPDX-License-Identifier: Apache-2.0
"""A history as a few weighted means of its items' vectors: what a tower that knows no user sees of a user.

Shape legend: B users, L steps of a history, Q places that ask (each sees the steps before it), H means, D size of
an item's vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from penchant.models.buckets import GAPS, VALUE_EDGES, powers, powers_of_seconds
from penchant.models.precision import exact

if TYPE_CHECKING:
    from penchant.batch import PaddedHistory, Sizes

_PLACES = 16
"""Buckets of places: powers of two of an event."""


class HistoryPool(nn.Module):
    """Weighted means of what was done before each place.

    Each mean weighs a step by how many events ago it was and how long before the last one, and multiplies its
    vector by what its action and value say (below 0 for a dislike, if that is what the data show). What is weighed
    against all steps is a learned vector, the prior: it is all that there is of an empty history, and ever less
    of a longer one.

    Args:
        sizes: of the feature space.
        dim: size of an item's vector.
        means: how many, each with weights of its own.
        use_time, use_action, use_value: what steps are weighed by.
    """

    value_edges: Tensor

    def __init__(
        self, sizes: Sizes, dim: int, means: int, *, use_time: bool, use_action: bool, use_value: bool
    ) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(means, dim))
        self.places = nn.Embedding(_PLACES, means)
        self.gaps = nn.Embedding(GAPS, means) if use_time and sizes.has_time else None
        self.actions = nn.Embedding(sizes.actions, means) if use_action else None
        self.values = nn.Embedding(len(VALUE_EDGES) + 1, means) if use_value else None
        self.register_buffer("value_edges", torch.tensor(VALUE_EDGES), persistent=False)
        # Each mean forgets at a pace of its own to begin with: the first not at all, the last within a few events.
        with torch.no_grad():
            pace = torch.linspace(0, 1, means) if means > 1 else torch.zeros(1)
            self.places.weight.copy_(-pace * torch.arange(_PLACES)[:, None])
        for table in (self.gaps, self.actions, self.values):
            if table is not None:
                nn.init.zeros_(table.weight)

    def forward(self, x_BLD: Tensor, past: PaddedHistory) -> Tensor:
        """[B, L + 1, H, D]: of the steps before each of the L, and of all of them. Padded places mean nothing.

        Args:
            x_BLD: the vectors of the L steps; `past` may hold further steps, which nobody sees.
            past: what is known of the steps.
        """
        length = x_BLD.shape[1]
        asks = torch.arange(length + 1)
        ago_QL = asks[:, None] - torch.arange(length)
        times = past.times[:, :length]
        now = torch.cat([times[:, :1], times], 1)
        bias = self._bias(ago_QL[None], now[:, :, None] - times[:, None])
        return self._mean(x_BLD, bias.masked_fill(ago_QL[None, None] < 1, -torch.inf), past)

    def last(self, x_BLD: Tensor, past: PaddedHistory) -> Tensor:
        """[B, H, D]: of all steps of each user."""
        ago_BL = past.lengths[:, None] - torch.arange(x_BLD.shape[1])
        now = past.times.gather(1, (past.lengths - 1).clamp(min=0)[:, None])
        bias = self._bias(ago_BL[:, None], (now - past.times)[:, None])
        return self._mean(x_BLD, bias.masked_fill(ago_BL[:, None, None] < 1, -torch.inf), past)[:, 0]

    def _bias(self, ago: Tensor, since: Tensor) -> Tensor:
        """[B, H, Q, L]: how much each step counts, as a logarithm; what lies ahead of a place is any number."""
        bias: Tensor = self.places(powers(ago - 1, _PLACES))
        if self.gaps is not None:
            bias = bias + self.gaps(powers_of_seconds(since))
        return bias.permute(0, 3, 1, 2)

    def _mean(self, x_BLD: Tensor, bias_BHQL: Tensor, past: PaddedHistory) -> Tensor:
        """[B, Q, H, D]."""
        with exact(x_BLD):
            # The prior has the logarithm 0.
            weights = torch.nn.functional.pad(bias_BHQL.float(), (1, 0)).softmax(-1)
            first, rest = weights[..., :1], weights[..., 1:]
            strength_BHL = self._strength(past, x_BLD.shape[1])
            mixed = (rest * strength_BHL[:, :, None]) @ x_BLD.float()[:, None]
            mixed = mixed + first * self.prior[:, None]
        return mixed.transpose(1, 2)

    def _strength(self, past: PaddedHistory, length: int) -> Tensor:
        """[B or 1, H, L or 1]: what each step's vector is multiplied by; 1 where nothing says otherwise."""
        strength = self.prior.new_ones(1, 1, 1)
        if self.actions is not None:
            strength = strength + self.actions(past.actions[:, :length]).transpose(1, 2)
        if self.values is not None:
            buckets = torch.bucketize(past.values[:, :length].contiguous(), self.value_edges)
            strength = strength + self.values(buckets).transpose(1, 2)
        return strength
