# SPDX-License-Identifier: Apache-2.0
"""Histories as bags: which items, each once, in no order. And a softmax that is to foretell a whole bag.

Shape legend: B users, C users of a chunk, E items of all bags in one flat array, V size of the item vocabulary, D
length of the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from penchant.batch import FIRST
from penchant.models.precision import of_products

if TYPE_CHECKING:
    from penchant.batch import Users

_CHUNK_CELLS = 2**19
"""Logits held at once: 2 MiB of float32, and half as much in bfloat16."""


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
        places = kept.nonzero().squeeze(1)
        offsets = torch.searchsorted(places, self.offsets)
        return Bag(ids=self.ids[places], ages=self.ages[places], offsets=offsets)


class _BagCrossEntropy(torch.autograd.Function):
    """Cross-entropy of whole bags and its gradients, in one pass over chunks of users.

    As in `losses.softmax_cross_entropy`, a chunk's logits become their own gradient in place and are used at once,
    so nothing is kept for the backward pass but arrays of the inputs' sizes. All chunks share their buffers: on a
    CPU, fresh memory costs as much as what is computed in it.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden_BD: Tensor, table_VD: Tensor, bias_V: Tensor, ids_E: Tensor, offsets: Tensor
    ) -> Tensor:
        n_users, n_items = len(hidden_BD), len(table_VD)
        grad_hidden, grad_table, grad_bias = map(torch.zeros_like, (hidden_BD, table_VD, bias_V))
        loss = hidden_BD.new_zeros(())
        # Under autocast the products are taken in its type; the softmax between them stays in float32.
        dtype = of_products(hidden_BD)
        hidden, table = hidden_BD.to(dtype), table_VD.to(dtype)
        lengths, scale = offsets.diff(), 1.0 / max(len(ids_E), 1)
        step = max(1, min(_CHUNK_CELLS // n_items, n_users))
        wide_SV = hidden_BD.new_empty(step, n_items)
        narrow_SV = wide_SV if dtype == wide_SV.dtype else wide_SV.new_empty(step, n_items, dtype=dtype)
        cells_E = torch.repeat_interleave(torch.arange(n_users) % step * n_items, lengths) + ids_E
        for start in range(0, n_users, step):
            hidden_CD, lengths_C = hidden[start : start + step], lengths[start : start + step, None]
            cells = cells_E[int(offsets[start]) : int(offsets[start + len(hidden_CD)])]
            narrow_CV, wide_CV = narrow_SV[: len(hidden_CD)], wide_SV[: len(hidden_CD)]
            torch.mm(hidden_CD, table.T, out=narrow_CV)
            torch.add(narrow_CV, bias_V, out=wide_CV)
            wide_CV[:, :FIRST] = -torch.inf
            # Subtracting the maximum keeps exp in range; one pass of exp serves loss and gradient.
            wide_CV -= wide_CV.amax(1, keepdim=True)
            loss -= wide_CV.view(-1)[cells].sum()
            total_C = wide_CV.exp_().sum(1, keepdim=True)
            loss += (total_C.log() * lengths_C).sum()
            wide_CV *= lengths_C * scale / total_C
            # No cell comes twice, as a bag holds an item once.
            wide_CV.view(-1)[cells] -= scale
            grad_bias += wide_CV.sum(0)
            narrow_CV.copy_(wide_CV)
            grad_hidden[start : start + step] = narrow_CV @ table
            grad_table += narrow_CV.T @ hidden_CD
        ctx.gradients = grad_hidden, grad_table, grad_bias
        mean: Tensor = loss * scale
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        # Once only: they are given away, and scaled in place.
        gradients, ctx.gradients = ctx.gradients, ()
        return (*(gradient.mul_(grads[0]) for gradient in gradients), None, None)


def bag_cross_entropy(hidden: Tensor, table: Tensor, bias: Tensor, bag: Bag) -> Tensor:
    """Mean over all items of all bags of the cross-entropy of a softmax over all items.

    It is the multinomial log-likelihood of the bags, less what depends on the bags alone, over their size.

    Args:
        hidden: [B, D] what is said of each user.
        table: [V, D] vectors of the whole item vocabulary; padding and unknown are no items to foretell.
        bias: [V].
        bag: of the same users.

    Returns:
        A scalar, 0 where no bag holds anything; memory is bounded whatever B times V may be.
    """
    loss: Tensor = _BagCrossEntropy.apply(hidden, table, bias, bag.ids, bag.offsets)  # type: ignore[no-untyped-call]
    return loss
