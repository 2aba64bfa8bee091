# SPDX-License-Identifier: Apache-2.0
"""Public data sets by name; nothing is downloaded here."""

from pathlib import Path

import pytest

from penchant.data.sources import SOURCES
from publisher import write
from shop import penchant, refused

MOVIES = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,3,4.0,964981247\n",
    "movies.csv": "movieId,title,genres\n3,Grumpier Old Men (1995),Comedy|Romance\n",
}


def test_list():
    said = penchant("data", "list").output
    for name in SOURCES:
        assert name in said
    assert "MovieLens 100K" in said
    assert "by hand, terms to accept" in said


def test_show():
    said = penchant("data", "show", "movielens-100k").output
    assert "files.grouplens.org" in said
    assert "md5:0e33842e24a9c977be4e0107933c0723" in said
    assert "recbole==1.2.1" in said
    assert "'movielens-10k' (did you mean 'movielens-100k'?)" in refused("data", "show", "movielens-10k")
    assert "to be accepted with --accept-licence" in penchant("data", "show", "mind/large").output
    assert "obp==0.4.1, Apache-2.0" in penchant("data", "show", "open-bandit").output


@pytest.mark.parametrize("words", [["amazon-reviews-2023/Books"], ["amazon-reviews-2023", "--category", "Books"]])
def test_a_part_is_named_in_two_ways(words):
    assert "meta_Books.jsonl.gz" in penchant("data", "show", *words).output
    assert "leave out --category" in refused("data", "show", "amazon-reviews-2023/Books", "--category", "Books")


def test_get_from_a_folder_of_ones_own(tmp_path, monkeypatch):
    write(tmp_path / "own" / "movielens-20m" / "ml-20m", MOVIES)
    monkeypatch.setenv("PENCHANT_DATA", str(tmp_path / "own"))
    said = penchant("data", "get", "movielens-20m").output
    assert (
        said.index("Licence: Free for research") < said.index("Cite: F. Maxwell Harper") < said.index("It lies in")
    )
    assert "Next: penchant train data/movielens-20m/run.toml" in said
    assert Path("data/movielens-20m/run.toml").is_file()
    assert "There is no public data set 'movies'" in refused("data", "get", "movies")


def test_terms_are_accepted_first(tmp_path):
    assert "then repeat the command with --accept-licence" in refused("data", "get", "yelp")
    assert "put Yelp-JSON.zip" in refused("data", "get", "yelp", "--accept-licence")
    assert not Path("data").exists()
