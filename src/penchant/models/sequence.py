# SPDX-License-Identifier: Apache-2.0
"""What every model has in common that reads a history step by step, each step seeing those before it.

An item is its id plus its attributes and content, a step in the history carries its action, its value and the
time since the step before, and what is known of the user is added to every step. A stack of blocks turns that into
what is foretold at each step, trained with a softmax over the whole catalogue, which is what makes such models
strong (Klenitskiy and Vasilev, RecSys 2023, https://arxiv.org/abs/2309.07602), or over negatives where it is too
large for that. Blocks may also see how far apart two steps are. A model adds its block, and nothing else.

Shape legend: B users, L length, D embedding size, H heads, N items of a catalogue, T positions with a target, M
targets of a position.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from msgspec.structs import replace as replace_struct
from torch import Tensor, nn

from penchant.errors import ConfigError
from penchant.models.attention import RelativeBias
from penchant.models.augment import HIDDEN
from penchant.models.augmented import Augmentation, AugmentConfig
from penchant.models.buckets import GAPS, VALUE_EDGES, powers_of_seconds
from penchant.models.layers import Block, Dropout, FeatureEmbedding
from penchant.models.objective import Objective
from penchant.models.readers import ContentProjection
from penchant.models.recommender import Learned, Range, VectorRecommender

if TYPE_CHECKING:
    from penchant.batch import Items, PaddedHistory, Sizes, TrainBatch, Users
    from penchant.models.negatives import Drawn

_Far = tuple[Tensor, Tensor | None]
"""[B, K, L] in places, where B may be 1, and in buckets of time, where times mean anything: see `RelativeBias`."""


class SequenceRecommender(Learned, VectorRecommender):
    """Foretells the next event from those before it; a subclass says what its blocks are."""

    class Config(AugmentConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of every sequence model."""

        embedding_size: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 64
        blocks: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
        heads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
        dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.3
        history_length: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
        """How many of a user's last events are looked at."""
        use_time: bool = True
        use_action: bool = True
        use_value: bool = True
        ahead: tuple[Annotated[float, msgspec.Meta(ge=0)], ...] = (1.0,)
        """How much the next event counts as the target of a step, the one after it, and so on. More than one helps
        where events come in bursts; after the all-action loss of PinnerFormer
        (https://arxiv.org/abs/2205.04507), kept near."""
        use_relative: bool = False
        """A block also sees how far apart two events are, in places and in time."""
        id_spread: Annotated[float, msgspec.Meta(gt=0)] | None = None
        """Standard deviation of the items' own vectors before training; None for 1 / sqrt(embedding_size). A small
        one learns sooner, and leaves an item of few events to what its columns say."""
        use_item_features: bool = True
        use_user_features: bool = True

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(choices=(32, 64, 128, 256)),
        "blocks": Range(1, 4),
        "heads": Range(choices=(1, 2, 4, 8)),
        "dropout": Range(0.1, 0.6),
        "history_length": Range(choices=(50, 100, 200)),
        "use_relative": Range(choices=(False, True)),
    }
    config: Config
    value_edges: Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        dim = config.embedding_size
        if dim % config.heads:
            raise ConfigError(f"[model] heads: {config.heads} heads do not divide embedding_size {dim} evenly")
        if not config.ahead or config.ahead[0] <= 0:
            raise ConfigError("[model] ahead: the first number is the next event's share and must be above 0")
        self.history_length = config.history_length
        self.objective = Objective(config)
        # A set has no order to learn: what is foretold, and from what, is drawn anew each time.
        self.augmentation = Augmentation(config if self.ordered else replace_struct(config, reorder=1.0))
        self.ids = nn.Embedding(sizes.items, dim, padding_idx=0)
        self.start = nn.Parameter(torch.zeros(dim))
        self.positions = nn.Embedding(config.history_length + 1, dim)
        self.actions = nn.Embedding(sizes.actions, dim, padding_idx=0)
        self.gaps = nn.Embedding(GAPS, dim)
        self.values = nn.Embedding(len(VALUE_EDGES) + 1, dim)
        self.register_buffer("value_edges", torch.tensor(VALUE_EDGES), persistent=False)
        self.make_items(sizes)
        self.user_features = FeatureEmbedding(sizes.user_features if config.use_user_features else {}, dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(self.make_block() for _ in range(config.blocks))
        self.relative = nn.ModuleList(
            RelativeBias(config.heads, config.history_length + 1, GAPS)
            for _ in range(config.blocks if self._sees_distances else 0)
        )
        self.norm = nn.LayerNorm(dim)
        nn.init.normal_(self.ids.weight, std=config.id_spread or dim**-0.5)
        nn.init.normal_(self.positions.weight, std=dim**-0.5)
        nn.init.zeros_(self.ids.weight[0])
        # What may turn out to say nothing starts as nothing.
        nn.init.zeros_(self.actions.weight)
        nn.init.zeros_(self.gaps.weight)
        nn.init.zeros_(self.values.weight)

    @abstractmethod
    def make_block(self) -> Block:
        """A fresh block of the stack, as `config` has it."""

    @property
    def ordered(self) -> bool:
        """Whether order matters. If not, places and times say nothing, and training shuffles histories."""
        return True

    def make_items(self, sizes: Sizes) -> None:
        """What `encode_item` needs beside the ids."""
        dim, wanted = self.config.embedding_size, self.config.use_item_features
        self.item_features = FeatureEmbedding(sizes.item_features if wanted else {}, dim)
        self.item_content = ContentProjection(sizes.content if wanted else {}, dim)

    def encode_item(self, items: Items) -> Tensor:
        """[N, D]: id, attributes and content, summed."""
        ids: Tensor = self.ids(items.ids)
        total: Tensor = ids + self.item_features(items.features) + self.item_content(items.content)
        return total

    def encode_user(self, users: Users) -> Tensor:
        """[B, D]: what is foretold after the last event, or from the profile alone where there is none."""
        past = users.history.padded(self.config.history_length)
        # Only items that occur are encoded: a request costs the same in a catalogue of any size.
        rows, local = torch.unique(past.rows, return_inverse=True)
        table_ND = self.encode_item(users.catalogue.take(rows))
        return self.informed(self._last(table_ND, replace(past, rows=local), users), users.signals)

    @property
    def training_length(self) -> int | None:
        """Everything, where training takes stretches from anywhere."""
        return None if self.config.stretch else super().training_length

    def begin(self, users: Users) -> None:
        """Learn how often each item occurs and which are alike: negatives and substitutes may be drawn by that."""
        self.objective.begin(users)
        self.augmentation.begin(users, self.sizes, self.training_length)

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly each event is foretold from those before it."""
        users = batch.users
        past, seen = self.augmentation(users.history, self.config.history_length + 1)
        views = self.augmentation.views(past.first(self.config.history_length))
        items, drawn = users.catalogue, self.objective.draw(past.rows[past.valid])
        if drawn is not None:
            items, (past, seen, *views), drawn = occurring(items, [past, seen, *views], drawn)
        table_ND = self.training_table(items)
        # The last event is a target only.
        hidden_BLD = self.hidden(table_ND, seen.first(past.rows.shape[1] - 1), users)
        hidden_BLD = self.informed(hidden_BLD, past.user_signals)
        valid_BL = past.valid
        targets, shares = _ahead(past.rows, valid_BL, self.config.ahead)
        found = self.objective(hidden_BLD[valid_BL], table_ND, targets[valid_BL], shares[valid_BL], drawn)
        losses = {"next_item": found}
        if views:
            # Who the users are would tell them apart by itself: only their histories may.
            one, other = (self._last(table_ND, view, None) for view in views)
            losses["contrastive"] = self.augmentation.contrast(one, other, users.ids)
        return losses

    def training_table(self, items: Items) -> Tensor:
        """[N, D]: what a step of training takes for the items' vectors."""
        return self.encode_item(items)

    def informed(self, foretold: Tensor, signals: Tensor | None) -> Tensor:  # noqa: ARG002 - for those who look
        """[.., D]: what is foretold, given what users' signals [.., A] are as it is asked for; None if unknown."""
        return foretold

    def hidden(self, table_ND: Tensor, past: PaddedHistory, users: Users | None) -> Tensor:
        """What is foretold before the first step, and after each of them.

        Args:
            table_ND: the items' vectors.
            past: what the users did, or a variation on it; its `rows` point into `table_ND`, or are `HIDDEN`.
            users: who they are; None where that is not to be known.

        Returns:
            [B, L + 1, D]; position l has seen l steps, and means nothing beyond the length of its history.
        """
        far = self._far(past.times)
        x_BLD = self._before_last(table_ND, past, users, far)
        hidden: Tensor = self.norm(self._blocks[-1](x_BLD, self._bias(far, -1)))
        return hidden

    def _last(self, table_ND: Tensor, past: PaddedHistory, users: Users | None) -> Tensor:
        """[B, D]: what `hidden` gives after the last step, without the last block's work for the others."""
        x_BLD = self._before_last(table_ND, past, users, self._far(past.times))
        bias_BH1L = self._bias(self._far(past.times, past.lengths), -1)
        last: Tensor = self._blocks[-1].at(
            x_BLD, past.lengths, None if bias_BH1L is None else bias_BH1L.squeeze(2)
        )
        normed: Tensor = self.norm(last)
        return normed

    def _before_last(self, table_ND: Tensor, past: PaddedHistory, users: Users | None, far: _Far | None) -> Tensor:
        """[B, L + 1, D]: what the last block is given."""
        x_BLD = self._inputs(table_ND, past, users)
        for number, block in enumerate(self._blocks[:-1]):
            x_BLD = block(x_BLD, self._bias(far, number))
        return x_BLD

    def _inputs(self, table_ND: Tensor, past: PaddedHistory, users: Users | None) -> Tensor:
        """[B, L + 1, D]: the learned start, and each of the L steps with all that is known of it."""
        x = nn.functional.embedding(past.rows.clamp(min=0), table_ND) * self.config.embedding_size**0.5
        if self.augmentation.hides:
            # Nothing stands in place of the item: the step's place and time remain.
            x = x.masked_fill(past.rows[:, :, None] == HIDDEN, 0.0)
        x = torch.cat([self.start.expand(len(past.rows), 1, -1), self.with_circumstances(x, past)], 1)
        if self.ordered:
            x = x + self.positions.weight[: x.shape[1]]
        profile = 0.0 if users is None else self.user_features(users.features)
        if isinstance(profile, Tensor):
            x = x + profile[:, None]
        dropped: Tensor = self.dropout(x)
        return dropped

    def with_circumstances(self, x: Tensor, past: PaddedHistory) -> Tensor:
        """[B, L, D]: the vectors of the steps' items, and what else is known of each step."""
        if self.config.use_action:
            x = x + self.actions(past.actions)
        if self.config.use_value:
            x = x + self.values(torch.bucketize(past.values.contiguous(), self.value_edges))
        if self._sees_times:
            x = x + self.gaps(_gap_buckets(past.times))
        return x

    @property
    def _sees_times(self) -> bool:
        return self.config.use_time and self.ordered and self.sizes.has_time

    @property
    def _sees_distances(self) -> bool:
        return self.config.use_relative and self.ordered

    def _far(self, times_BL: Tensor, ends_B: Tensor | None = None) -> _Far | None:
        """How far back positions lie from each, or from position `ends_B` of each user; None if no one asks."""
        if not self._sees_distances:
            return None
        positions = torch.arange(times_BL.shape[1] + 1)
        ends_BK = positions[None] if ends_B is None else ends_B[:, None]
        gaps = None
        if self._sees_times:
            # The start stands at the time of the first event.
            times = torch.cat([times_BL[:, :1], times_BL], 1)
            gaps = powers_of_seconds(times.gather(1, ends_BK.expand(len(times), -1))[:, :, None] - times[:, None])
        return (ends_BK[:, :, None] - positions).clamp(min=0), gaps

    def _bias(self, far: _Far | None, block: int) -> Tensor | None:
        """[B, H, K, L + 1] or None: what the attention of a block adds for distances; B may be 1."""
        if far is None:
            return None
        bias: Tensor = self.relative[block](*far)
        return bias

    @property
    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]


def occurring(items: Items, pasts: list[PaddedHistory], drawn: Drawn) -> tuple[Items, list[PaddedHistory], Drawn]:
    """The items that occur in histories or negatives, and all of these with rows that point into them."""
    parts = [*(past.rows for past in pasts), drawn.rows]
    flat = torch.cat([part.flatten() for part in parts])
    rows, local = torch.unique(flat.clamp(min=0), return_inverse=True)
    local = torch.where(flat == HIDDEN, flat, local)
    locals_ = torch.split(local, [part.numel() for part in parts])
    found = [one.view_as(part) for one, part in zip(locals_, parts, strict=True)]
    return (
        items.take(rows),
        [replace(past, rows=one) for past, one in zip(pasts, found, strict=False)],
        replace(drawn, rows=found[-1]),
    )


def _ahead(rows_BL: Tensor, valid_BL: Tensor, counts: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """([B, L, M] the events from each step on, [B, L, M] their shares, which sum to 1 where a step is valid)."""
    length = rows_BL.shape[1]
    steps = torch.arange(length)[:, None] + torch.arange(len(counts))
    inside = steps.clamp(max=length - 1)
    shares = torch.tensor(counts) * (valid_BL[:, inside] & (steps < length))
    return rows_BL[:, inside], shares / shares.sum(2, keepdim=True).clamp(min=1e-9)


def _gap_buckets(times_BL: Tensor) -> Tensor:
    """[B, L] int64: the power of two of the seconds since the step before; 0 for the first step."""
    gaps = torch.zeros_like(times_BL)
    gaps[:, 1:] = times_BL[:, 1:] - times_BL[:, :-1]
    return powers_of_seconds(gaps)
