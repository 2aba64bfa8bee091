# SPDX-License-Identifier: Apache-2.0
"""Catalogue: raw ids to rows and back."""

from __future__ import annotations

import polars as pl
import pytest
import torch

from penchant.batch import Items
from penchant.features.catalogue import Catalogue
from penchant.schema import ITEM


@pytest.mark.parametrize(("ids", "strange"), [([30, 10, 20], 99), (["c", "a", ""], "zz")])
def test_rows_are_positions(ids, strange):
    catalogue = Catalogue(pl.DataFrame({ITEM: ids, "title": ["x", "y", "z"]}), Items(ids=torch.tensor([2, 3, 4])))
    asked = pl.Series([ids[2], strange, ids[0], None, ids[2]], dtype=catalogue.ids.dtype)
    assert len(catalogue) == 3
    assert catalogue.ids.to_list() == ids
    assert catalogue.rows(asked).tolist() == [2, -1, 0, -1, 2]
    assert catalogue.rows(asked).dtype == torch.int64
    assert [catalogue.row(value) for value in asked] == [2, None, 0, None, 2]


def test_rows_of_nothing():
    catalogue = Catalogue(pl.DataFrame({ITEM: [1]}), Items(ids=torch.tensor([2])))
    assert catalogue.rows(pl.Series([], dtype=pl.Int64)).shape == (0,)
