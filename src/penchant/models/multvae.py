# SPDX-License-Identifier: Apache-2.0
"""Mult-VAE: a variational autoencoder over the bag of what a user did. Liang et al., "Variational Autoencoders for
Collaborative Filtering", WWW 2018 (https://arxiv.org/abs/1802.05814).

The bag, some of it left out, gives a normal distribution over a small vector; a draw from it gives a softmax over
all items that is to foretell the whole bag. A user is the bag, so a stranger is answered as anyone is. In training
there is no order: what was done later may help to foretell what was done before, as in `ease`. When an answer is
asked for, what was done of late is louder, which is not in the paper (see `half_life`).

No row of the catalogue's length is made of a user: the first layer sums the vectors of the items that are there,
and the last is computed chunk by chunk (`bags.bag_cross_entropy`).

Shape legend: B users, N items, E items of all bags in one flat array, K length of the small vector, W width of the
layers beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.batch import FIRST
from penchant.models.bags import Bag, bag_cross_entropy
from penchant.models.layers import keep_mask
from penchant.models.recommender import Learned, ModelConfig, Range, VectorRecommender

if TYPE_CHECKING:
    from penchant.batch import Items, Sizes, TrainBatch, Users


class MultVAE(Learned, VectorRecommender):
    """A variational autoencoder with a multinomial likelihood."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of Mult-VAE."""

        embedding_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 128
        """Length of the vector that a bag is pressed into."""
        hidden_size: Annotated[int, msgspec.Meta(ge=1, le=8192)] = 600
        """Width of the layer before it, and of the one after it."""
        dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
        """Share of a bag that is left out in training."""
        kl_weight: Annotated[float, msgspec.Meta(ge=0)] = 0.2
        """How much it costs that the distribution of the vector is not the standard normal one (beta)."""
        kl_steps: Annotated[int, msgspec.Meta(ge=0)] = 500
        """Steps before that weight is reached; it rises to there."""
        half_life: Annotated[float, msgspec.Meta(ge=0)] = 10.0
        """When answers are asked for, what was done so many events ago counts half; 0: all counts alike."""

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(32, 256, log=True),
        "hidden_size": Range(128, 1024, log=True),
        "dropout": Range(0.2, 0.8),
        "kl_weight": Range(0.01, 1.0, log=True),
        "half_life": Range(2.0, 100.0, log=True),
    }
    config: Config
    steps: Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        width, latent = config.hidden_size, config.embedding_size
        self.past = nn.Embedding(sizes.items, width)
        self.past_bias = nn.Parameter(torch.zeros(width))
        self.press = nn.Linear(width, 2 * latent)
        self.unfold = nn.Linear(latent, width)
        self.items = nn.Embedding(sizes.items, width)
        self.bias = nn.Embedding(sizes.items, 1)
        for layer in (self.past, self.press, self.unfold, self.items):
            nn.init.xavier_normal_(layer.weight)
        for linear in (self.press, self.unfold):
            nn.init.zeros_(linear.bias)
        for table in (self.past, self.items):
            # Padding and unknown: nothing is known of them.
            nn.init.zeros_(table.weight[:FIRST])
        nn.init.zeros_(self.bias.weight)
        # Part of the state, so that a run that is resumed goes on where the weight of the divergence stood.
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def encode_item(self, items: Items) -> Tensor:
        """[N, W + 1]: a vector, and how likely the item is for everyone."""
        return torch.cat([self.items(items.ids), self.bias(items.ids)], 1)

    def encode_user(self, users: Users) -> Tensor:
        """[B, W + 1]: what the middle of the distribution unfolds to, and 1 for the item's own worth."""
        bag = Bag.of(users, self.sizes.items)
        loud_E = torch.ones(len(bag.ids))
        if self.config.half_life:
            loud_E = torch.exp2(bag.ages / -self.config.half_life)
        squares_B = loud_E.new_zeros(len(bag)).index_add(0, bag.spread(torch.arange(len(bag))), loud_E.square())
        wide_BW = self._unfolded(self._pressed(bag, loud_E * bag.spread(squares_B.rsqrt()))[0])
        return torch.cat([wide_BW, wide_BW.new_ones(len(bag), 1)], 1)

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly the rest of each bag foretells the whole, and how far from normal the draws between them are.

        Both per item of the bags, so that the size of a batch does not change what a step is worth.
        """
        bag = Bag.of(batch.users, self.sizes.items)
        some = bag.where(keep_mask(bag.ids.shape, self.config.dropout))
        # The whole bag has length 1, and what is left of it is as much louder as it is expected to be less.
        loud_B = bag.lengths.clamp(min=1).float().rsqrt() / (1 - self.config.dropout)
        mean_BK, log_var_BK = self._pressed(some, some.spread(loud_B))
        drawn_BK = mean_BK + torch.randn_like(mean_BK) * (log_var_BK / 2).exp()
        divergence = (mean_BK.square() + log_var_BK.exp() - 1 - log_var_BK).sum() / 2
        weight = self.config.kl_weight * min(1.0, (int(self.steps) + 1) / (self.config.kl_steps + 1))
        self.steps += 1
        return {
            "bag": bag_cross_entropy(
                self._unfolded(drawn_BK), self.items.weight, self.bias.weight.squeeze(1), bag
            ),
            "divergence": weight * divergence / max(len(bag.ids), 1),
        }

    def _pressed(self, bag: Bag, loud_E: Tensor) -> tuple[Tensor, Tensor]:
        """([B, K] mean, [B, K] logarithm of the variance) of what stands for bags whose items are so loud."""
        sums_BW = functional.embedding_bag(
            bag.ids, self.past.weight, bag.offsets[:-1], mode="sum", per_sample_weights=loud_E
        )
        found = self.press(torch.tanh(sums_BW + self.past_bias)).float()
        mean_BK, log_var_BK = found.chunk(2, 1)
        return mean_BK, log_var_BK

    def _unfolded(self, small_BK: Tensor) -> Tensor:
        """[B, W]."""
        return torch.tanh(self.unfold(small_BK).float())
