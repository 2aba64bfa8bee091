# SPDX-License-Identifier: Apache-2.0
"""Variations on what users did, for training only: histories in, histories out.

Crop, mask and reorder after CL4SRec (Xie et al., ICDE 2022, https://arxiv.org/abs/2010.14395), substitution by an
item that is alike after CoSeRec (Liu et al., 2021, https://arxiv.org/abs/2108.06479).

* `share` says how much of a history is changed, from 0, nothing, to 1: one number, or [B] one for each history.
  How many steps that is, is rounded up or down at random, so that short histories get their part.
* What is drawn comes from torch's default generator, which hangs on seed and step alone, so a run can be resumed.
* Padding stays padding, and a history that had an event keeps one. No event comes from another user, and only
  `reorder` lets one come sooner than it did: what is foretold must then be reordered with it.

Shape legend: B users, L length, N items of a catalogue, K alike items.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from penchant.batch import History, PaddedHistory

HIDDEN = -1
"""The row of a step whose item is hidden."""


def stretch(history: History, length: int, chance: float) -> History:
    """At most `length` events of each user: the last ones, or with probability `chance` any that lie together.

    Args:
        history: what was done, whole.
        length: the most events that are kept; a history no longer than this stays as it is.
        chance: from 0 to 1, drawn for each user.
    """
    spare = (history.lengths - length).clamp(min=0)
    starts = torch.where(torch.rand(len(history)) < chance, _below(spare + 1), spare)
    return history.stretch(starts, history.lengths - spare)


def crop(past: PaddedHistory, share: float | Tensor) -> PaddedHistory:
    """A random stretch of each history, `share` of it cut off; at least one event stays."""
    lost = _but_one(_some(past.lengths, share), past.lengths)
    source = _below(lost + 1)[:, None] + torch.arange(past.rows.shape[1])
    return _taken(past, source, past.lengths - lost)


def reorder(past: PaddedHistory, share: float | Tensor) -> PaddedHistory:
    """Each history with a random stretch shuffled, `share` of its length.

    What was done changes places, with its action, value and context; when something was done does not, so times
    still ascend, and what was known of the user at a time stays with it.
    """
    width = _some(past.lengths, share)
    starts = _below(past.lengths - width + 1)[:, None]
    steps = torch.arange(past.rows.shape[1])
    inside = (steps >= starts) & (steps < starts + width[:, None])
    # Inside, all keys lie between the first step and the next: a sort by them leaves every step outside in place.
    keys = torch.where(inside, starts + torch.rand(past.rows.shape, dtype=torch.float64), steps.double())
    moved = _taken(past, torch.argsort(keys, dim=1, stable=True), past.lengths)
    return replace(moved, times=past.times, user_signals=past.user_signals)


def mask(past: PaddedHistory, share: float | Tensor) -> PaddedHistory:
    """Each history with the items of random steps hidden, `share` of them; at least one is left to be seen.

    Of a hidden step its time is known and nothing else: its row is `HIDDEN`, and action, value and context are
    those of padding. What a model takes in place of the item is its own affair.
    """
    hidden = _steps(past, _but_one(_some(past.lengths, share), past.lengths))

    def emptied(column: Tensor) -> Tensor:
        return column.masked_fill(_spread(hidden, column), 0)

    return replace(
        past,
        rows=past.rows.masked_fill(hidden, HIDDEN),
        actions=emptied(past.actions),
        values=emptied(past.values),
        context={name: emptied(column) for name, column in past.context.items()},
        item_signals=None if past.item_signals is None else emptied(past.item_signals),
    )


def substitute(past: PaddedHistory, share: float | Tensor, alike_NK: Tensor) -> PaddedHistory:
    """Each history with random steps, `share` of them, telling of an item that is like the one that was done.

    An item that the user did at another step takes no one's place: it would tell what is yet to come.

    Args:
        past: what was done.
        share: how much of each history.
        alike_NK: [N, K] int64, rows of items that are like each; the item's own row means none. See `alike`.
    """
    seen = past.valid & (past.rows != HIDDEN)
    chosen = seen & _steps(past, _some(past.lengths, share))
    given = past.rows[chosen]
    others = alike_NK[given, torch.randint(alike_NK.shape[1], given.shape)]
    # A user and a row are one number, so that one look-up serves all users.
    keys = (torch.arange(len(past.rows)) * len(alike_NK))[:, None].expand_as(past.rows)
    done = torch.isin(keys[chosen] + others, (keys + past.rows)[seen])
    return replace(past, rows=past.rows.masked_scatter(chosen, torch.where(done, given, others)))


def _some(lengths_B: Tensor, share: float | Tensor) -> Tensor:
    """[B] int64: `share` of each length, rounded up with the probability of what is cut off in rounding down."""
    return (lengths_B * share + torch.rand(lengths_B.shape)).long().minimum(lengths_B)


def _but_one(counts_B: Tensor, lengths_B: Tensor) -> Tensor:
    """[B]: no count so high that nothing of its history were left."""
    return counts_B.minimum((lengths_B - 1).clamp(min=0))


def _below(ends_B: Tensor) -> Tensor:
    """[B] int64: of each end, which is at least 1, a whole number from 0 up to it, the end left out."""
    # In float32 a number just below 1 may be rounded up to the end.
    return (torch.rand(ends_B.shape) * ends_B).long().minimum(ends_B - 1)


def _steps(past: PaddedHistory, counts_B: Tensor) -> Tensor:
    """[B, L] bool: so many random steps of each history."""
    keys = torch.rand(past.rows.shape).masked_fill(~past.valid, 2.0)
    return keys.argsort(1).argsort(1) < counts_B[:, None]


def _taken(past: PaddedHistory, source_BL: Tensor, lengths_B: Tensor) -> PaddedHistory:
    """Histories of the given lengths, made of these steps of the old ones."""
    width = past.rows.shape[1]
    outside = torch.arange(width) >= lengths_B[:, None]
    users = torch.arange(len(source_BL))[:, None]
    source_BL = source_BL.clamp(max=width - 1)

    def taken(column: Tensor) -> Tensor:
        return column[users, source_BL].masked_fill(_spread(outside, column), 0)

    return replace(
        past,
        rows=taken(past.rows),
        actions=taken(past.actions),
        times=taken(past.times),
        values=taken(past.values),
        lengths=lengths_B,
        context={name: taken(column) for name, column in past.context.items()},
        user_signals=None if past.user_signals is None else taken(past.user_signals),
        item_signals=None if past.item_signals is None else taken(past.item_signals),
    )


def _spread(which_BL: Tensor, column: Tensor) -> Tensor:
    """`which_BL` with as many dimensions as `column`."""
    return which_BL.reshape(*which_BL.shape, *[1] * (column.dim() - 2))
