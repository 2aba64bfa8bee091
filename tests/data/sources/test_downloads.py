# SPDX-License-Identifier: Apache-2.0
"""The sets themselves, where they can be had.

`PENCHANT_TEST_DOWNLOADS=1` lets these tests download some 50 MB; `PENCHANT_DATA` names a folder with copies.
"""

import os
from pathlib import Path

import polars as pl
import pytest

from penchant.data import sources
from publisher import check

OWN = os.environ.get(sources.VARIABLE)

KNOWN = {
    "movielens-100k": (100_000, 943, 1_682),
    "ta-feng": (817_741, 32_266, 23_812),
    "complete-journey": (1_469_307, 2_469, 68_509),
    "open-bandit": (20_000, 280, 80),
    "movielens-1m": (992_582, 6_040, 3_416),
    "gowalla": (810_128, 29_858, 40_981),
    "online-retail": (541_909, 4_372, 4_070),
    "tiktok": (62_592, 9_303, 6_438),
}
"""Events, users, items."""

PACKAGED = [name for name, source in sources.SOURCES.items() if source.package]


def count(name, folder):
    if name == "movielens-100k":
        events = pl.scan_csv(folder / "interactions.csv")
    else:
        parts = ["events"] if (folder / "events.parquet").exists() else ["train", "test"]
        events = pl.concat([pl.scan_parquet(folder / f"{part}.parquet") for part in parts])
    ids = [pl.col(name).drop_nulls().n_unique() for name in ("user_id", "item_id")]
    return events.select(pl.len(), *ids).collect().row(0)


@pytest.mark.skipif(os.environ.get("PENCHANT_TEST_DOWNLOADS") != "1", reason="downloads are not asked for")
@pytest.mark.parametrize("name", PACKAGED)
def test_a_set_that_a_package_carries(tmp_path, name):
    folder = sources.get(name, tmp_path)
    assert count(name, folder) == KNOWN[name]
    check(folder)


@pytest.mark.parametrize("name", KNOWN)
def test_a_copy(tmp_path, monkeypatch, name):
    if not OWN or not (Path(OWN) / name).is_dir():
        pytest.skip(f"{sources.VARIABLE} has no {name}")
    monkeypatch.setenv(sources.VARIABLE, OWN)
    assert count(name, sources.get(name, tmp_path)) == KNOWN[name]
