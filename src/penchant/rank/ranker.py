# SPDX-License-Identifier: Apache-2.0
"""The ranker: of a user and a candidate it foretells every task.

It sees who the user is and what they did, what the item is, what of the history has to do with the item, how these
cross, what is counted of both of them, and what each source of candidates says of the pair.

Shape legend: Q users, C cases, N items, L steps, D embedding size, T tasks, S sources, F figures of a source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.batch import FIRST, UNKNOWN
from penchant.models.layers import Dropout, FeatureEmbedding
from penchant.models.pooling import HistoryPool
from penchant.models.readers import ContentProjection
from penchant.models.two_tower import Tower
from penchant.rank import experts
from penchant.rank.cases import FIGURES, Cases
from penchant.rank.heads import Heads
from penchant.rank.target_attention import TargetAttention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users
    from penchant.rank.config import RankConfig

_MEANS = 2
"""Means of a history, which forget at paces of their own."""
_FORGOTTEN = 0.2
"""In training, how often an item's own vector is that of an unknown item: so that one is good too."""


@dataclass(frozen=True)
class Said:
    """What a ranker says of cases.

    Attributes:
        values: [C, T] log-odds of binary tasks, standardised numbers of the others.
        shared: [C, I] what all tasks are foretold from.
    """

    values: Tensor
    shared: Tensor


class Ranker(nn.Module):
    """The network of the second stage.

    Args:
        config: the run file's `[rank]`.
        sizes: of the feature space.
        sources: how many sources there are, the `[model]` included.
        positions: the last place of a list that training knows of.
    """

    def __init__(self, config: RankConfig, sizes: Sizes, sources: int, positions: int = 0) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        self.positions = positions
        dim = config.embedding_size
        self.ids = nn.Embedding(sizes.items, dim, padding_idx=0) if config.use_ids else None
        if self.ids is not None:
            nn.init.normal_(self.ids.weight, std=0.05)
            nn.init.zeros_(self.ids.weight[0])
        self.anything = nn.Parameter(torch.zeros(dim))
        self.item_features = FeatureEmbedding(sizes.item_features, dim)
        self.item_content = ContentProjection(sizes.content, dim)
        self.item_tower = Tower(dim, dim, dim, config.dropout)
        self.pool = HistoryPool(sizes, dim, _MEANS, use_time=True, use_action=True, use_value=True)
        self.anyone = nn.Parameter(torch.zeros(dim))
        self.user_features = FeatureEmbedding(sizes.user_features, dim)
        self.user_tower = Tower((_MEANS + 1) * dim, dim, dim, config.dropout)
        self.attention = TargetAttention(sizes, dim)
        beside = sources * FIGURES + sizes.user_signals + sizes.item_signals + 1
        # User, item, what of the history speaks for it; both crosses of the item, and their sums.
        size = 5 * dim + 2 + beside
        self.norm = nn.LayerNorm(size)
        self.dropout = Dropout(config.dropout)
        self.experts = _make_experts(config, size)
        self.heads = Heads(config.foretold, config.expert_size, beside, positions)

    @property
    def uses_signals(self) -> bool:
        """Whether it looks at what is counted of users and items."""
        return bool(self.sizes.user_signals or self.sizes.item_signals)

    def forward(self, cases: Cases) -> Said:
        """What comes of each case."""
        users, owners = cases.users, cases.owners
        past = users.history.padded(self.config.history_length)
        rows, places = torch.unique(torch.cat([past.rows.flatten(), cases.rows]), return_inverse=True)
        table_ND = self._items(users.catalogue.take(rows))
        seen = past.rows.numel()
        steps_QLD = functional.embedding(places[:seen].view_as(past.rows), table_ND)
        items_CD = table_ND[places[seen:]]
        users_CD = self._users(users, self.pool.last(steps_QLD, past))[owners]
        spoken_CD = self.attention(steps_QLD, past, items_CD, owners)
        beside = self._beside(cases)
        shared = torch.cat(
            [
                users_CD, items_CD, spoken_CD, users_CD * items_CD, spoken_CD * items_CD,
                (users_CD * items_CD).sum(1, keepdim=True), (spoken_CD * items_CD).sum(1, keepdim=True), beside,
            ],
            1,
        )  # fmt: skip
        shared = self.norm(shared)
        seen_TCO = self.experts(self.dropout(shared))
        return Said(self.heads(seen_TCO, beside, cases.positions), shared)

    def state(self) -> dict[str, Tensor]:
        """Parameters by name."""
        return {name: tensor.detach() for name, tensor in self.state_dict().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy the named tensors in; a missing or surplus name is an error."""
        self.load_state_dict(dict(state), strict=True)

    def forget_all_but(self, ids: Tensor) -> None:
        """Let items that were not among `ids`, of which nothing was learned, have an unknown item's vector."""
        if self.ids is not None:
            fresh = torch.ones(len(self.ids.weight), dtype=torch.bool)
            fresh[ids] = False
            fresh[0] = False
            with torch.no_grad():
                self.ids.weight[fresh] = self.ids.weight[UNKNOWN].clone()

    def _items(self, items: Items) -> Tensor:
        """[N, D]: what is known of each item, and where it is asked for, which one it is."""
        x_ND = self.anything + self.item_features(items.features) + self.item_content(items.content)
        if self.ids is not None:
            ids = items.ids
            if self.training:
                ids = torch.where(torch.rand(len(ids)) < _FORGOTTEN, ids.clamp(max=UNKNOWN), ids)
            x_ND = x_ND + self.ids(ids)
        found: Tensor = self.item_tower(x_ND.expand(len(items), -1))
        return found.float()

    def _users(self, users: Users, means_QHD: Tensor) -> Tensor:
        """[Q, D]."""
        profile = (self.anyone + self.user_features(users.features)).expand(len(users), -1)
        found: Tensor = self.user_tower(torch.cat([means_QHD.flatten(1), profile], 1))
        return found.float()

    def _beside(self, cases: Cases) -> Tensor:
        """[C, W]: what the sources say, what is counted of user and item, and whether training saw the item."""
        users, catalogue = cases.users, cases.users.catalogue
        parts = [cases.standing.flatten(1), (catalogue.ids[cases.rows] < FIRST).float()[:, None]]
        if self.sizes.user_signals:
            parts.append(_counted(users.signals, cases.owners, self.sizes.user_signals))
        if self.sizes.item_signals:
            parts.append(_counted(catalogue.signals, cases.rows, self.sizes.item_signals))
        return torch.cat(parts, 1)


def with_signals_for(users: Users, catalogue: Items) -> Users:
    """The users over a catalogue that may be longer than theirs: items that came after they were read.

    What is counted of those is nothing yet, which is the mean: 0.
    """
    counted = users.catalogue.signals
    if counted is not None:
        counted = functional.pad(counted, (0, 0, 0, max(len(catalogue) - len(counted), 0)))[: len(catalogue)]
    return replace(users, catalogue=replace(catalogue, signals=counted))


def _counted(signals: Tensor | None, which: Tensor, size: int) -> Tensor:
    """[C, size]: of nobody knows what, the mean, which is 0."""
    return torch.zeros(len(which), size) if signals is None else signals[which]


def _make_experts(config: RankConfig, size: int) -> experts.Experts:
    tasks = len(config.foretold)
    sizes = (size, config.expert_size, tasks, config.n_experts, config.dropout)
    if config.experts == "ple":
        return experts.PLE(*sizes, layers=config.layers)
    return experts.KINDS[config.experts](*sizes)
