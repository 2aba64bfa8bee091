# SPDX-License-Identifier: Apache-2.0
"""The items: what they are, what they cost, when they were launched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penchant.simulate import tastes, words
from penchant.simulate.streams import Lottery, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.config import ShopConfig

_OLD = 0.6
"""Share of items that are there on the first day."""
_DISCOUNTS = (0.0, 0.1, 0.2, 0.3, 0.4)
_DISCOUNT_WEIGHTS = (5.0, 1.5, 1.5, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Things:
    """Items by row, those of one category together.

    Attributes:
        id: the item's id; ids grow with the day of launch, [items].
        codes: attribute -> code of its value, [items] each.
        vector: unit vectors, [items, SIZE].
        quality: mean 0, deviation 1, [items].
        price: list price, [items].
        rebate: discount while a sale is on, 0 to 0.4, [items].
        launched: day; negative before the first, [items].
        seller: from 0, [items].
    """

    id: NDArray[np.int64]
    codes: dict[str, NDArray[np.int8]]
    vector: NDArray[np.float32]
    quality: NDArray[np.float32]
    price: NDArray[np.float64]
    rebate: NDArray[np.float64]
    launched: NDArray[np.int32]
    seller: NDArray[np.int32]

    @property
    def category(self) -> NDArray[np.int8]:
        """The code of each item's category; never falling where rows are as they were drawn."""
        return self.codes["category"]

    def dearness(self, rows: NDArray[np.integer], discount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log of what items cost at a discount, against what their category costs."""
        usual = np.asarray(words.CATEGORY_PRICES)[self.category[rows]]
        dear: NDArray[np.float64] = np.log(self.price[rows] * (1 - discount) / usual)
        return dear


def draw_things(config: ShopConfig, known: tastes.Vectors) -> Things:
    """All items of a shop.

    Args:
        config: how many.
        known: the vectors of attributes.
    """
    count = config.items
    random = stream(config.seed, "things")
    category = np.sort(Lottery(np.asarray(words.CATEGORY_WEIGHTS, float)).draw(random.random(count)))
    codes = {"category": category.astype(np.int8)}
    for name, (values, _) in tastes.ATTRIBUTES.items():
        if name not in codes:
            codes[name] = random.integers(0, len(values), count, np.int8)
    own = tastes.unit(random.standard_normal((count, tastes.SIZE), np.float32))
    quality = random.standard_normal(count, np.float32)
    usual = np.asarray(words.CATEGORY_PRICES)[codes["category"]]
    price = np.maximum(np.round(usual * np.exp(0.4 * random.standard_normal(count) + 0.08 * quality), 2), 1.0)
    launched = _launched(config, random)
    ids = np.empty(count, np.int64)
    ids[np.argsort(launched, kind="stable")] = np.arange(1, count + 1)
    sellers = max(count // 40, 1)
    return Things(
        id=ids,
        codes=codes,
        vector=tastes.item_vectors(codes, known, own),
        quality=quality,
        price=price,
        rebate=np.asarray(_DISCOUNTS)[Lottery(np.asarray(_DISCOUNT_WEIGHTS)).draw(random.random(count))],
        launched=launched,
        seller=(sellers * random.random(count) ** 1.6).astype(np.int32),
    )


def _launched(config: ShopConfig, random: np.random.Generator) -> NDArray[np.int32]:
    old = random.random(config.items) < _OLD
    before = -random.integers(1, 700, config.items)
    during = random.integers(1, config.days, config.items) if config.days > 1 else before
    launched = np.where(old, before, during).astype(np.int32)
    if not (launched < 0).any():  # a shop has something to show on its first day
        launched[0] = -1
    return launched
