# SPDX-License-Identifier: Apache-2.0
"""ReadyEncoder: vectors as they are, missing ones allowed."""

import polars as pl
import pytest
import torch

from penchant.content.vector import ReadyEncoder


def fitted(values):
    encoder = ReadyEncoder(ReadyEncoder.Config())
    encoder.fit(values)
    return encoder


@pytest.mark.parametrize(
    "kind", [pl.List(pl.Float32), pl.List(pl.Float64), pl.List(pl.Int16), pl.Array(pl.Float32, 2)]
)
def test_every_kind_of_list(kind):
    values = pl.Series([[1, 2], None, [3, 4]], dtype=kind)
    found, present = fitted(values).encode(values)
    assert found.tolist() == [[1, 2], [0, 0], [3, 4]]
    assert found.dtype == torch.float32
    assert present.tolist() == [True, False, True]


def test_what_does_not_fit_is_absent_and_told():
    told = {}
    values = pl.Series(
        [[1.0, 2], [1.0], [float("nan"), 1], [float("inf"), 1], [None, 1], [], [5.0, 6]], dtype=pl.List(pl.Float32)
    )
    found, present = fitted(values).encode(values, told.__setitem__)
    assert present.tolist() == [True, False, False, False, False, False, True]
    assert not found[1:6].any()
    assert told == {
        1: "has 1 numbers, where vectors of this column have 2",
        2: "holds something that is no finite number",
        3: "holds something that is no finite number",
        4: "holds something that is no finite number",
        5: "has 0 numbers, where vectors of this column have 2",
    }


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([None, None], dtype=pl.List(pl.Float32)),
        pl.Series([None, None], dtype=pl.String),
        pl.Series([[], []], dtype=pl.List(pl.Float32)),
    ],
)
def test_a_column_without_a_vector(values):
    encoder = fitted(values)
    found, present = encoder.encode(values)
    assert encoder.size.shape == (0,)
    assert found.shape == (2, 0)
    assert not present.any()


def test_state():
    again = ReadyEncoder(ReadyEncoder.Config())
    again.load_state(fitted(pl.Series([[1.0, 2, 3]])).state())
    assert again.size.shape == (3,)
    assert again.encode(pl.Series([[1.0, 2, 3], [1.0]], dtype=pl.List(pl.Float64)))[1].tolist() == [True, False]
