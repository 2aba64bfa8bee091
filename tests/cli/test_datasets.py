# SPDX-License-Identifier: Apache-2.0
"""Public data sets by name; nothing is downloaded here."""

from pathlib import Path

import shop
from shop import penchant, refused


def test_list_and_show():
    said = penchant("data", "list").output
    assert "movielens-100k" in said
    assert "MovieLens 100K" in said
    assert "files.grouplens.org" in penchant("data", "show", "movielens-100k").output
    assert "'movielens-10k' (did you mean 'movielens-100k'?)" in refused("data", "show", "movielens-10k")


def test_get_from_a_folder_of_ones_own(tmp_path, monkeypatch):
    own = tmp_path / "own" / "movielens-100k"
    shop.stock(own)
    (own / "interactions.csv").write_text("user_id\n")
    monkeypatch.setenv("PENCHANT_DATA", str(tmp_path / "own"))
    said = penchant("data", "get", "movielens-100k").output
    assert f"MovieLens 100K: {own}" in said
    assert "Licence: Free for research" in said
    assert not Path("data").exists()
    assert "There is no public data set 'movies'" in refused("data", "get", "movies")
