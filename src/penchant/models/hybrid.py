# SPDX-License-Identifier: Apache-2.0
"""The deep hybrid: one network that knows what somebody did, who they are and what things are.

An item is who it is, its attributes, and whatever words, pictures or sounds there are of it, fused to one vector;
in training any of it may be missing, so that an item with nothing but a picture has a good vector too (Volkovs et
al., "DropoutNet", NeurIPS 2017). A user is what they did, step by step, with its circumstances, and their profile
and signals. Both meet in a dot product, so an index can search it; what it learns by is what `sequence` says.

Shape legend: N items, D embedding size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec
import torch

from penchant.batch import UNKNOWN, TrainBatch
from penchant.errors import ConfigError
from penchant.models.contrast import info_nce
from penchant.models.hstu import HSTUBlock
from penchant.models.item_tower import ItemTower
from penchant.models.layers import CausalBlock, SetBlock
from penchant.models.recommender import Range
from penchant.models.sequence import SequenceRecommender
from penchant.models.user_tower import Signals, StepContext, known
from penchant.models.views import drop_columns, incomplete, nameless

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from penchant.batch import Items, PaddedHistory, Sizes, Users
    from penchant.models.layers import Block

_COMPARED = 512
"""Items whose id and content are compared at once, at most: time and memory grow with the square."""

Rate = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class Hybrid(SequenceRecommender):
    """A sequence model over fused item vectors, for items and users whom training never saw as well."""

    class Config(SequenceRecommender.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the hybrid."""

        block: Literal["sasrec", "hstu", "set"] = "sasrec"
        """What reads the history: blocks of those models, or one that sees a set without order."""
        inner_size: Annotated[int, msgspec.Meta(ge=4)] = 256
        """Width of the feed-forward part of a block."""
        fusion: Literal["sum", "concat", "gated", "attention", "bilinear"] = "sum"
        """How the parts of an item become one vector."""
        id_dropout: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
        """In training, how often an item has no id; at 1 ids say nothing, then or later."""
        modality_dropout: Rate = 0.2
        """In training, how often a column or a whole modality of an item, or a column of a profile, is missing."""
        mask_parts: Rate = 0.2
        """In training, how often a single tag, token or number of a vector of an item is missing."""
        content_pace: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
        """How fast frozen vectors are learned from: each has hundreds of numbers, whose weights move together."""
        alignment: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        """Weight of a term by which an item's id and its content are to say the same."""
        use_context: bool = True
        use_signals: bool = True

    space: ClassVar[dict[str, Range]] = {
        **SequenceRecommender.space,
        "inner_size": Range(choices=(64, 128, 256, 512)),
        "fusion": Range(choices=("sum", "concat", "gated", "attention")),
        "id_dropout": Range(0.0, 0.6),
        "modality_dropout": Range(0.0, 0.8),
        "mask_parts": Range(0.0, 0.8),
        "content_pace": Range(0.01, 1.0, log=True),
    }
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        if config.block == "set" and config.blocks > 1:
            raise ConfigError(
                f'[model] blocks: block = "set" reads a history at once: set blocks = 1, not {config.blocks}'
            )
        super().__init__(config, sizes)
        dim = config.embedding_size
        # Of a new item something can be said if there is anything but ids to say it by.
        self.cold_items = len(self.item_tower.names) > 1
        self.context = StepContext(sizes.context if config.use_context else {}, dim)
        self.signals = Signals(sizes.user_signals, dim) if config.use_signals and sizes.user_signals else None

    def make_block(self) -> Block:
        """A block of the model that was chosen."""
        config = self.config
        made: dict[str, Callable[[int, int, int, float], Block]] = {
            "sasrec": CausalBlock, "hstu": HSTUBlock, "set": SetBlock
        }  # fmt: skip
        return made[config.block](config.embedding_size, config.heads, config.inner_size, config.dropout)

    @property
    def ordered(self) -> bool:
        """Not where a history is read as a set."""
        return self.config.block != "set"

    def make_items(self, sizes: Sizes) -> None:
        """The item tower."""
        config = self.config
        self.item_tower = ItemTower(
            sizes,
            config.embedding_size,
            config.fusion,
            use_features=config.use_item_features,
            pace=config.content_pace,
        )

    def encode_item(self, items: Items) -> Tensor:
        """[N, D]."""
        found: Tensor = self.item_tower(self.ids(items.ids), self._named(items), items)
        return found

    def encode_user(self, users: Users) -> Tensor:
        """[B, D]; 0 for those of whom nothing is known at all, so that the pipeline puts what is popular first."""
        return torch.where(known(users, self.user_features)[:, None], super().encode_user(users), 0.0)

    def training_table(self, items: Items) -> Tensor:
        """[N, D]: of items of which something is missing, drawn anew by each call."""
        return self.encode_item(nameless(self._incomplete(items), self.config.id_dropout))

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly each event is foretold, and how far ids are from their content."""
        users = batch.users
        if self.config.modality_dropout:
            users = replace(users, features=drop_columns(users.features, self.config.modality_dropout))
        losses = super().loss(TrainBatch(users=users))
        if self.config.alignment and self.cold_items:
            rows = torch.unique(users.history.rows)
            some = users.catalogue.take(rows[torch.randperm(len(rows))[:_COMPARED]])
            losses["alignment"] = self.config.alignment * self._misaligned(some)
        return losses

    def informed(self, foretold: Tensor, signals: Tensor | None) -> Tensor:
        """[.., D]: what is foretold, and what signals add to it."""
        if self.signals is None or signals is None:
            return foretold
        found: Tensor = foretold + self.signals(signals)
        return found

    def with_circumstances(self, x: Tensor, past: PaddedHistory) -> Tensor:
        """[B, L, D]: what is known of a step, its context included."""
        found: Tensor = super().with_circumstances(x, past) + self.context(past.context)
        return found

    def _named(self, items: Items) -> Tensor:
        """[N] bool: whose id says anything."""
        return (items.ids > UNKNOWN) & (self.config.id_dropout < 1)

    def _incomplete(self, items: Items) -> Items:
        return incomplete(items, self.config.modality_dropout, self.config.mask_parts)

    def _misaligned(self, items: Items) -> Tensor:
        """How badly an item's content, some of it missing, is told from that of others by the item's id alone."""
        ids_ND = self.ids(items.ids)
        nobody = torch.zeros(len(items), dtype=torch.bool)
        content_ND = self.item_tower(ids_ND, nobody, self._incomplete(items))
        return info_nce(ids_ND, content_ND, items.ids, self.config.temperature)
