# SPDX-License-Identifier: Apache-2.0
"""A catalogue: the items that can be recommended, as raw rows and as tensors, and the way between the two."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl
import torch

from penchant.batch import UNKNOWN
from penchant.features.numbering import Numbering
from penchant.schema import ITEM

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Items


class Catalogue:
    """Items in a fixed order; a *row* is a position in it.

    Args:
        frame: [N rows] the raw item table; `item_id` is distinct.
        items: the same rows as tensors.
    """

    def __init__(self, frame: pl.DataFrame, items: Items) -> None:
        self.frame = frame
        self.items = items

    def __len__(self) -> int:
        return self.frame.height

    @property
    def ids(self) -> pl.Series:
        """The raw id of each row."""
        return self.frame[ITEM]

    @cached_property
    def _lookup(self) -> dict[Any, int]:
        return {value: row for row, value in enumerate(self.ids.to_list())}

    @cached_property
    def _numbering(self) -> Numbering:
        return Numbering(self.ids)

    def row(self, item_id: Any) -> int | None:
        """The row of one raw id, or None if the catalogue does not hold it."""
        return self._lookup.get(item_id)

    def rows(self, ids: pl.Series) -> Tensor:
        """[n] int64: the row of each raw id, -1 where the catalogue does not hold it."""
        return torch.tensor(self._numbering.rows(ids), dtype=torch.int64)

    def seen_in(self, earlier: Items) -> Catalogue:
        """The same rows, where items that are not among `earlier` are unknown: nobody had had them then."""
        ids = self.items.ids
        seen = torch.isin(ids, earlier.ids)
        return Catalogue(self.frame, replace(self.items, ids=torch.where(seen, ids, ids.clamp(max=UNKNOWN))))

    def changed(self, fresh: Catalogue) -> tuple[Catalogue, Tensor]:
        """This catalogue with the items of `fresh`: those it holds replaced in their rows, new ones at the end.

        Rows of all other items stay what they are, so that histories over this catalogue are good for that one.

        Args:
            fresh: [M] items with the same columns.

        Returns:
            the new catalogue, and [M] int64 the rows of `fresh` in it.
        """
        lookup = dict(self._lookup)
        # A handful of items: whoever changes a whole table makes a new bundle.
        rows = [lookup.setdefault(item_id, len(lookup)) for item_id in fresh.ids.to_list()]
        places = torch.tensor(rows, dtype=torch.int64)
        source = torch.arange(len(lookup))
        source[places] = len(self) + torch.arange(len(fresh))
        frame = pl.concat([self.frame, fresh.frame.select(self.frame.columns)])[source.numpy()]
        longer = Catalogue(frame, self.items.changed(places, fresh.items))
        longer.__dict__["_lookup"] = lookup
        return longer, places
