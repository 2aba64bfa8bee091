# SPDX-License-Identifier: Apache-2.0
"""ContentKNN: cosines by hand, what is learned of the columns, and items that nobody did."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import worlds
from penchant.batch import Items, Sizes
from penchant.errors import ConfigError
from penchant.models.content_knn import ContentKNN
from penchant.schema import ITEM


@pytest.fixture(scope="module")
def board():
    return worlds.train("popularity", worlds.checkerboard())


def solved(board, **choices):
    model = ContentKNN(ContentKNN.Config(**choices), board.space.sizes)
    model.solve(board.everyone())
    return model


def words(model, name, tags):
    """Cosines of tag lists, by sets and rarities."""
    rarity = model.state()[f"rarity/{name}"].tolist()
    sets = [{tag for tag in row if tag > 1} for row in tags]

    def shared(a, b):
        return sum(rarity[tag] ** 2 for tag in a & b) / (math.sqrt(own(a) * own(b)) or 1.0)

    def own(row):
        return sum(rarity[tag] ** 2 for tag in row)

    return np.array([[shared(a, b) for b in sets] for a in sets])


def test_a_score_is_the_weighted_sum_of_the_columns_cosines(board):
    model = solved(board, weights={"genre": 2.0, "tags": 1.0, "year": 0.5, "title": 3.0})
    items = board.pipeline.catalogue.items
    angle = items.features["year"].clamp(-3, 3).double().numpy() * math.pi / 6
    title = items.content["title"][0].double().numpy()
    wanted = (
        2.0 * words(model, "genre", items.features["genre"][:, None].tolist())
        + words(model, "tags", items.features["tags"].tolist())
        + 0.5 * np.cos(angle[:, None] - angle)
        + 3.0 * title @ title.T
    )
    vectors = model.encode_item(items)
    np.testing.assert_allclose((vectors @ vectors.T).numpy(), wanted, atol=1e-5)
    users = board.users([100, 7])
    mean = wanted[board.users([100]).history.rows.numpy()].mean(0)
    np.testing.assert_allclose(model.score(users, items).numpy(), [mean, np.zeros(len(items))], atol=1e-5)


def test_rarity_counts_the_items_that_have_a_word(board):
    model = solved(board)
    tags = board.everyone().catalogue.features["tags"]
    rarity = model.state()["rarity/tags"]
    counts = torch.bincount(tags.flatten(), minlength=len(rarity))
    wanted = torch.log((1 + len(tags)) / (1 + counts[2:].double())) + 1
    torch.testing.assert_close(rarity[2:], wanted.float())
    assert not rarity[:2].any()


def test_a_large_vocabulary_is_pressed_and_keeps_its_cosines():
    chance = torch.Generator().manual_seed(0)
    tags = torch.randint(2, 12, (40, 3), generator=chance)
    tags += 10 * (torch.arange(40) % 2)[:, None]
    items = Items(ids=torch.arange(2, 42), features={"tags": tags})
    vectors = {}
    for size in (64, 21, 8):
        model = ContentKNN(
            ContentKNN.Config(size=size), Sizes(items=42, users=2, actions=3, item_features={"tags": 22})
        )
        model._fit_words("tags", tags)
        vectors[size] = model.encode_item(items)
        assert vectors[size].shape[1] == min(size, 22)
    whole, most, few = (found @ found.T for found in vectors.values())
    torch.testing.assert_close(most, whole, atol=1e-4, rtol=1e-4)
    assert float((few - whole).square().mean()) < 0.5 * float(whole.square().mean())


def test_columns_that_tell_tastes_apart_weigh_more(board):
    model = solved(board)
    weights = dict(zip(model.columns, model.state()["weights"].tolist(), strict=True))
    assert sum(weights.values()) == pytest.approx(1.0)
    # The title says all that the genre does, and more.
    assert weights["title"] > 0.8


def test_an_item_that_nobody_did_is_placed_by_what_it_is(board):
    model = solved(board)
    new = board.dataset.items.head(3).with_columns(worlds.pl.Series(ITEM, [9000, 9001, 9002]))
    items = board.space.items(new)
    assert items.ids.tolist() == [1, 1, 1]
    scores = model.score(board.users([100, 101, 102]), items)
    assert scores.argmax(1).tolist() == [(user - 500) % worlds.GROUPS for user in (500, 501, 502)]


def test_a_weight_for_a_column_that_is_not_there(board):
    with pytest.raises(ConfigError, match=r"\[model\] weights: no column 'genres' .*'genre'"):
        ContentKNN(ContentKNN.Config(weights={"genres": 1.0}), board.space.sizes)


def test_without_columns_everything_is_equal(board):
    model = ContentKNN(ContentKNN.Config(), Sizes(items=board.space.sizes.items, users=2, actions=3))
    model.solve(board.everyone())
    assert not model.score(board.everyone(), board.pipeline.catalogue.items).any()


def test_nobody_with_two_events_leaves_the_weights_equal(board):
    model = ContentKNN(ContentKNN.Config(), board.space.sizes)
    model.solve(board.users([7, 8], worlds.table((7, 500, 1), (8, 501, 1))))
    assert model.state()["weights"].tolist() == [1.0] * len(model.columns)
