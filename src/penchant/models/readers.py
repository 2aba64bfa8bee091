# SPDX-License-Identifier: Apache-2.0
"""Networks that read small raw tensors: words, pictures and sound are learned with the model, not before it.

Shape legend: N items, D embedding size, S side, M mel bands, T steps, W tokens, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penchant.batch import ContentSize, Form

_CHUNK = 2048
"""Items whose pixels are looked at together where no gradient is wanted: a large catalogue would not fit."""


def start_small(module: nn.Module) -> None:
    """Start small: content must earn its weight beside the id. Padding stays zero."""
    weight = module.get_parameter("weight")
    nn.init.normal_(weight, std=0.02)
    if isinstance(module, nn.Embedding):
        nn.init.zeros_(weight[0])


class Grid(nn.Module):
    """A small convolutional network over [N, C, height, width] bytes: pixels, or a spectrogram as one channel.

    Patches of 4 by 4 first, which is three times as fast as small steps at full size: the whole catalogue is read
    in each step of training. Normalised in groups, so an answer does not hang on who else is in the batch.
    """

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=4), nn.GroupNorm(4, 32), nn.GELU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.GroupNorm(4, 64), nn.GELU(),
        )  # fmt: skip
        # The mean says what there is on the whole, the maximum what there is somewhere.
        self.out = nn.Linear(2 * 64, dim, bias=False)
        start_small(self.out)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """[N, D]."""
        parts = (x_NCHW,) if torch.is_grad_enabled() else torch.split(x_NCHW, _CHUNK)
        return torch.cat([self._part(part) for part in parts])

    def _part(self, x_NCHW: Tensor) -> Tensor:
        seen = self.blocks(x_NCHW.float() / 127.5 - 1)
        found: Tensor = self.out(torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1))
        return found


class Pixels(Grid):
    """[N, 3, S, S] uint8 to [N, D]."""

    def __init__(self, size: ContentSize, dim: int) -> None:
        super().__init__(size.shape[0], dim)


class Spectrogram(Grid):
    """[N, M, T] uint8 to [N, D]."""

    def __init__(self, size: ContentSize, dim: int) -> None:  # noqa: ARG002 - one way to make them all
        super().__init__(1, dim)

    def forward(self, x_NMT: Tensor) -> Tensor:
        """[N, D]."""
        return super().forward(x_NMT[:, None])


class Tokens(nn.Module):
    """[N, W] int32, padded with 0, to [N, D]: the mean of one vector for each token that is there."""

    def __init__(self, size: ContentSize, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size.values, dim, padding_idx=0)
        start_small(self.table)

    def forward(self, tokens_NW: Tensor) -> Tensor:
        """[N, D]."""
        return functional.embedding_bag(tokens_NW, self.table.weight, mode="mean", padding_idx=0)


class Vector(nn.Linear):
    """[N, D_m] float32 to [N, D]."""

    def __init__(self, size: ContentSize, dim: int) -> None:
        super().__init__(size.shape[0], dim, bias=False)
        start_small(self)


READERS: dict[Form, Callable[[ContentSize, int], nn.Module]] = {
    "vector": Vector,
    "pixels": Pixels,
    "spectrogram": Spectrogram,
    "tokens": Tokens,
}
"""What reads each form of content."""


class ContentProjection(nn.Module):
    """The sum of what one reader per modality makes of it, over those that are present."""

    def __init__(self, sizes: Mapping[str, ContentSize], dim: int) -> None:
        super().__init__()
        self.names = list(sizes)
        self.projections = nn.ModuleList(READERS[size.form](size, dim) for size in sizes.values())

    def forward(self, content: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor | float:
        """[N, D], or 0.0 where there are no modalities. What is absent adds nothing."""
        total: Tensor | float = 0.0
        for vectors, _ in self.parts(content):
            total = total + vectors
        return total

    def parts(self, content: Mapping[str, tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
        """Of each modality: ([N, D], 0 where it is absent; [N] bool, where it is present)."""
        found = []
        for name, projection in zip(self.names, self.projections, strict=True):
            raw, present = content[name]
            found.append((torch.where(present[:, None], projection(raw), 0.0), present))
        return found
