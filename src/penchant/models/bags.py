# SPDX-License-Identifier: Apache-2.0
"""Histories as bags: which items, each once, in no order. And a softmax that is to foretell a whole bag.

Shape legend: B users, C users of a chunk, E items of all bags in one flat array, N items of a table, D length of
the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from penchant.batch import FIRST

if TYPE_CHECKING:
    from penchant.batch import Users

_CHUNK_CELLS = 2**21
"""Logits held at once: 8 MiB of float32, about what a core's cache serves well."""


@dataclass(frozen=True, kw_only=True)
class Bag:
    """What each of B users has; user b owns `ids[offsets[b] : offsets[b + 1]]`.

    Attributes:
        ids: [E] int64, index in the item vocabulary, `FIRST` or more; ascending within a user.
        ages: [E] int64, how many events the user has after the last one with this item.
        offsets: [B + 1] int64.
    """

    ids: Tensor
    ages: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, users: Users, n_items: int) -> Bag:
        """The users' histories, less what was done again, and less items that training never saw.

        Args:
            users: B users.
            n_items: size of the item vocabulary.
        """
        history = users.history
        owners = history.owners
        ages = (history.offsets[1:][owners] - 1 - torch.arange(len(owners))).numpy()
        span = int(ages.max(initial=0)) + 1
        ids = users.catalogue.ids[history.rows].numpy()
        # One key for each event, sorted: many times as fast as np.unique, which hashes. Of the same item the
        # latest comes first.
        keys, ages = np.divmod(np.sort((owners.numpy() * n_items + ids) * span + ages), span)
        owned, ids = np.divmod(keys, n_items)
        kept = (ids >= FIRST) & (np.diff(keys, prepend=-1) > 0)
        counts = np.bincount(owned[kept], minlength=len(users))
        return cls(
            ids=torch.from_numpy(ids[kept]),
            ages=torch.from_numpy(ages[kept]),
            offsets=torch.from_numpy(np.concatenate([[0], counts.cumsum()]).astype(np.int64)),
        )

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    @property
    def lengths(self) -> Tensor:
        """[B] int64: how many items each user has."""
        return self.offsets.diff()

    def spread(self, values: Tensor) -> Tensor:
        """[E]: each user's value [B], once for each item of theirs."""
        return torch.repeat_interleave(values, self.lengths)

    def where(self, kept: Tensor) -> Bag:
        """What `kept` [E] bool leaves of each bag."""
        sums = functional.pad(kept.cumsum(0), (1, 0))
        return Bag(ids=self.ids[kept], ages=self.ages[kept], offsets=sums[self.offsets])


class _BagCrossEntropy(torch.autograd.Function):
    """Cross-entropy of whole bags and its gradients, in one pass over chunks of users.

    As in `losses.softmax_cross_entropy`, a chunk's logits become their own gradient in place and are used at once,
    so nothing is kept for the backward pass but two arrays of the inputs' sizes.
    """

    @staticmethod
    def forward(ctx: Any, hidden_BD: Tensor, table_ND: Tensor, rows_E: Tensor, offsets: Tensor) -> Tensor:
        n_users, n_items = len(hidden_BD), len(table_ND)
        grad_hidden, grad_table = torch.empty_like(hidden_BD), torch.zeros_like(table_ND)
        loss = hidden_BD.new_zeros(())
        # Under autocast the products are taken in its type; the softmax between them stays in float32.
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden_BD.dtype
        hidden, table = hidden_BD.to(dtype), table_ND.to(dtype)
        lengths = offsets.diff()
        step = max(1, _CHUNK_CELLS // n_items)
        for start in range(0, n_users, step):
            hidden_CD = hidden[start : start + step]
            lengths_C = lengths[start : start + step]
            rows = rows_E[int(offsets[start]) : int(offsets[start + len(hidden_CD)])]
            cells = torch.repeat_interleave(torch.arange(len(hidden_CD)) * n_items, lengths_C) + rows
            # A fused kernel, so a row of logits is read from the cache.
            log_CN = torch.log_softmax((hidden_CD @ table.T).to(hidden_BD.dtype), 1)
            loss -= log_CN.view(-1)[cells].sum()
            grad_CN = log_CN.exp_().mul_(lengths_C[:, None])
            # No cell comes twice, as a bag holds an item once.
            grad_CN.view(-1)[cells] -= 1.0
            grad = grad_CN.to(dtype)
            grad_hidden[start : start + step] = grad @ table
            grad_table += grad.T @ hidden_CD
        ctx.save_for_backward(grad_hidden, grad_table)
        ctx.scale = 1.0 / max(len(rows_E), 1)
        mean: Tensor = loss * ctx.scale
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_table = ctx.saved_tensors
        scale = grads[0] * ctx.scale
        return grad_hidden * scale, grad_table * scale, None, None


def bag_cross_entropy(hidden: Tensor, table: Tensor, bag: Bag) -> Tensor:
    """Mean over all items of all bags of the cross-entropy of a softmax over all items.

    It is the multinomial log-likelihood of the bags, less what depends on the bags alone, over their size.

    Args:
        hidden: [B, D] what is said of each user.
        table: [N, D] vectors of the items from the vocabulary's `FIRST` on.
        bag: of the same users.

    Returns:
        A scalar, 0 where no bag holds anything; memory is bounded whatever B times N may be.
    """
    loss: Tensor = _BagCrossEntropy.apply(hidden, table, bag.ids - FIRST, bag.offsets)  # type: ignore[no-untyped-call]
    return loss
