# SPDX-License-Identifier: Apache-2.0
"""Views of items and users in which something is missing: content augmentation.

A tower that always sees everything learns to lean on whatever tells the training items apart best, and has little
to say of an item that lacks just that. So whole columns are dropped (Volkovs et al., "DropoutNet", NeurIPS 2017,
does it to what is known of preferences), or parts of a column: single tags, tokens, numbers of a vector (Yao et
al., "Self-supervised Learning for Large-scale Item Recommendations", https://arxiv.org/abs/2007.12865).

Shape legend: N items or users, W width of a multi-valued column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from penchant.batch import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items


def drop_columns(features: Mapping[str, Tensor], rate: float) -> dict[str, Tensor]:
    """Each value of each column missing with probability `rate`: 0, which is padding, or the mean of a number."""
    found = {}
    for name, value in features.items():
        gone = torch.rand(len(value)) < rate
        found[name] = value.masked_fill(gone.reshape(-1, *[1] * (value.dim() - 1)), 0)
    return found


def mask_tags(features: Mapping[str, Tensor], rate: float) -> dict[str, Tensor]:
    """Each single tag of columns [N, W] missing with probability `rate`."""
    return {
        name: value.masked_fill(torch.rand(value.shape) < rate, 0) if value.dim() == 2 else value
        for name, value in features.items()
    }


def mask_parts(raw: Tensor, rate: float) -> Tensor:
    """Numbers of a vector, or tokens, 0 with probability `rate`; bytes of pictures and sound stay as they are.

    What remains of a vector is scaled up, so that a whole one means the same when an answer is given.
    """
    if raw.dtype == torch.uint8:
        return raw
    kept = raw.masked_fill(torch.rand(raw.shape) < rate, 0)
    return kept / (1 - rate) if raw.is_floating_point() else kept


def nameless(items: Items, rate: float) -> Items:
    """Each item with probability `rate` as one that training never saw: all but who it is stays."""
    gone = torch.rand(len(items)) < rate
    return replace(items, ids=items.ids.masked_fill(gone, UNKNOWN))


def incomplete(items: Items, columns: float, parts: float) -> Items:
    """The items with something missing, drawn anew by each call.

    Args:
        items: whole.
        columns: how often a column, or a whole modality, of an item is missing.
        parts: how often a tag, a token or a number of a vector is.
    """
    features, content = items.features, items.content
    if parts:
        features = mask_tags(features, parts)
        content = {name: (mask_parts(raw, parts), present) for name, (raw, present) in content.items()}
    if columns:
        features = drop_columns(features, columns)
        content = {
            name: (raw, present & (torch.rand(len(present)) >= columns))
            for name, (raw, present) in content.items()
        }
    return replace(items, features=features, content=content)
