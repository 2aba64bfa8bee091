# SPDX-License-Identifier: Apache-2.0
"""Building blocks of the networks.

Shape legend: B users, L length, D embedding size, H heads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.batch import UNKNOWN
from penchant.models.attention import causal_attention
from penchant.models.precision import exact
from penchant.models.readers import start_small

if TYPE_CHECKING:
    from collections.abc import Mapping


_HEAVIEST = 6.0
"""The logarithm of the largest weight of a step of a set, and of the inverse of the smallest."""


def keep_mask(shape: torch.Size, rate: float) -> Tensor:
    """A boolean mask that drops `rate` of its cells, to the nearest 1/256.

    Eight cells share one 64-bit draw of the default generator: about ten times as fast on a CPU as drawing a
    number for each cell.
    """
    cells = shape.numel()
    draws = torch.empty((cells + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    return (draws.view(torch.uint8)[:cells] >= _dropped(rate)).view(shape)


def _dropped(rate: float) -> int:
    """How many of 256 cells are dropped; never all of them."""
    return min(round(rate * 256), 255)


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) with cheap masks."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """`x` with some cells zeroed and the rest scaled up, in training; `x` itself otherwise."""
        if not self.training or _dropped(self.rate) == 0:
            return x
        return x * keep_mask(x.shape, self.rate).to(x.dtype).mul_(1 / (1 - _dropped(self.rate) / 256))


class FeatureEmbedding(nn.Module):
    """The sum of one vector per column: embeddings of categories and tags, a line through each number."""

    def __init__(self, sizes: Mapping[str, int], dim: int) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.tables = nn.ModuleList(
            nn.Embedding(size, dim, padding_idx=0) if size else nn.Linear(1, dim, bias=False)
            for size in self.sizes.values()
        )
        for table in self.tables:
            start_small(table)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor | float:
        """[N, D], or 0.0 where there are no columns."""
        total: Tensor | float = 0.0
        for name, table in zip(self.sizes, self.tables, strict=True):
            value = features[name]
            if not self.sizes[name]:
                total = total + table(value[:, None])
            elif value.dim() == 1:
                total = total + table(value)
            else:
                # Tags: the mean of those that are there.
                weight: Tensor = table.get_parameter("weight")
                total = total + functional.embedding_bag(value, weight, mode="mean", padding_idx=0)
        return total

    def told(self, features: Mapping[str, Tensor]) -> Tensor:
        """[N] bool: of whom any column tells something that training may have seen; there must be a column.

        Neither does a word that it never saw, nor a number that is the mean, which stands for a missing one.
        """
        found = []
        for name in self.sizes:
            value = features[name]
            there = value != 0 if value.is_floating_point() else value > UNKNOWN
            found.append(there.any(1) if there.dim() == 2 else there)
        return torch.stack(found).any(0)


class Block(nn.Module, ABC):
    """A layer over a sequence in which a position sees itself and what came before."""

    @abstractmethod
    def forward(self, x_BLD: Tensor, bias_BHLL: Tensor | None = None) -> Tensor:
        """[B, L, D]; `bias_BHLL` says how far apart two positions are, where that is wanted."""

    @abstractmethod
    def at(self, x_BLD: Tensor, ends_B: Tensor, bias_BHL: Tensor | None = None) -> Tensor:
        """[B, D]: what `forward` gives at position `ends_B` of each user, without the work for the others."""


class CausalBlock(Block):
    """One pre-norm Transformer block in which a position sees itself and what came before."""

    def __init__(self, dim: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.inward = nn.Linear(dim, 3 * dim)
        self.outward = nn.Linear(dim, dim)
        self.norm_forward = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, inner)
        self.contract = nn.Linear(inner, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLD: Tensor, bias_BHLL: Tensor | None = None) -> Tensor:
        """[B, L, D]."""
        b, length, dim = x_BLD.shape
        q, k, v = (
            self.inward(self.norm_attention(x_BLD))
            .view(b, length, 3, self.heads, dim // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        mixed = causal_attention(q, k, v, bias_BHLL)
        return self._rest(x_BLD, mixed.transpose(1, 2).reshape(b, length, dim))

    def at(self, x_BLD: Tensor, ends_B: Tensor, bias_BHL: Tensor | None = None) -> Tensor:
        """[B, D]: what `forward` gives at position `ends_B` of each user, without the work for the others."""
        b, length, dim = x_BLD.shape
        users = torch.arange(b)
        normed = self.norm_attention(x_BLD)
        weight, bias = self.inward.weight, self.inward.bias
        q = functional.linear(normed[users, ends_B], weight[:dim], bias[:dim])
        k, v = (
            functional.linear(normed, weight[dim:], bias[dim:])
            .view(b, length, 2, self.heads, dim // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        q = q.view(b, self.heads, 1, dim // self.heads)
        with exact(q):
            scores = (q.float() * (dim // self.heads) ** -0.5) @ k.float().transpose(2, 3)
            if bias_BHL is not None:
                scores = scores + bias_BHL[:, :, None]
            later = torch.arange(length) > ends_B[:, None]
            mixed = scores.masked_fill(later[:, None, None], -torch.inf).softmax(-1) @ v.float()
        return self._rest(x_BLD[users, ends_B], mixed.reshape(b, dim))

    def _rest(self, x: Tensor, mixed: Tensor) -> Tensor:
        """What follows the attention, position by position."""
        x = x + self.dropout(self.outward(mixed))
        inner: Tensor = self.dropout(self.contract(functional.gelu(self.expand(self.norm_forward(x)))))
        return x + inner


class SetBlock(Block):
    """A mean of the position itself and all before it, and a feed-forward network: their order tells nothing.

    Each head weighs what it takes the mean of by what that says, as in attention with a query that is the same
    everywhere (the pooling of Lee et al., "Set Transformer", ICML 2019). Running sums: linear in the length.
    """

    def __init__(self, dim: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_weight = nn.LayerNorm(dim)
        self.weigh = nn.Linear(dim, heads)
        self.norm_forward = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, inner)
        self.contract = nn.Linear(inner, dim)
        self.dropout = Dropout(dropout)
        # A plain mean to begin with.
        nn.init.zeros_(self.weigh.weight)

    def forward(self, x_BLD: Tensor, bias_BHLL: Tensor | None = None) -> Tensor:  # noqa: ARG002 - no distances
        """[B, L, D]."""
        with exact(x_BLD):
            x = x_BLD.float()
            # Within these bounds no weight drowns another in float32, whatever is summed up.
            weights_BLH = (_HEAVIEST * torch.tanh(self.weigh(self.norm_weight(x)) / _HEAVIEST)).exp()
            heavy = x.reshape(*weights_BLH.shape, -1) * weights_BLH[..., None]
            mean_BLD: Tensor = (heavy.cumsum(1) / weights_BLH.cumsum(1)[..., None]).flatten(2)
        inner: Tensor = self.dropout(self.contract(functional.gelu(self.expand(self.norm_forward(mean_BLD)))))
        return mean_BLD + inner

    def at(self, x_BLD: Tensor, ends_B: Tensor, bias_BHL: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """[B, D]: what `forward` gives at position `ends_B` of each user."""
        return self.forward(x_BLD)[torch.arange(len(x_BLD)), ends_B]
