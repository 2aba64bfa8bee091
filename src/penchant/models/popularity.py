# SPDX-License-Identifier: Apache-2.0
"""Popularity: the same list for everyone; the bar that every other model must clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor

from penchant.decay import HALF_LIFE, decayed
from penchant.models.recommender import ModelConfig, Range, Solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users


class Popularity(Solved):
    """How many events an item had, the old ones counting less."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the popularity model."""

        half_life: Annotated[float, msgspec.Meta(ge=0)] | None = HALF_LIFE
        """Days after which an event counts half; 0: all count the same."""

    space: ClassVar[dict[str, Range]] = {"half_life": Range(0.5, 365.0, log=True)}
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._weights = torch.zeros(sizes.items)

    def solve(self, users: Users) -> None:
        """Count."""
        history = users.history
        counts = torch.zeros(self.sizes.items, dtype=torch.float64)
        weights = decayed(history.times, self.config.half_life)
        counts.index_add_(0, users.catalogue.ids[history.rows], weights)
        counts[:2] = 0
        self._weights = (counts / counts.sum().clamp(min=1e-12)).float()

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: each item's share of all events, each as much as it still counts."""
        return self._weights[items.ids].expand(len(users), -1)

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:  # noqa: ARG002
        """None: nothing leads to anything."""
        return None

    def state(self) -> dict[str, Tensor]:
        """The weight of each item."""
        return {"weights": self._weights}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the weights."""
        self._weights = state["weights"]
