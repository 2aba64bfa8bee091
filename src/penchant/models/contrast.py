# SPDX-License-Identifier: Apache-2.0
"""A contrastive term: two variations on one history are to be encoded alike, those on others' apart.

After CL4SRec (Xie et al., ICDE 2022, https://arxiv.org/abs/2010.14395), with the loss of SimCLR (Chen et al., ICML
2020, https://arxiv.org/abs/2002.05709).

Shape legend: B users, D embedding size, N items of a catalogue, K alike items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

from penchant.models import augment
from penchant.models.precision import exact

if TYPE_CHECKING:
    from penchant.batch import PaddedHistory

Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
"""How much of a history is changed."""


class Views(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which ways a history is varied, and how much of it; 0 leaves a way out."""

    crop: Share = 0.4
    mask: Share = 0.3
    reorder: Share = 0.6
    substitute: Share = 0.0


def vary(past: PaddedHistory, views: Views, alike_NK: Tensor) -> PaddedHistory:
    """Each history varied in one way, drawn for each user among those that `views` holds.

    Args:
        past: what was done.
        views: the ways, at least one above 0.
        alike_NK: as in `augment.substitute`, where `views` holds that.
    """
    ways = [(name, share) for name, share in msgspec.structs.asdict(views).items() if share]
    choice = torch.randint(len(ways), (len(past.rows),))
    for number, (name, share) in enumerate(ways):
        shares = torch.where(choice == number, share, 0.0)
        if name == "substitute":
            past = augment.substitute(past, shares, alike_NK)
        else:
            past = {"crop": augment.crop, "mask": augment.mask, "reorder": augment.reorder}[name](past, shares)
    return past


def info_nce(one_BD: Tensor, other_BD: Tensor, owners_B: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding, from each view, the other view of the same user among all those of the batch.

    Views are compared by cosine, in float32.

    Args:
        one_BD: one view of each user.
        other_BD: another.
        owners_B: [B] int64, who each is of: what belongs to the same user is never taken for somebody else's.
        temperature: what cosines are divided by.

    Returns:
        A scalar; 0 for a batch of one user.
    """
    with exact(one_BD):
        views = functional.normalize(torch.cat([one_BD, other_BD]).float(), dim=1)
        owners = owners_B.repeat(2)
        partners = torch.arange(len(owners)).roll(len(owners_B))
        own = owners[:, None] == owners
        own[torch.arange(len(owners)), partners] = False
        logits = (views @ views.T / temperature).masked_fill(own, -torch.inf)
        return functional.cross_entropy(logits, partners)
