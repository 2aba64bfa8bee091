# SPDX-License-Identifier: Apache-2.0
"""HSTU: hierarchical sequential transduction units. Zhai et al., "Actions Speak Louder than Words:
Trillion-Parameter Sequential Transducers for Generative Recommendations", ICML 2024
(https://arxiv.org/abs/2402.17152), with all that `sequence` gives: what an event was, when and of what worth.

Shape legend: B users, L length, D embedding size, H heads, I inner size.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.models.attention import pointwise_attention, pointwise_weights
from penchant.models.layers import Block, Dropout
from penchant.models.precision import exact
from penchant.models.recommender import Range
from penchant.models.sequence import SequenceRecommender


class HSTUBlock(Block):
    """Pointwise attention whose result is normalised and gated; behind it, where wanted, a gated network.

    Args:
        dim: embedding size.
        heads: they divide it.
        inner: width of the network behind, a SwiGLU (https://arxiv.org/abs/2002.05202) as in FuXi-alpha
            (https://arxiv.org/abs/2502.03036); 0 for none, as in the paper.
        dropout: share of what each part adds that is dropped.
    """

    def __init__(self, dim: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.inward = nn.Linear(dim, 4 * dim)
        self.norm_mixed = nn.LayerNorm(dim)
        self.outward = nn.Linear(dim, dim)
        self.behind = SwiGLU(dim, inner) if inner else None
        self.dropout = Dropout(dropout)

    def forward(self, x_BLD: Tensor, bias_BHLL: Tensor | None = None) -> Tensor:
        """[B, L, D]."""
        parts = functional.silu(self.inward(self.norm_attention(x_BLD)))
        gate_BLD, *rest = parts.chunk(4, 2)
        q, k, v = (self._by_head(part) for part in rest)
        mixed = pointwise_attention(q, k, v, bias_BHLL)
        return self._rest(x_BLD, mixed.transpose(1, 2).flatten(2), gate_BLD)

    def at(self, x_BLD: Tensor, ends_B: Tensor, bias_BHL: Tensor | None = None) -> Tensor:
        """[B, D]: what `forward` gives at position `ends_B` of each user, without the work for the others."""
        x_BD, normed = x_BLD[torch.arange(len(x_BLD)), ends_B], self.norm_attention(x_BLD)
        normed_BD = normed[torch.arange(len(x_BLD)), ends_B]
        # Gate and query of the one position, keys and values of all.
        weights, biases = self.inward.weight.chunk(2), self.inward.bias.chunk(2)
        gate_BD, q_BD = functional.silu(functional.linear(normed_BD, weights[0], biases[0])).chunk(2, 1)
        k_BLD, v_BLD = functional.silu(functional.linear(normed, weights[1], biases[1])).chunk(2, 2)
        q, k, v = (self._by_head(part) for part in (q_BD[:, None], k_BLD, v_BLD))
        with exact(q):
            scores = (q.float() * q.shape[3] ** -0.5) @ k.float().transpose(2, 3)
            if bias_BHL is not None:
                scores = scores + bias_BHL[:, :, None]
            mixed = pointwise_weights(scores, ends_B[:, None, None]) @ v.float()
        return self._rest(x_BD, mixed.flatten(1), gate_BD)

    def _by_head(self, x_BLD: Tensor) -> Tensor:
        """[B, H, L, D / H]."""
        b, length, dim = x_BLD.shape
        return x_BLD.view(b, length, self.heads, dim // self.heads).transpose(1, 2)

    def _rest(self, x: Tensor, mixed: Tensor, gate: Tensor) -> Tensor:
        """What follows the attention, position by position."""
        x = x + self.dropout(self.outward(self.norm_mixed(mixed) * gate))
        if self.behind is None:
            return x
        inner: Tensor = self.dropout(self.behind(x))
        return x + inner


class SwiGLU(nn.Module):
    """A normalised feed-forward network of which one half gates the other."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 2 * inner)
        self.contract = nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[.., D]."""
        gate_I, inner_I = self.expand(self.norm(x)).chunk(2, -1)
        found: Tensor = self.contract(functional.silu(gate_I) * inner_I)
        return found


class HSTU(SequenceRecommender):
    """Sequential transduction: each event adds what it says, rather than vying with the others for attention."""

    class Config(SequenceRecommender.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of HSTU."""

        use_relative: bool = True
        inner_size: Annotated[int, msgspec.Meta(ge=0)] = 0
        """Width of a gated network behind the attention; 0 for none, as in the paper."""

    space: ClassVar[dict[str, Range]] = {
        **SequenceRecommender.space,
        "inner_size": Range(choices=(0, 64, 128, 256)),
    }
    config: Config

    def make_block(self) -> HSTUBlock:
        """Pointwise attention, gated."""
        config = self.config
        return HSTUBlock(config.embedding_size, config.heads, config.inner_size, config.dropout)
