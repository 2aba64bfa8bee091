# SPDX-License-Identifier: Apache-2.0
"""The space in which tastes and items are unit vectors: their product says how well they match.

An item's vector is a weighted sum of the vectors of its attributes and a rest of its own. Each attribute is told
to a recommender by another road: the category by a column, the theme by words, colour and pattern by the picture,
the material by the sound. Who learns from all of them knows most of the vector without a single click.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import words
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SIZE = 16
"""Length of a vector of tastes."""

ATTRIBUTES: dict[str, tuple[tuple[str, ...], float]] = {
    "category": (words.CATEGORIES, 0.5),
    "theme": (words.THEMES, 0.4),
    "colour": (words.COLOURS, 0.45),
    "pattern": (words.PATTERNS, 0.3),
    "material": (words.MATERIALS, 0.4),
}
"""What an item has, and how much each counts in its vector."""

OWN = 0.3
"""How much of an item's vector no attribute tells."""

Vectors = dict[str, "NDArray[np.float32]"]


def attribute_vectors(seed: int) -> Vectors:
    """The unit vectors of every attribute's values: name -> [values, SIZE]."""
    random = stream(seed, "attributes")
    return {
        name: unit(random.standard_normal((len(values), SIZE), np.float32))
        for name, (values, _) in ATTRIBUTES.items()
    }


def item_vectors(
    codes: Mapping[str, NDArray[np.integer]], known: Vectors, own: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The vectors of items.

    Args:
        codes: attribute -> each item's value, [n].
        known: what `attribute_vectors` gave.
        own: the rest, unit vectors, [n, SIZE].

    Returns:
        [n, SIZE], unit vectors.
    """
    total = OWN * own
    for name, (_, weight) in ATTRIBUTES.items():
        total += np.float32(weight) * known[name][codes[name]]
    return unit(total)


def turned(
    start: NDArray[np.float32], towards: NDArray[np.float32], angle: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Unit vectors `start`, turned by `angle` radians in the plane of `start` and `towards` (at right angles)."""
    angle = angle[:, None]
    vectors: NDArray[np.float32] = (np.cos(angle) * start + np.sin(angle) * towards).astype(np.float32)
    return vectors


def at_right_angles(vectors: NDArray[np.float32], to: NDArray[np.float32]) -> NDArray[np.float32]:
    """What of `vectors` is at right angles to the unit vectors `to`, as unit vectors."""
    return unit(vectors - match(vectors, to)[:, None] * to)


def match(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of each pair of rows."""
    products: NDArray[np.float32] = np.einsum("nd,nd->n", left, right)
    return products


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row at length 1."""
    lengths = np.sqrt(match(vectors, vectors))
    vectors /= np.maximum(lengths, np.float32(1e-6))[:, None]
    return vectors
