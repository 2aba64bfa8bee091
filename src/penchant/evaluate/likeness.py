# SPDX-License-Identifier: Apache-2.0
"""How alike the items of a list are, by their categories, tags and content; numbers are not looked at.

Each column and each kind of content is a block: a sparse or dense matrix [N, D_b] whose rows have the length 1,
or 0 where the item has nothing there. An item's vector is its blocks side by side, divided by the square root of
how many it has, so that the dot product of two items is a cosine.

The mean over all pairs of a list needs no pair: the squared length of a sum of n unit vectors is n plus twice the
sum of their dot products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from scipy import sparse

from penchant.evaluate.metrics import ABSENT, Bools, Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Items

CHUNK = 4096
"""Users whose lists are summed at once."""

Block: TypeAlias = Any
"""A sparse.csr_array or a numpy array."""


class Likeness(NamedTuple):
    """What there is to tell N items apart by.

    Attributes:
        blocks: matrices [N, D_b].
        known: [N] bool, items that have a vector at all.
    """

    blocks: list[Block]
    known: Bools


def likeness(items: Items) -> Likeness | None:
    """The vectors of a catalogue, or None where there is nothing to tell its items apart by."""
    found: list[Block] = [
        _one_hot(values.numpy()) for values in items.features.values() if not values.is_floating_point()
    ]
    found.extend(_unit(vectors, present) for vectors, present in items.content.values())
    if not found:
        return None
    has = np.stack([np.asarray(abs(block).sum(axis=1)).ravel() > 0 for block in found])
    known: Bools = np.any(has, axis=0)
    if not known.any():
        return None
    weight = (1 / np.sqrt(np.maximum(has.sum(axis=0), 1))).astype(np.float32)[:, None]
    return Likeness(
        [sparse.csr_array(b.multiply(weight)) if sparse.issparse(b) else b * weight for b in found], known
    )


def diversity(ranked: Ints, items: Likeness, k: int) -> Floats:
    """Mean of 1 - cosine over all pairs of the first k (Ziegler et al., WWW 2005): [B].

    Items that have no vector are left out; a list with fewer than two others counts 0.

    Args:
        ranked: [B, K] catalogue rows, `ABSENT` where a list is shorter.
        items: their vectors.
        k: length of list.
    """
    parts = [_diversity(ranked[start : start + CHUNK, :k], items) for start in range(0, len(ranked), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _diversity(top: Ints, items: Likeness) -> Floats:
    there = (top != ABSENT) & items.known[top]
    users, places = np.nonzero(there)
    chosen = sparse.csr_array(
        (np.ones(len(users)), (users, top[users, places])), shape=(len(top), len(items.known))
    )
    length = np.zeros(len(top))
    for block in items.blocks:
        total = chosen @ block
        length += np.asarray((total * total).sum(axis=1)).ravel()
    n = there.sum(axis=1)
    alike = (length - n) / np.maximum(n * (n - 1), 1)
    found: Floats = np.where(n > 1, 1 - alike, 0.0)
    return found


def _one_hot(indices: Ints) -> sparse.csr_array:
    """Rows of unit length out of vocabulary indices [N] or [N, W]; 0 is padding and 1 unknown: neither tells."""
    wide = indices.reshape(len(indices), -1)
    rows, places = np.nonzero(wide > 1)
    shape = (len(wide), int(wide.max(initial=1)) + 1)
    counts = np.bincount(rows, minlength=len(wide))
    values = 1 / np.sqrt(counts[rows])
    return sparse.csr_array((values, (rows, wide[rows, places])), shape=shape)


def _unit(vectors: Tensor, present: Tensor) -> Block:
    """Rows of unit length; 0 where there is no vector."""
    dense = vectors.numpy() * present.numpy()[:, None]
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    dense /= np.where(lengths > 0, lengths, 1.0)
    return dense
