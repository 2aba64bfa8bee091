# SPDX-License-Identifier: Apache-2.0
"""Parts are full but the last, and a table without rows is a file all the same."""

import polars as pl
import pytest

from penchant.simulate.parts import Parts


@pytest.mark.parametrize(
    ("pieces", "heights"),
    [([0], [0]), ([3], [3]), ([4], [4]), ([1, 2, 6], [4, 4, 1]), ([13], [4, 4, 4, 1]), ([4, 0], [4])],
)
def test_parts(tmp_path, pieces, heights):
    numbers = pl.DataFrame({"n": range(20)})
    parts = Parts(tmp_path / "table", "half", rows=4)
    begun = 0
    for size in pieces:
        parts.add(numbers.slice(begun, size))
        begun += size
    parts.close()
    written = [pl.read_parquet(path) for path in sorted((tmp_path / "table").glob("half-*.parquet"))]
    assert [part.height for part in written] == heights
    assert pl.concat(written).equals(numbers.head(begun))
