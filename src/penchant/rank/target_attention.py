# SPDX-License-Identifier: Apache-2.0
"""What of a history speaks for one item: each past event is weighed by what it has to do with that item.

Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018.

Shape legend: Q users, C cases, K cases of a user at most, L steps, D embedding size, A size of what weighs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from penchant.models.buckets import GAPS, powers_of_seconds

if TYPE_CHECKING:
    from penchant.batch import PaddedHistory, Sizes

_INNER = 16


class TargetAttention(nn.Module):
    """A mean of a history's vectors, weighed anew for each item; 0 for an empty history.

    A network sees step and item, their product, what was done and how long ago. Weights are a softmax among the
    steps and one place more that holds nothing: where no step has to do with the item, little is said.

    Args:
        sizes: of the feature space.
        dim: D.
    """

    def __init__(self, sizes: Sizes, dim: int) -> None:
        super().__init__()
        self.of_step = nn.Linear(dim, _INNER)
        self.of_item = nn.Linear(dim, _INNER, bias=False)
        self.of_both = nn.Linear(dim, _INNER, bias=False)
        self.actions = nn.Embedding(sizes.actions, _INNER, padding_idx=0)
        self.gaps = nn.Embedding(GAPS, _INNER) if sizes.has_time else None
        self.out = nn.Linear(_INNER, 1)
        for table in (self.actions, self.gaps):
            if table is not None:
                nn.init.zeros_(table.weight)

    def forward(self, steps_QLD: Tensor, past: PaddedHistory, items_CD: Tensor, owners_C: Tensor) -> Tensor:
        """[C, D]; `owners_C` rise."""
        now = past.times.gather(1, (past.lengths - 1).clamp(min=0)[:, None])
        known_QLA = self.of_step(steps_QLD) + self.actions(past.actions)
        if self.gaps is not None:
            known_QLA = known_QLA + self.gaps(powers_of_seconds(now - past.times))
        # The K cases of a user side by side: else each case would carry a copy of its user's history.
        counts = torch.bincount(owners_C, minlength=len(steps_QLD))
        places_C = torch.arange(len(owners_C)) - (counts.cumsum(0) - counts)[owners_C]
        width = int(counts.max()) if len(owners_C) else 0
        items_QKD = items_CD.new_zeros(len(steps_QLD), width, items_CD.shape[1])
        items_QKD = items_QKD.index_put((owners_C, places_C), items_CD)
        pairs = (items_QKD[:, :, None] * self.of_both.weight).flatten(1, 2)
        both_QLKA = (steps_QLD @ pairs.transpose(1, 2)).view(*steps_QLD.shape[:2], width, _INNER)
        inner = torch.relu(known_QLA[:, :, None] + self.of_item(items_QKD)[:, None] + both_QLKA)
        bias_QLK = self.out(inner).squeeze(3).float().masked_fill(~past.valid[:, :, None], -torch.inf)
        weights_QKL = nn.functional.pad(bias_QLK.transpose(1, 2), (1, 0)).softmax(2)[:, :, 1:]
        return (weights_QKL @ steps_QLD.float())[owners_C, places_C]
