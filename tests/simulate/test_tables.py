# SPDX-License-Identifier: Apache-2.0
"""Items, users, words and reviews tell part of the truth, and some of it is missing on purpose."""

import numpy as np
import polars as pl
import pytest

from penchant.simulate import words
from penchant.simulate.people import GROUPS


@pytest.fixture(scope="session")
def known(shop):
    return shop.items.join(shop.true_items, on="item_id", suffix="_true")


def test_words_tell_the_theme(known):
    for number, theme in enumerate(words.THEMES):
        own = known.filter(theme=theme)
        assert set(own["tags"].explode()) <= set(words.THEME_WORDS[number])
        assert own["title"].str.to_lowercase().str.contains_any(words.THEME_WORDS[number]).all()
    assert (known["tags"].list.n_unique() == 2).all()


def test_words_tell_some_of_the_rest(known):
    for name, before in (("colour", "comes in"), ("material", "body is")):
        told = known.with_columns(told=pl.col("description").str.extract(rf"{before} (\w+)\.")).drop_nulls("told")
        assert (told["told"] == told[name]).all()
        assert 0.3 < told.height / known["description"].count() < 0.5
    assert (known["category"] == known["category_true"]).all()
    assert known.select(pl.col("title").str.contains(pl.col("category"), literal=True)).to_series().all()
    assert 0.05 < known["description"].null_count() / known.height < 0.17


def test_demographics_tell_of_tastes(shop):
    users = shop.users.join(shop.true_users, on="user_id", suffix="_true")
    assert users["group"].n_unique() == GROUPS
    assert users.select(pl.corr("age", "group")).item() > 0.7
    for column in ("gender", "region"):
        shares = users.drop_nulls(column).pivot(column, index="group", values="user_id", aggregate_function="len")
        counts = shares.drop("group").fill_null(0).to_numpy()
        expected = counts.sum(0) * counts.sum(1, keepdims=True) / counts.sum()
        assert ((counts - expected) ** 2 / expected).sum() > 80  # chi squared; 60 would be far beyond chance
    assert 0.07 < users["age"].null_count() / users.height < 0.13
    assert 0.11 < users["gender"].null_count() / users.height < 0.19


def test_groups_like_what_they_like(shop):
    """Clicks of a group fit its own taste, not that of others."""
    taste = np.array(shop.true_users["taste"].to_list())
    group = shop.true_users["group"].to_numpy()
    centres = np.stack([taste[group == number].mean(axis=0) for number in range(GROUPS)])
    clicks = shop.events.filter(pl.col("type") == "click")
    vectors = np.array(shop.true_items.sort("item_id")["vector"].to_list())
    match = vectors[clicks["item_id"] - 1] @ centres.T
    own = match[np.arange(len(match)), group[clicks["user_id"] - 1]]
    assert own.mean() > match.mean() + 0.07


def test_reviews_come_after_the_purchase(shop):
    bought = shop.events.filter(pl.col("type") == "purchase").select("user_id", "item_id", bought="time")
    first = bought.group_by("user_id", "item_id").agg(pl.col("bought").min())
    pairs = shop.reviews.join(first, on=["user_id", "item_id"])
    assert pairs.height == shop.reviews.height
    assert (pairs["time"] - pairs["bought"]).min().days >= 1
    assert shop.reviews["time"].is_sorted()
    assert shop.reviews["time"].max() <= shop.events["time"].max()
    share = shop.reviews.height / bought.height
    assert share == pytest.approx(0.3, abs=0.05)


def test_reviews_fit_their_stars(shop, known):
    assert set(shop.reviews["rating"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert shop.reviews["rating"].std() > 0.6
    told = shop.reviews.join(known, on="item_id")
    remarks = {star: [remark.split("{}") for remark in words.REMARKS[star - 1]] for star in range(1, 6)}
    for star, text in told.select("rating", "text").iter_rows():
        assert any(before in text and after in text for before, after in remarks[int(star)])
    assert told.select(pl.col("text").str.contains(pl.col("category"), literal=True)).to_series().mean() > 0.9
    assert not told["text"].str.contains("{}", literal=True).any()
