# SPDX-License-Identifier: Apache-2.0
"""Bayesian personalised ranking: Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI
2009 (https://arxiv.org/abs/1205.2618), for users who are what they did: the sum of their items' vectors, as in
Kabbur et al., "FISM: Factored Item Similarity Models for Top-N Recommender Systems", KDD 2013. So a stranger is
answered as anyone is.

Shape legend: B users, E events of all of them, D embedding size, S negatives of an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.models.negatives import Kind, Negatives
from penchant.models.recommender import Learned, ModelConfig, Range, VectorRecommender

if TYPE_CHECKING:
    from penchant.batch import History, Items, Sizes, TrainBatch, Users


class BPR(Learned, VectorRecommender):
    """What was done is to score higher than what was not."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of pairwise ranking."""

        embedding_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
        negatives: Kind = "uniform"
        negative_count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 4
        """Items, drawn for each event, that it is to beat; one that the user has done does not count."""
        negative_power: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
        """Of popularity: an item is drawn as often as this power of its events says."""
        length_power: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
        """A history's sum is divided by this power of its length: 1 for the mean, 0 for the plain sum."""
        reg: Annotated[float, msgspec.Meta(ge=0)] = 0.001
        """Weight of the squared norms of the vectors that take part."""

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(16, 256, log=True),
        "negative_count": Range(1, 32, log=True),
        "length_power": Range(0.0, 1.0),
        "reg": Range(0.00001, 0.03, log=True),
    }
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._negatives: Negatives | None = None
        self.past = nn.Embedding(sizes.items, config.embedding_size)
        self.items = nn.Embedding(sizes.items, config.embedding_size)
        self.bias = nn.Embedding(sizes.items, 1)
        for table in (self.past, self.items):
            nn.init.normal_(table.weight, std=0.1 * config.embedding_size**-0.5)
            # Padding and unknown: nothing is known of them.
            nn.init.zeros_(table.weight[:2])
        nn.init.zeros_(self.bias.weight)

    def begin(self, users: Users) -> None:
        """Count the events of every item: negatives may be drawn by that."""
        config = self.config
        events = users.history.rows.bincount(minlength=len(users.catalogue))
        self._negatives = Negatives(
            config.negatives, config.negative_count, events, shared=False, power=config.negative_power
        )

    def encode_item(self, items: Items) -> Tensor:
        """[N, D + 1]: a vector, and how likely the item is for everyone."""
        return torch.cat([self.items(items.ids), self.bias(items.ids)], 1)

    def encode_user(self, users: Users) -> Tensor:
        """[B, D + 1]: the history's sum, and 1 for the item's own worth."""
        history = users.history
        ids = users.catalogue.ids[history.rows]
        total = functional.embedding_bag(ids, self.past.weight, history.offsets[:-1], mode="sum")
        return torch.cat([total * self._scale(history.lengths), total.new_ones(len(users), 1)], 1)

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly each event, given those before it, beats items drawn at random.

        Raises:
            RuntimeError: `begin` was not called.
        """
        if self._negatives is None:
            raise RuntimeError("begin comes first: negatives are drawn by what all users did")
        users = batch.users
        history, catalogue = users.history, users.catalogue
        owners = history.owners
        past_ED, place_E = _before(self.past(catalogue.ids[history.rows]), history, owners)
        user_ED = past_ED * self._scale(place_E)
        drawn_ES = self._negatives.draw(history.rows).rows
        counts_ES = ~torch.isin(
            owners[:, None] * len(catalogue) + drawn_ES, owners * len(catalogue) + history.rows
        )
        positive_ED, negative_ESD = self.items(catalogue.ids[history.rows]), self.items(catalogue.ids[drawn_ES])
        better_ES = (user_ED * positive_ED).sum(1, keepdim=True) - (negative_ESD @ user_ED[:, :, None]).squeeze(2)
        better_ES = (
            better_ES + self.bias(catalogue.ids[history.rows]) - self.bias(catalogue.ids[drawn_ES]).squeeze(2)
        )
        norms = positive_ED.square().sum(1) + user_ED.square().sum(1) + negative_ESD.square().sum(2).mean(1)
        return {
            "ranking": (functional.softplus(-better_ES) * counts_ES).sum() / counts_ES.sum().clamp(min=1),
            "norms": self.config.reg * norms.mean(),
        }

    def _scale(self, lengths: Tensor) -> Tensor:
        """[B, 1]: what the sum of so many vectors is multiplied by."""
        return (lengths.clamp(min=1).float() ** -self.config.length_power)[:, None]


def _before(vectors_ED: Tensor, history: History, owners: Tensor) -> tuple[Tensor, Tensor]:
    """([E, D] the sum of what its user did before each event, [E] of how many)."""
    sums = functional.pad(vectors_ED.cumsum(0), (0, 0, 1, 0))
    starts = history.offsets[:-1][owners]
    return sums[:-1] - sums[starts], torch.arange(len(owners)) - starts
