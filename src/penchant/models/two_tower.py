# SPDX-License-Identifier: Apache-2.0
"""Two towers that know no ids: deep content-based filtering, for items and users that training never saw.

Covington et al., "Deep Neural Networks for YouTube Recommendations", RecSys 2016; Yi et al.,
"Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019. An item is what its
columns and its content say. A user is what their profile says, and what the item tower says of what they did.

Shape legend: B users, L steps of a history, H means of it, D embedding size, I inner size, N items, T positions
with a target.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.models.contrast import info_nce
from penchant.models.layers import Dropout, FeatureEmbedding
from penchant.models.objective import Objective, ObjectiveConfig
from penchant.models.pooling import HistoryPool
from penchant.models.readers import ContentProjection
from penchant.models.recommender import Learned, Range, VectorRecommender
from penchant.models.sequence import occurring
from penchant.models.user_tower import known
from penchant.models.views import drop_columns, incomplete

if TYPE_CHECKING:
    from penchant.batch import Items, Sizes, TrainBatch, Users

_SHARPEST = 100.0
"""Scores are cosines times a learned factor, which stays below this: else it may grow without end."""
_COMPARED = 1024
"""Items of which two views are compared with each other at once, at most: time and memory grow with the square."""

Rate = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class TwoTower(Learned, VectorRecommender):
    """What a user is likely to take up, foretold from content and profile alone."""

    class Config(ObjectiveConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the two towers."""

        embedding_size: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 64
        inner_size: Annotated[int, msgspec.Meta(ge=4)] = 128
        """Width of what is inside a tower."""
        dropout: Rate = 0.2
        """Inside the towers."""
        history_length: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
        """How many of a user's last events are looked at."""
        means: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
        """Weighted means that a history becomes, each with weights of its own."""
        use_time: bool = True
        use_action: bool = True
        use_value: bool = True
        use_user_features: bool = True
        temperature: Annotated[float, msgspec.Meta(ge=1 / _SHARPEST, le=10)] = 0.1
        """What cosines are divided by to begin with; from there it is learned."""
        drop_columns: Rate = 0.5
        """In training, how often a column or a whole modality of an item or a user is missing."""
        mask_parts: Rate = 0.3
        """In training, how often a single tag, token or number of a vector of an item is missing."""
        contrastive: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        """Weight of a term by which two such incomplete views of an item are to be alike."""

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(choices=(32, 64, 128)),
        "inner_size": Range(choices=(64, 128, 256)),
        "means": Range(choices=(1, 2, 4, 8)),
        "dropout": Range(0.0, 0.6),
        "drop_columns": Range(0.0, 0.9),
        "mask_parts": Range(0.0, 0.8),
    }
    cold_items = True
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        dim, inner = config.embedding_size, config.inner_size
        self.history_length = config.history_length
        self.objective = Objective(config)
        self.item_features = FeatureEmbedding(sizes.item_features, inner)
        self.item_content = ContentProjection(sizes.content, inner)
        self.anything = nn.Parameter(torch.zeros(inner))
        self.item_tower = Tower(inner, inner, dim, config.dropout)
        self.pool = HistoryPool(
            sizes, dim, config.means,
            use_time=config.use_time, use_action=config.use_action, use_value=config.use_value,
        )  # fmt: skip
        self.user_features = FeatureEmbedding(sizes.user_features if config.use_user_features else {}, dim)
        self.anyone = nn.Parameter(torch.zeros(dim))
        self.user_tower = Tower((config.means + 1) * dim, inner, dim, config.dropout)
        self.log_factor = nn.Parameter(-torch.tensor(config.temperature).log())

    def encode_item(self, items: Items) -> Tensor:
        """[N, D], each of length 1; the same one for all items of which nothing is known."""
        x_NI = self.anything + self.item_features(items.features) + self.item_content(items.content)
        return functional.normalize(self.item_tower(x_NI.expand(len(items), -1)).float(), dim=1)

    def encode_user(self, users: Users) -> Tensor:
        """[B, D], as long as the learned factor says; 0 for those of whom nothing is known at all.

        So all items are equal for them, and the pipeline puts the popular ones first: nobody knows better.
        """
        past = users.history.padded(self.config.history_length)
        # Only items that occur are encoded: a request costs the same in a catalogue of any size.
        rows, local = torch.unique(past.rows, return_inverse=True)
        steps_BLD = functional.embedding(local, self.encode_item(users.catalogue.take(rows)))
        found_BD = self._towards(self.pool.last(steps_BLD, past), self._profile(users))
        return torch.where(known(users, self.user_features)[:, None], found_BD, 0.0)

    def begin(self, users: Users) -> None:
        """Learn how often each item occurs: negatives may be drawn by that."""
        self.objective.begin(users)

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly each event is foretold from those before it, where much of what is known is missing."""
        config, users = self.config, batch.users
        past = users.history.padded(config.history_length + 1)
        items, drawn = users.catalogue, self.objective.draw(past.rows[past.valid])
        if drawn is not None:
            items, (past,), drawn = occurring(items, [past], drawn)
        table_ND = self.encode_item(incomplete(items, config.drop_columns, config.mask_parts))
        # The last event is a target only.
        before = past.first(past.rows.shape[1] - 1)
        means_BLHD = self.pool(functional.embedding(before.rows, table_ND), before)
        profile_B1D = self._profile(replace(users, features=drop_columns(users.features, config.drop_columns)))
        hidden_TD = self._towards(means_BLHD, profile_B1D[:, None])[past.valid]
        targets = past.rows[past.valid][:, None]
        shares = hidden_TD.new_ones(1, 1).expand(len(targets), 1)
        losses = {"next_item": self.objective(hidden_TD, table_ND, targets, shares, drawn)}
        if config.contrastive:
            losses["contrastive"] = config.contrastive * self._contrast(items, past.rows[past.valid], table_ND)
        return losses

    def _contrast(self, items: Items, rows: Tensor, table_ND: Tensor) -> Tensor:
        """How badly another incomplete view of the batch's items is told apart from those of other items."""
        some = torch.unique(rows)
        some = some[torch.randperm(len(some))[:_COMPARED]]
        other = self.encode_item(incomplete(items.take(some), self.config.drop_columns, self.config.mask_parts))
        return info_nce(table_ND[some], other, some, self.config.temperature)

    def _profile(self, users: Users) -> Tensor:
        """[B, D]: what is known of who they are; the same for all of whom nothing is."""
        profile: Tensor = (self.anyone + self.user_features(users.features)).expand(len(users), -1)
        return profile

    def _towards(self, means: Tensor, profile: Tensor) -> Tensor:
        """[.., D] out of a history's means [.., H, D] and a profile that is spread over the same places."""
        x = torch.cat([means.flatten(-2), profile.expand(*means.shape[:-2], -1)], -1)
        # Users lie where what they did lies, unless the tower learns better.
        found = means.mean(-2) + self.user_tower(x).float()
        return functional.normalize(found, dim=-1) * self.log_factor.exp().clamp(max=_SHARPEST)


class Tower(nn.Module):
    """A line and a small network beside it, over normalised inputs: however much or little of them there is.

    Args:
        size: of the inputs.
        inner: of the network.
        out: of the outputs.
        dropout: of the network.
    """

    def __init__(self, size: int, inner: int, out: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.expand = nn.Linear(size, inner)
        self.contract = nn.Linear(inner, out)
        self.straight = nn.Linear(size, out, bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[.., out] of [.., size]."""
        x = self.norm(x)
        bent: Tensor = self.straight(x) + self.contract(self.dropout(functional.gelu(self.expand(x))))
        return bent
