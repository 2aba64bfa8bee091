# SPDX-License-Identifier: Apache-2.0
"""Ways in which what is known of an item, part by part, becomes one vector. Any part may be missing.

All start as the plain sum of the parts that are there, or their mean, and learn to do better.

Shape legend: N items, P parts, D embedding size, H heads, R rank.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

FusionKind = Literal["sum", "concat", "gated", "attention", "bilinear"]

_HEADS = 4
"""Ways of the attention to look at the parts, each for itself; fewer where the size cannot be divided by it."""


class Fusion(nn.Module, ABC):
    """Makes one vector of several.

    Args:
        count: P, how many parts there may be.
        dim: of each of them, and of what is made.
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.count = count
        self.dim = dim

    @abstractmethod
    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:
        """[N, D]; `parts_NPD` is 0 where `there_NP`, bool, says that a part is missing."""


class Sum(Fusion):
    """Parts are added, as `sasrec` does it."""

    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:  # noqa: ARG002 - what is missing is 0
        """[N, D]."""
        return parts_NPD.sum(1)


class Concat(Fusion):
    """A small network looks at all parts side by side, and at which there are; what it finds joins the sum."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__(count, dim)
        self.norm = nn.LayerNorm(count * dim)
        self.expand = nn.Linear(count * dim + count, 2 * dim)
        self.contract = nn.Linear(2 * dim, dim)
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:
        """[N, D]."""
        whole = torch.cat([self.norm(parts_NPD.flatten(1)), there_NP.to(parts_NPD.dtype)], 1)
        found: Tensor = parts_NPD.sum(1) + self.contract(functional.gelu(self.expand(whole)))
        return found


class Gated(Fusion):
    """Each part is as loud as a gate says, from 0 to 2, which looks at all parts and at which there are.

    After Arevalo et al., "Gated Multimodal Units for Information Fusion" (https://arxiv.org/abs/1702.01992).
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__(count, dim)
        self.norm = nn.LayerNorm(count * dim)
        self.gates = nn.Linear(count * dim + count, count)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)

    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:
        """[N, D]."""
        whole = torch.cat([self.norm(parts_NPD.flatten(1)), there_NP.to(parts_NPD.dtype)], 1)
        gates_NP = 2 * torch.sigmoid(self.gates(whole))
        return (parts_NPD * gates_NP[:, :, None]).sum(1)


class Attention(Fusion):
    """A mean of the parts that are there, weighted by a softmax: the fewer there are, the more each counts."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__(count, dim)
        self.heads = next(heads for heads in range(_HEADS, 0, -1) if dim % heads == 0)
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, self.heads, bias=False)
        # A part may matter for what it is, whatever it says.
        self.kinds = nn.Parameter(torch.zeros(count, self.heads))
        nn.init.zeros_(self.query.weight)

    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:
        """[N, D]; 0 where nothing is there."""
        logits_NPH = self.query(torch.tanh(self.keys(parts_NPD))) + self.kinds
        # A number in place of -inf: where nothing is there, all weights fall on zeros, and no gradient is lost.
        weights_NPH = logits_NPH.float().masked_fill(~there_NP[:, :, None], -1e9).softmax(1)
        mixed = parts_NPD.view(*there_NP.shape, self.heads, -1) * weights_NPH[:, :, :, None]
        fused: Tensor = mixed.sum(1).flatten(1)
        return fused


class Bilinear(Fusion):
    """The sum, and products of each two parts, of a low rank.

    All pairs come at the price of one, as in Rendle, "Factorization Machines", ICDM 2010.
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__(count, dim)
        rank = max(dim // 2, 1)
        self.factors = nn.Parameter(torch.randn(count, dim, rank) * dim**-0.5)
        self.outward = nn.Linear(rank, dim)
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)

    def forward(self, parts_NPD: Tensor, there_NP: Tensor) -> Tensor:  # noqa: ARG002 - what is missing is 0
        """[N, D]."""
        factors_NPR = torch.einsum("npd,pdr->npr", parts_NPD, self.factors)
        pairs_NR = factors_NPR.sum(1).square() - factors_NPR.square().sum(1)
        found: Tensor = parts_NPD.sum(1) + self.outward(pairs_NR)
        return found


FUSIONS: dict[FusionKind, type[Fusion]] = {
    "sum": Sum,
    "concat": Concat,
    "gated": Gated,
    "attention": Attention,
    "bilinear": Bilinear,
}
