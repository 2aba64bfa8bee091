# SPDX-License-Identifier: Apache-2.0
"""What an item is: who it is, its attributes, and each kind of content that there is of it, fused to one vector.

Shape legend: N items, P parts, D embedding size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from penchant.models.fusion import FUSIONS
from penchant.models.layers import FeatureEmbedding
from penchant.models.readers import ContentProjection

if TYPE_CHECKING:
    from penchant.batch import Items, Sizes
    from penchant.models.fusion import FusionKind


class ItemTower(nn.Module):
    """Items to vectors. The ids' vectors are handed in: whoever owns that table may have other uses for it.

    Args:
        sizes: of the feature space; one part is made for each modality in it, whatever that is.
        dim: length of the vectors.
        fusion: how parts become one.
        use_features: whether attributes and content are looked at.
        pace: what frozen vectors are multiplied by. Of one of length 1 with hundreds of numbers, a step of an
            optimiser such as Adam, which moves every weight alike, changes what is read some fifteen times as far
            as the vector of an id, so it may be learned by heart before ids are learned at all.
    """

    def __init__(
        self, sizes: Sizes, dim: int, fusion: FusionKind, *, use_features: bool = True, pace: float = 1.0
    ) -> None:
        super().__init__()
        self.attributes = FeatureEmbedding(sizes.item_features if use_features else {}, dim)
        self.content = ContentProjection(sizes.content if use_features else {}, dim)
        self.names = ["id", *(["attributes"] if self.attributes.sizes else []), *self.content.names]
        """Of the parts."""
        self.paces = [pace if sizes.content[name].form == "vector" else 1.0 for name in self.content.names]
        self.fusion = FUSIONS[fusion](len(self.names), dim)
        # What is known of an item of which nothing is known.
        self.anything = nn.Parameter(torch.zeros(dim))

    def forward(self, ids_ND: Tensor, named_N: Tensor, items: Items) -> Tensor:
        """[N, D].

        Args:
            ids_ND: a vector for who each item is.
            named_N: bool, where that says anything: not of an item that training never saw.
            items: what else is known.
        """
        parts, there = zip(*self.parts(ids_ND, named_N, items), strict=True)
        fused: Tensor = self.anything + self.fusion(torch.stack(parts, 1), torch.stack(there, 1))
        return fused

    def parts(self, ids_ND: Tensor, named_N: Tensor, items: Items) -> list[tuple[Tensor, Tensor]]:
        """Of each of `names`: ([N, D], 0 where it is missing; [N] bool, where it is there)."""
        found = [(torch.where(named_N[:, None], ids_ND, 0.0), named_N)]
        if self.attributes.sizes:
            told_N = self.attributes.told(items.features)
            found.append((torch.where(told_N[:, None], self.attributes(items.features), 0.0), told_N))
        content = zip(self.paces, self.content.parts(items.content), strict=True)
        return found + [(pace * vectors, there) for pace, (vectors, there) in content]
