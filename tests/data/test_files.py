# SPDX-License-Identifier: Apache-2.0
"""Files by the names of what they show."""

import polars as pl
import pytest

from penchant.data.files import by_pattern
from penchant.errors import ConfigError


def found(folder, pattern, *ids):
    return by_pattern(pl.Series(ids, dtype=pl.String), pattern, folder).to_list()


@pytest.fixture
def folder(tmp_path):
    for name in ("p/1.jpg", "p/1.png", "p/22.jpg", "p/a.b.jpg", "p/x_7_big.jpg", "deep/7/cover.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_file_for_each_id(folder):
    assert found(folder, "p/{id}.*", "22", "3", "1", "a.b") == ["p/22.jpg", None, "p/1.jpg", "p/a.b.jpg"]
    assert found(folder, "p/{id}.png", "1", "22") == ["p/1.png", None]
    assert found(folder, "p/x_{id}_???.jpg", "7") == ["p/x_7_big.jpg"]
    assert found(folder, "deep/{id}/cover.jpg", "7") == ["deep/7/cover.jpg"]
    assert found(folder, "none/{id}.jpg", "7") == [None]


@pytest.mark.parametrize("pattern", ["../{id}.jpg", "/etc/{id}", "a/../../{id}"])
def test_a_pattern_stays_in_the_folder(folder, pattern):
    with pytest.raises(ConfigError, match="leads out of the table's folder"):
        found(folder, pattern, "1")
