# SPDX-License-Identifier: Apache-2.0
"""How a sequence model varies what it is trained on: the choices of a run file, and what they make of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import torch

from penchant.batch import UNKNOWN
from penchant.errors import ConfigError
from penchant.models import augment
from penchant.models.alike import alike
from penchant.models.contrast import Share, Views, info_nce, vary
from penchant.models.objective import ObjectiveConfig

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import History, PaddedHistory, Sizes, Users


class AugmentConfig(ObjectiveConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choices of varied histories, beside those of the loss (a struct has one base). As they come, none is."""

    stretch: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """How often a history that is too long is shown from anywhere instead of its end."""
    crop: Share = 0.0
    """How much of each history is cut off around a random stretch."""
    reorder: Share = 0.0
    """How much of each history is shuffled, what is foretold as well as what it is foretold from."""
    substitute: Share = 0.0
    """How much of each history tells of an item alike, in what is foretold from alone."""
    mask: Share = 0.0
    """How much of each history has its item hidden, in what is foretold from alone."""
    neighbours: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """How many alike items one may be substituted by."""
    contrastive: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Weight of the contrastive term."""
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 0.2
    """What cosines are divided by in it."""
    views: Views = Views()
    """In which ways it varies a history."""


class Augmentation:
    """The ways in which a model's training is varied, as its configuration has them.

    Args:
        config: of the model.

    Raises:
        ConfigError: there is a contrastive term, and nothing by which two views would differ.
    """

    def __init__(self, config: AugmentConfig) -> None:
        views = config.views if config.contrastive else Views(crop=0, mask=0, reorder=0)
        if config.contrastive and not any(msgspec.structs.astuple(views)):
            raise ConfigError(
                "[model] views: all are 0, so two views of a history would be the same and contrastive would "
                "teach nothing: give one of them a share, such as views = { crop = 0.4 }, or set contrastive = 0"
            )
        self.config = config
        self.hides = config.mask > 0 or views.mask > 0
        """Whether a step may be without its item."""
        self._substitutes = config.substitute > 0 or views.substitute > 0
        self._alike = torch.zeros(0, 0, dtype=torch.int64)

    def begin(self, users: Users, sizes: Sizes, last: int | None) -> None:
        """Find out which items are alike, for a model's `begin`, if one is to take another's place.

        Args:
            users: all that are learned from.
            sizes: of the feature space.
            last: how many events of each tell which items are alike.
        """
        if self._substitutes:
            self._alike = alike(users.select(torch.arange(len(users)), last), sizes, self.config.neighbours)

    def __call__(self, history: History, length: int) -> tuple[PaddedHistory, PaddedHistory]:
        """What is foretold, and what it is foretold from: the same steps, some of them hidden or substituted.

        Nothing moves in the one that does not move in the other: else a step could be told what comes after it.

        Args:
            history: what was done; whole, where `stretch` is wanted.
            length: the most steps of each user.

        Raises:
            RuntimeError: `begin` was not called, and items are to be substituted.
        """
        config = self.config
        if self._substitutes and not len(self._alike):
            raise RuntimeError("begin comes first: items are substituted by what all users did")
        if config.stretch:
            history = augment.stretch(history, length, config.stretch)
        past = history.padded(length)
        if config.crop:
            past = augment.crop(past, config.crop)
        if config.reorder:
            past = augment.reorder(past, config.reorder)
        seen = past
        if config.substitute:
            seen = augment.substitute(seen, config.substitute, self._alike)
        if config.mask:
            seen = augment.mask(seen, config.mask)
        return past, seen

    def views(self, past: PaddedHistory) -> list[PaddedHistory]:
        """Two variations on each history, or none where there is no contrastive term."""
        if not self.config.contrastive:
            return []
        return [vary(past, self.config.views, self._alike) for _ in range(2)]

    def contrast(self, one_BD: Tensor, other_BD: Tensor, ids_B: Tensor) -> Tensor:
        """The contrastive term, weighed: what became of two views of users with the given indices."""
        # Strangers share an index, and are different people.
        owners_B = torch.where(ids_B > UNKNOWN, ids_B, -1 - torch.arange(len(ids_B)))
        return self.config.contrastive * info_nce(one_BD, other_BD, owners_B, self.config.temperature)
