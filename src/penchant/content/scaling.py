# SPDX-License-Identifier: Apache-2.0
"""Vectors of any encoder on one footing: standardised by what training may see, and about as long as 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

_FAR = 8.0
"""Deviations beyond which a number counts as this far: one odd picture shall not drown a row."""


class Scaler:
    """Each place of a vector to mean 0 and deviation 1; then each part of it to a like share of the length 1."""

    def __init__(self, mean: Tensor, scale: Tensor, share: Tensor) -> None:
        self.mean = mean
        self.scale = scale
        self.share = share

    @classmethod
    def fit(cls, vectors: Tensor, present: Tensor, parts: Sequence[int] = ()) -> Scaler:
        """Learn from vectors that training may see; places that never differ become 0.

        Args:
            vectors: [n, D].
            present: [n] bool: which of them count.
            parts: lengths of the parts that a vector is put together from, D in all; one part if there are none.
        """
        lengths = torch.tensor(parts or (vectors.shape[1],))
        share = torch.repeat_interleave((lengths * len(lengths)).clamp(min=1).double().rsqrt(), lengths).float()
        there = vectors[present].double()
        if not there.numel():
            return cls(torch.zeros(vectors.shape[1]), torch.zeros(vectors.shape[1]), share)
        deviation = there.std(dim=0, correction=0)
        varied = deviation > 1e-6 * there.abs().amax(dim=0).clamp(min=1e-6)
        scale = torch.where(varied, 1 / deviation.clamp(min=1e-30), 0.0)
        return cls(there.mean(dim=0).float(), scale.float(), share)

    def apply(self, vectors: Tensor, present: Tensor) -> Tensor:
        """[n, D] float32; what is absent is zero."""
        scaled = ((vectors - self.mean) * self.scale).clamp(-_FAR, _FAR) * self.share
        return torch.where(present[:, None], scaled, 0.0)

    def state(self) -> dict[str, Tensor]:
        """Mean, scale and share."""
        return {"mean": self.mean, "scale": self.scale, "share": self.share}

    @classmethod
    def load(cls, state: Mapping[str, Tensor]) -> Scaler:
        """Take up what `state` returned."""
        return cls(state["mean"], state["scale"], state["share"])
