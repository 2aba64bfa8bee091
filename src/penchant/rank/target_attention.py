# SPDX-License-Identifier: Apache-2.0
"""What of a history speaks for one item: each past event is weighed by what it has to do with that item.

Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018.

Shape legend: Q users, C cases, L steps, D embedding size, A size of what weighs.
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
        """[C, D]."""
        now = past.times.gather(1, (past.lengths - 1).clamp(min=0)[:, None])
        known = self.of_step(steps_QLD) + self.actions(past.actions)
        if self.gaps is not None:
            known = known + self.gaps(powers_of_seconds(now - past.times))
        steps_CLD = steps_QLD[owners_C]
        both = self.of_both(steps_CLD * items_CD[:, None])
        inner = torch.relu(known[owners_C] + self.of_item(items_CD)[:, None] + both)
        bias_CL = self.out(inner).squeeze(2).float().masked_fill(~past.valid[owners_C], -torch.inf)
        weights = nn.functional.pad(bias_CL, (1, 0)).softmax(1)[:, 1:]
        return (weights[:, None] @ steps_CLD.float()).squeeze(1)
