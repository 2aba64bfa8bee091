# SPDX-License-Identifier: Apache-2.0
"""The contract of a model.

A user is always encoded from what is known of them, never from an id alone, so a click changes the answer
without retraining, and a stranger's third click already matters. An item is encoded from its id and its
content. Models are written for one device and know no files, no raw ids and no training loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, TrainBatch, Users


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every model's configuration is a kind of: the run file's `[model]`, less its `kind`."""


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to look for a good value of one key: between two numbers, or among a few values.

    Whether numbers between are whole says the key's own type. The run file's `[tune.space]` writes the same:
    `{ low = 1, high = 1000, log = true }` or `{ choices = [32, 64] }`.

    Raises:
        ValueError: it is neither, or leaves nothing to choose.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Whether orders of magnitude are as likely as each other, instead of numbers."""
    choices: tuple[bool | int | float | str, ...] = ()

    def __post_init__(self) -> None:
        """Either two ends, the lower one first, or two choices at least."""
        if self.choices:
            if (self.low, self.high, self.log) != (None, None, False) or len(set(self.choices)) < 2:
                raise ValueError("give either low and high, or two choices or more that differ")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("give low and high, low being lower, or choices")
        elif self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 where log = true, not {self.low:g}")


class Recommender(ABC):
    """Scores every item for every user.

    Args:
        config: the model's own `Config`.
        sizes: of the feature space.
    """

    Config: ClassVar[type[ModelConfig]]
    space: ClassVar[dict[str, Range]] = {}
    """Keys of `Config` that are worth tuning, and where; those of training stand beside `TrainConfig`."""
    history_length: int | None = None
    """How many of a user's last events the model looks at; None for all."""
    cold_items: bool = False
    """Whether the score of an item that training never saw means anything."""
    uses_signals: bool = False
    """Whether it looks at `Users.signals` and `Items.signals`: then items are encoded anew for each question."""

    def __init__(self, config: Any, sizes: Sizes) -> None:
        self.config = config
        self.sizes = sizes

    @abstractmethod
    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N] float32: the higher, the better. Comparable within a row only."""

    @abstractmethod
    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B] float32: how strongly having done each of `given` leads to each of `wanted`.

        It ranks similar items and names the reason for a recommendation. None where the model knows no
        relation between items.
        """

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that has been learned, as named tensors, and nothing else."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""


class Solved(Recommender):
    """A model with a closed form: one pass over the histories, no gradient."""

    @abstractmethod
    def solve(self, users: Users) -> None:
        """Learn from everything these users did."""


class Learned(Recommender, nn.Module):
    """A model trained by gradient descent."""

    remembers: bool = False
    """Whether what `begin` looked at is part of what answers: then nobody may be left out of it."""

    def __init__(self, config: Any, sizes: Sizes) -> None:
        nn.Module.__init__(self)
        Recommender.__init__(self, config, sizes)

    @property
    def training_length(self) -> int | None:
        """How many of a user's last events `loss` is shown; None for all. The last one is a target only."""
        return None if self.history_length is None else self.history_length + 1

    def begin(self, users: Users) -> None:
        """Look at everything that is learned from, once, before the first step and before a run is resumed.

        For what a batch cannot tell, such as how often each item occurs. `users.catalogue` is that of every batch
        to come. What is made here is made anew for each run, so it need not be part of the state.
        """

    @abstractmethod
    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """One scalar per task; the trainer minimises their sum."""

    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers by name."""
        return {name: tensor.detach() for name, tensor in self.state_dict().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy the named tensors in; a missing or surplus name is an error."""
        self.load_state_dict(dict(state), strict=True)


class VectorRecommender(Recommender):
    """A model whose score is a dot product, so that an index can search it."""

    @abstractmethod
    def encode_user(self, users: Users) -> Tensor:
        """[B, D] float32."""

    @abstractmethod
    def encode_item(self, items: Items) -> Tensor:
        """[N, D] float32."""

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: dot products of users and items."""
        return self.encode_user(users) @ self.encode_item(items).T

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: cosine of the items' vectors."""
        a = functional.normalize(self.encode_item(given), dim=1)
        return a @ functional.normalize(self.encode_item(wanted), dim=1).T


def known(items: Items) -> Tensor:
    """[N] bool: the items that training saw."""
    return items.ids > 1


def zero_unknown(weights: Tensor, items: Items) -> Tensor:
    """`weights` [.., N] with 0 for items that training never saw."""
    return torch.where(known(items), weights, 0.0)
