# SPDX-License-Identifier: Apache-2.0
"""Users, Items, TrainBatch: all that ever enters a model.

Shape legend, used in every model: B users, N items (rows of a catalogue), E events of all users of a batch
in one flat array, L padded length of a history, D embedding size, W width of a multi-valued column.

Index convention, the same in every vocabulary: 0 is padding (absent), 1 is unknown (never seen in
training), known values start at 2. A *row* is a position in a catalogue (0..N-1) and is not an index of a
vocabulary: an item that came after training has a row, and the vocabulary index 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

PADDING = 0
UNKNOWN = 1
FIRST = 2


@dataclass(frozen=True, kw_only=True)
class Items:
    """A catalogue, or a part of one.

    Attributes:
        ids: [N] int64, index in the item vocabulary (`UNKNOWN` for an item that training never saw).
        features: per column: [N] int64 for a category, [N, W] int64 padded with 0 for tags, [N] float32
            (standardised, 0 where missing) for a number.
        content: per modality: (what was encoded [N, ...], present [N] bool). A frozen encoder gives vectors
            [N, D_m] float32, one for a trainable network a small raw tensor: see `ContentSize`. Any modality may
            be missing for any item; what is not present is zero.
        signals: [N, A] float32, scaled aggregates of behaviour as of when the users are asked; None where nobody
            asked for them, and always in training, where every event has its own: `History.item_signals`.
    """

    ids: Tensor
    features: Mapping[str, Tensor] = field(default_factory=dict)
    content: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    signals: Tensor | None = None

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def take(self, rows: Tensor) -> Items:
        """The items of the given rows [M], in that order."""
        return Items(
            ids=self.ids[rows],
            features={name: value[rows] for name, value in self.features.items()},
            content={name: (v[rows], present[rows]) for name, (v, present) in self.content.items()},
            signals=_pick(self.signals, rows),
        )

    def changed(self, rows: Tensor, fresh: Items) -> Items:
        """These items with `fresh` [M] in the given rows [M]; a row beyond the end makes the catalogue longer.

        Signals are dropped: they belong to whoever asks.
        """
        size = max(len(self), int(rows.max()) + 1) if len(rows) else len(self)
        return Items(
            ids=replaced(self.ids, rows, fresh.ids, size),
            features={n: replaced(old, rows, fresh.features[n], size) for n, old in self.features.items()},
            content={
                name: (
                    replaced(values, rows, fresh.content[name][0], size),
                    replaced(present, rows, fresh.content[name][1], size),
                )
                for name, (values, present) in self.content.items()
            },
        )


@dataclass(frozen=True, kw_only=True)
class PaddedHistory:
    """The last L events of each user, oldest first, padded on the right.

    Attributes:
        rows: [B, L] int64, row in the catalogue (0 where padded: look at `valid`).
        actions: [B, L] int64, index in the action vocabulary.
        times: [B, L] int64, microseconds.
        values: [B, L] float32, standardised over the training events; 0 where there is none.
        lengths: [B] int64.
        context: per column, [B, L] or [B, L, W], as in `History`.
        user_signals, item_signals: [B, L, A], as in `History`.
    """

    rows: Tensor
    actions: Tensor
    times: Tensor
    values: Tensor
    lengths: Tensor
    context: Mapping[str, Tensor] = field(default_factory=dict)
    user_signals: Tensor | None = None
    item_signals: Tensor | None = None

    @property
    def valid(self) -> Tensor:
        """[B, L] bool: where there is an event."""
        steps = torch.arange(self.rows.shape[1])
        return steps < self.lengths[:, None]

    def first(self, length: int) -> PaddedHistory:
        """The same, less the columns from `length` on."""
        return PaddedHistory(
            rows=self.rows[:, :length],
            actions=self.actions[:, :length],
            times=self.times[:, :length],
            values=self.values[:, :length],
            lengths=self.lengths.clamp(max=length),
            context={name: value[:, :length] for name, value in self.context.items()},
            user_signals=None if self.user_signals is None else self.user_signals[:, :length],
            item_signals=None if self.item_signals is None else self.item_signals[:, :length],
        )


@dataclass(frozen=True, kw_only=True)
class History:
    """Ragged histories: what each user did, oldest first, in flat arrays.

    User b owns the events `offsets[b]` to `offsets[b + 1]`.

    Attributes:
        offsets: [B + 1] int64.
        rows: [E] int64, row in the catalogue.
        actions: [E] int64, index in the action vocabulary.
        times: [E] int64, microseconds.
        values: [E] float32, standardised over the training events; 0 where there is none.
        context: per column of what was known when the event began: [E] or [E, W], as in `Items.features`.
        user_signals, item_signals: [E, A] float32, scaled aggregates of the event's user and of its item as they
            stood just before it. Only in training, and only where they are asked for: what is known when
            somebody asks is in `Users.signals` and `Items.signals`.
    """

    offsets: Tensor
    rows: Tensor
    actions: Tensor
    times: Tensor
    values: Tensor
    context: Mapping[str, Tensor] = field(default_factory=dict)
    user_signals: Tensor | None = None
    item_signals: Tensor | None = None

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    @property
    def lengths(self) -> Tensor:
        """[B] int64: how many events each user has."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def owners(self) -> Tensor:
        """[E] int64: which user each event belongs to."""
        return torch.repeat_interleave(torch.arange(len(self)), self.lengths)

    def select(self, users: Tensor, last: int | None = None) -> History:
        """The histories of `users` [M], in that order, each cut to its `last` events."""
        ends = self.offsets[users + 1]
        lengths = ends - self.offsets[users]
        if last is not None:
            lengths = lengths.clamp(max=last)
        return self._cut(ends - lengths, lengths)

    def stretch(self, starts: Tensor, lengths: Tensor) -> History:
        """Of each user `lengths` [B] events, from the one at `starts` [B] on, counted from the user's first."""
        return self._cut(self.offsets[:-1] + starts, lengths)

    def _cut(self, starts: Tensor, lengths: Tensor) -> History:
        """Histories [M] that begin at the events `starts` [M] and are `lengths` [M] long."""
        offsets = torch.zeros(len(starts) + 1, dtype=torch.int64)
        torch.cumsum(lengths, 0, out=offsets[1:])
        total = int(offsets[-1])
        source = torch.arange(total) + torch.repeat_interleave(starts - offsets[:-1], lengths)
        return History(
            offsets=offsets,
            rows=self.rows[source],
            actions=self.actions[source],
            times=self.times[source],
            values=self.values[source],
            context={name: value[source] for name, value in self.context.items()},
            user_signals=_pick(self.user_signals, source),
            item_signals=_pick(self.item_signals, source),
        )

    def padded(self, length: int) -> PaddedHistory:
        """The last `length` events of each user as rectangles, no wider than the longest one needs."""
        lengths = self.lengths.clamp(max=length)
        width = max(int(lengths.max()) if len(self) else 0, 1)
        steps = torch.arange(width)
        valid = steps < lengths[:, None]
        source = ((self.offsets[1:] - lengths)[:, None] + steps).masked_fill(~valid, 0)

        def rectangle(flat: Tensor) -> Tensor:
            if not len(flat):
                return flat.new_zeros(len(self), width, *flat.shape[1:])
            return flat[source].masked_fill(~valid.reshape(*valid.shape, *[1] * (flat.dim() - 1)), 0)

        return PaddedHistory(
            rows=rectangle(self.rows),
            actions=rectangle(self.actions),
            times=rectangle(self.times),
            values=rectangle(self.values),
            lengths=lengths,
            context={name: rectangle(value) for name, value in self.context.items()},
            user_signals=None if self.user_signals is None else rectangle(self.user_signals),
            item_signals=None if self.item_signals is None else rectangle(self.item_signals),
        )


@dataclass(frozen=True, kw_only=True)
class Users:
    """Those who are asked about: what they did, and who they are.

    Attributes:
        ids: [B] int64, index in the user vocabulary; `UNKNOWN` or `PADDING` for a stranger, which is legal.
        history: what they did; its `rows` point into `catalogue`.
        catalogue: the items that `history.rows` point into.
        features: per column, as in `Items.features`.
        signals: [B, A] float32, scaled aggregates of behaviour as of when they are asked; None as in `Items`.
    """

    ids: Tensor
    history: History
    catalogue: Items
    features: Mapping[str, Tensor] = field(default_factory=dict)
    signals: Tensor | None = None

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def select(self, users: Tensor, last: int | None = None) -> Users:
        """The given users [M], in that order, each history cut to its `last` events."""
        return Users(
            ids=self.ids[users],
            history=self.history.select(users, last),
            catalogue=self.catalogue,
            features={name: value[users] for name, value in self.features.items()},
            signals=_pick(self.signals, users),
        )


@dataclass(frozen=True, kw_only=True)
class TrainBatch:
    """What a learned model takes its loss from.

    The events of `users.history` are input and target at once: event i is to be foretold from the events
    before it, never from itself or a later one. Only a model that knows no order (`multvae`) foretells a history
    from a part of it.
    """

    users: Users


Form = Literal["vector", "pixels", "spectrogram", "tokens"]
"""What is encoded of one item: a vector, or a small raw tensor that a network inside the model reads."""


_DTYPES: dict[Form, torch.dtype] = {
    "vector": torch.float32,
    "pixels": torch.uint8,
    "spectrogram": torch.uint8,
    "tokens": torch.int32,
}


@dataclass(frozen=True)
class ContentSize:
    """Of one modality: what a model gets of each item.

    Attributes:
        form: "vector": [D] float32; "pixels": [3, S, S] uint8; "spectrogram": [M, T] uint8, M bands by T steps;
            "tokens": [W] int32, padded with 0.
        shape: the lengths that are named there.
        values: for tokens: how many different ones there are, padding included.
    """

    form: Form
    shape: tuple[int, ...]
    values: int = 0

    @classmethod
    def vector(cls, length: int) -> ContentSize:
        """Vectors of one length."""
        return cls("vector", (length,))

    def nothing(self, rows: int) -> Tensor:
        """[rows, *shape] what stands where nothing is present."""
        return torch.zeros(rows, *self.shape, dtype=_DTYPES[self.form])


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a model must know to allot its parameters; it comes from the feature space.

    Attributes:
        items, users, actions: sizes of the vocabularies, padding and unknown included.
        item_features, user_features: per column, the size of its vocabulary, or 0 for a number.
        content: per modality, what a model gets of each item.
        has_time: whether gaps between events mean anything.
        user_signals, item_signals: how many signals a user has, and an item; 0 where nobody asked for them.
        context: per column of events, as in `item_features`.
    """

    items: int
    users: int
    actions: int
    item_features: Mapping[str, int] = field(default_factory=dict)
    user_features: Mapping[str, int] = field(default_factory=dict)
    content: Mapping[str, ContentSize] = field(default_factory=dict)
    has_time: bool = True
    user_signals: int = 0
    item_signals: int = 0
    context: Mapping[str, int] = field(default_factory=dict)


def _pick(values: Tensor | None, places: Tensor) -> Tensor | None:
    return None if values is None else values[places]


def replaced(old: Tensor, rows: Tensor, new: Tensor, size: int) -> Tensor:
    """[size, ...]: `old` [N, ...], with `new` [M, ...] in `rows` [M]; 0 in further rows that nothing goes to.

    Where one of two matrices is narrower (tags), it is padded with 0 on the right.
    """
    if old.dim() > 1 and old.shape[1] != new.shape[1]:
        width = max(old.shape[1], new.shape[1])
        old, new = (torch.cat([part, part.new_zeros(len(part), width - part.shape[1])], 1) for part in (old, new))
    made = torch.cat([old, old.new_zeros(size - len(old), *old.shape[1:])])
    made[rows] = new
    return made
