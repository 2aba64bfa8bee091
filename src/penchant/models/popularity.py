# SPDX-License-Identifier: Apache-2.0
"""Popularity: the same list for everyone; the bar that every other model must clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor

from penchant.models.recommender import ModelConfig, Range, Solved
from penchant.schema import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_DAY = 86_400 * MICROSECONDS


class Popularity(Solved):
    """How many events an item had, the old ones counting less where a half-life is given."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the popularity model."""

        half_life: Annotated[float, msgspec.Meta(gt=0)] | None = None
        """Days after which an event counts half; none: all count the same."""

    space: ClassVar[dict[str, Range]] = {"half_life": Range(1.0, 365.0, log=True)}
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._weights = torch.zeros(sizes.items)

    def solve(self, users: Users) -> None:
        """Count."""
        history = users.history
        weights = torch.ones(len(history.rows), dtype=torch.float64)
        if self.config.half_life is not None and len(history.times):
            age = (history.times.max() - history.times).double() / _DAY
            weights = torch.exp2(-age / self.config.half_life)
        counts = torch.zeros(self.sizes.items, dtype=torch.float64)
        counts.index_add_(0, users.catalogue.ids[history.rows], weights)
        counts[:2] = 0
        self._weights = (counts / counts.sum().clamp(min=1e-12)).float()

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: each item's share of all events."""
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
