# SPDX-License-Identifier: Apache-2.0
"""Vectors of any encoder on one footing: standardised by what training may see, and about as long as 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_FAR = 8.0
"""Deviations beyond which a number counts as this far: one odd picture shall not drown a row."""


class Scaler:
    """Each place of a vector to mean 0 and deviation 1, then the whole divided by the root of its length."""

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self.mean = mean
        self.scale = scale

    @classmethod
    def fit(cls, vectors: Tensor, present: Tensor) -> Scaler:
        """Learn from vectors [n, D] that training may see; places that never differ become 0."""
        there = vectors[present].double()
        if not there.numel():
            return cls(torch.zeros(vectors.shape[1]), torch.zeros(vectors.shape[1]))
        deviation = there.std(dim=0, correction=0)
        varied = deviation > 1e-6 * there.abs().amax(dim=0).clamp(min=1e-6)
        scale = torch.where(varied, 1 / deviation.clamp(min=1e-30), 0.0)
        return cls(there.mean(dim=0).float(), scale.float())

    def apply(self, vectors: Tensor, present: Tensor) -> Tensor:
        """[n, D] float32; what is absent is zero."""
        scaled = ((vectors - self.mean) * self.scale).clamp(-_FAR, _FAR) / max(vectors.shape[1], 1) ** 0.5
        return torch.where(present[:, None], scaled, 0.0)

    def state(self) -> dict[str, Tensor]:
        """Mean and scale."""
        return {"mean": self.mean, "scale": self.scale}

    @classmethod
    def load(cls, state: Mapping[str, Tensor]) -> Scaler:
        """Take up what `state` returned."""
        return cls(state["mean"], state["scale"])
