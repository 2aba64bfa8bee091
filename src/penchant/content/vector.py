# SPDX-License-Identifier: Apache-2.0
"""Ready-made vectors as a modality of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from penchant.batch import ContentSize
from penchant.content.encoder import ContentEncoder, EncoderConfig, Note, unheard
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class ReadyEncoder(ContentEncoder):
    """Takes vectors as they are; one of another length than training saw, or with a gap in it, is absent."""

    class Config(EncoderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to choose."""

    reads = Kind.VECTOR
    cheap = True
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._length = 0

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(self._length)

    def fit(self, values: pl.Series) -> None:
        """Learn the length that most vectors have."""
        lengths = _lists(values).list.len().drop_nulls()
        common = lengths.filter(lengths > 0).mode().sort()
        self._length = int(common[0]) if len(common) else 0

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n])."""
        lists = _lists(values)
        lengths = lists.list.len()
        fits = (lengths == self._length).fill_null(value=False) & (self._length > 0)
        vectors = np.zeros((len(values), self._length), np.float32)
        if fits.any():
            flat = lists.filter(fits).explode(empty_as_null=True).to_numpy()
            vectors[fits.to_numpy()] = flat.reshape(-1, self._length)
        good = np.isfinite(vectors).all(axis=1)
        vectors[~good] = 0
        for at in (lists.is_not_null() & ~fits).arg_true().to_list():
            note(at, f"has {lengths[at]} numbers, where vectors of this column have {self._length}")
        for at in np.flatnonzero(~good).tolist():
            note(at, "holds something that is no finite number")
        return torch.from_numpy(vectors), torch.from_numpy(fits.to_numpy() & good)

    def state(self) -> dict[str, Tensor]:
        """The length of a vector."""
        return {"length": torch.tensor(self._length)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._length = int(state["length"])


def _lists(values: pl.Series) -> pl.Series:
    """As List(Float32), whichever kind of list it was; a column that is not there is all nulls."""
    if values.dtype == pl.String:
        return pl.Series(values.name, [None] * len(values), dtype=pl.List(pl.Float32))
    return values.cast(pl.List(pl.Float32))
