# SPDX-License-Identifier: Apache-2.0
"""EASE: a linear autoencoder over items with a closed form. Steck, "Embarrassingly Shallow Autoencoders for
Sparse Data", WWW 2019 (https://arxiv.org/abs/1905.03375).
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor

from penchant.batch import FIRST
from penchant.errors import ConfigError
from penchant.models.interactions import gram, interactions
from penchant.models.recommender import ModelConfig, Range, Solved
from penchant.threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users


_CELL = 24
"""Bytes that solving takes for each pair of items: three matrices of float64."""
_GIB = 2**30
_ALONE = 4096
"""The largest vocabulary of items that one thread inverts alone: two seconds."""


class EASE(Solved):
    """Item-item weights with a zero diagonal.

    To answer takes 4 bytes times the square of the number of items, to solve 24.
    """

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of EASE."""

        reg: Annotated[float, msgspec.Meta(gt=0)] = 300.0
        """Weight of the squared norm; grows with the number of users."""
        memory: Annotated[float, msgspec.Meta(gt=0)] = 8.0
        """GiB that solving may take; a larger catalogue is refused before anything is allotted."""

    space: ClassVar[dict[str, Range]] = {"reg": Range(1.0, 3000.0, log=True)}
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        needed = _CELL * sizes.items**2 / _GIB
        if needed > config.memory:
            raise ConfigError(
                f"[model] of kind 'ease': {sizes.items - FIRST:,} items need {needed:.1f} GiB for a dense "
                f'inverse, more than memory = {config.memory:g}: take kind = "block_ease", which does not grow '
                "with their square; or raise memory, where there is so much; or keep fewer items, by "
                "min_item_events in [data.checks]"
            )
        self._weights = torch.zeros(sizes.items, sizes.items)

    def solve(self, users: Users) -> None:
        """Invert the regularised Gram matrix (symmetric and positive definite, so by Cholesky)."""
        shared = torch.from_numpy(gram(interactions(users, self.sizes.items))).double()
        shared.diagonal().add_(self.config.reg)
        # Where cores are busy, LAPACK's threads wait for each other many times as long as they work.
        with side_by_side() if len(shared) <= _ALONE else nullcontext():
            factor = torch.linalg.cholesky(shared)
            del shared  # each is as large as the square of the catalogue
            weights = torch.cholesky_inverse(factor)
            del factor
        weights /= -weights.diagonal().clone()
        weights.fill_diagonal_(0.0)
        self._weights = weights.float()

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: the history's weights summed."""
        past = interactions(users, self.sizes.items)
        return torch.from_numpy(past @ self._weights.numpy())[:, items.ids]

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: the weight from one item to the other."""
        return self._weights[given.ids][:, wanted.ids]

    def state(self) -> dict[str, Tensor]:
        """The item-item weights."""
        return {"weights": self._weights}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the weights."""
        self._weights = state["weights"]
