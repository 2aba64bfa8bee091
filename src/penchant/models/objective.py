# SPDX-License-Identifier: Apache-2.0
"""Which loss a model learns by, and against what: the keys of a run file, and the way from them to `losses`.

Shape legend: T positions with a target, N items, D embedding size, M targets of a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from torch.nn import functional

from penchant.errors import ConfigError
from penchant.models.losses import bpr, gbce, sampled_softmax, sampled_softmax_by_owner, softmax_cross_entropy
from penchant.models.negatives import Kind, Negatives
from penchant.models.recommender import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Users
    from penchant.models.negatives import Drawn


class ObjectiveConfig(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choices of every model that may learn by any of the losses."""

    loss: Literal["softmax", "sampled_softmax", "gbce", "bpr"] = "softmax"
    """All but softmax look at a few negatives only, for catalogues where all items are too many."""
    label_smoothing: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """Of softmax: this share of what is to be foretold is spread over all items."""
    negatives: Kind = "uniform"
    negative_count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 256
    negative_power: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
    """Of popularity: an item is drawn as often as this power of its events says."""
    shared_negatives: bool = True
    """All positions of a batch have the same negatives, which is many times as fast as each having its own."""
    calibration: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.75
    """Of gbce, there called t: 0 is plain binary cross-entropy, 1 makes of scores probabilities."""


class Objective:
    """A loss and its negatives, as a model's configuration has them.

    Args:
        config: of the model.

    Raises:
        ConfigError: a key does not go with the loss.
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        if config.label_smoothing and config.loss != "softmax":
            raise ConfigError(f'[model] label_smoothing: it goes with loss = "softmax" only, not "{config.loss}"')
        self.config = config
        self._negatives: Negatives | None = None
        self._n_items = 0

    def begin(self, users: Users) -> None:
        """Count the events of every item, for a model's `begin`."""
        config = self.config
        self._n_items = len(users.catalogue)
        if config.loss != "softmax":
            events = users.history.rows.bincount(minlength=self._n_items)
            self._negatives = Negatives(
                config.negatives,
                config.negative_count,
                events,
                shared=config.shared_negatives,
                power=config.negative_power,
            )

    def draw(self, targets_T: Tensor) -> Drawn | None:
        """Negatives for positions with these targets, as rows of the catalogue; None where all items take part.

        Raises:
            RuntimeError: `begin` was not called.
        """
        if self.config.loss == "softmax":
            return None
        if self._negatives is None:
            raise RuntimeError("begin comes first: negatives are drawn by what all users did")
        return self._negatives.draw(targets_T)

    def __call__(
        self, hidden_TD: Tensor, table_ND: Tensor, targets_TM: Tensor, shares_TM: Tensor, drawn: Drawn | None
    ) -> Tensor:
        """A scalar: how badly `hidden_TD` foretells the rows `targets_TM`, which count as `shares_TM` says.

        Args:
            hidden_TD: what each position says of what comes next.
            table_ND: vectors of all items, or where there are negatives of those that occur.
            targets_TM: rows of `table_ND`.
            shares_TM: a row sums to 1.
            drawn: what `draw` gave, as rows of `table_ND`.
        """
        if drawn is None:
            smoothing = self.config.label_smoothing
            return softmax_cross_entropy(hidden_TD, table_ND, targets_TM, shares_TM, smoothing=smoothing)
        if self.config.loss == "sampled_softmax":
            return sampled_softmax(hidden_TD, table_ND, targets_TM, drawn, shares_TM)
        if self.config.loss == "bpr":
            return bpr(hidden_TD, table_ND, targets_TM, drawn, shares_TM)
        return gbce(
            hidden_TD, table_ND, targets_TM, drawn, shares_TM,
            n_items=self._n_items, calibration=self.config.calibration,
        )  # fmt: skip

    def by_owner(
        self, hidden_BD: Tensor, table_ND: Tensor, targets_T: Tensor, owners_T: Tensor, drawn: Drawn
    ) -> Tensor:
        """The same where each of B positions has many targets; `owners_T` says which of them a target is of."""
        if self.config.loss == "sampled_softmax" and self.config.shared_negatives:
            return sampled_softmax_by_owner(hidden_BD, table_ND, targets_T, owners_T, drawn)
        # An embedding's backward pass is many times as fast as that of an index.
        hidden_TD, targets_T1 = functional.embedding(owners_T, hidden_BD), targets_T[:, None]
        return self(hidden_TD, table_ND, targets_T1, hidden_TD.new_ones(targets_T1.shape), drawn)
