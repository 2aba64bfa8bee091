# SPDX-License-Identifier: Apache-2.0
"""Wishes through the pipeline: what is asked for is what comes out, for one user and for many."""

from __future__ import annotations

from functools import cache

import msgspec
import polars as pl
import pytest
import torch

import worlds
from penchant.models.recommender import Recommender
from penchant.recommend.errors import WishError
from penchant.recommend.pipeline import Pipeline
from penchant.recommend.wishes import Ready, Wishes
from penchant.schema import Column, Kind

DAY = 86_400 * 10**6
N = worlds.ITEMS


class Rising(Recommender):
    """The higher the row, the better; items of one group (row mod 3) are alike."""

    relation = True

    def score(self, users, items):
        return torch.arange(float(len(items))).expand(len(users), -1)

    def affinity(self, given, wanted):
        if not self.relation:
            return None
        return (given.ids[:, None] % 3 == wanted.ids[None, :] % 3).float() * 0.01

    def state(self):
        return {}

    def load_state(self, state):
        pass


@cache
def world():
    return worlds.train("popularity", worlds.checkerboard())


def pipeline(relation=True):
    model = Rising(None, world().space.sizes)
    model.relation = relation
    return Pipeline(model, world().space, world().pipeline.catalogue)


def given(wishes, k=5, *, people=(999,), relation=True, now=0, columns=None):
    """The ids (less 500) of each user's list, None where a list is shorter."""
    road = pipeline(relation)
    asked = msgspec.convert(wishes, Wishes).of(road.catalogue, columns or world().dataset.schema.items, now)
    lists = road.recommend(world().users(list(people)), k, wishes=asked).rows.tolist()
    ids = world().pipeline.catalogue.ids.to_list()
    found = [[ids[row] - 500 if row >= 0 else None for row in one] for one in lists]
    return found[0] if len(people) == 1 else found


def test_nothing_wished_changes_nothing():
    best = given({})
    assert best == [35, 34, 33, 32, 31]
    assert given({"where": {}, "caps": {}, "boosts": []}) == best


def test_a_filter_leaves_only_what_passes():
    assert given({"where": {"genre": {"any": ["sword"]}}}) == [34, 31, 28, 25, 22]
    assert given({"where": {"year": {"max": 1952}}}) == [2, 1, None, None, None]


def test_allowed_and_blocked():
    assert given({"allow": [500, 511, 4711], "block": []})[:3] == [11, 0, None]
    assert given({"allow": []}) == [None] * 5
    assert given({"block": [535, 533, 4711]}) == [34, 32, 31, 30, 29]
    assert given({"allow": [535, 534], "block": [535]})[:2] == [34, None]


def test_a_boost_is_measured_in_deviations():
    best = given({"boosts": [{"where": {"genre": {"any": ["sword"]}}, "by": 10}]})
    assert best == [34, 31, 28, 25, 22]
    assert given({"boosts": [{"where": {"genre": {"any": ["sword"]}}, "by": -10}]}) == [35, 33, 32, 30, 29]
    # 36 scores in steps of 1 have a deviation of 10.4: a tenth of it lifts an item by one place.
    assert given({"boosts": [{"where": {"genre": {"any": ["sword"]}}, "by": 0.1}]}) == [34, 35, 33, 31, 32]


def test_a_boost_counts_for_who_has_no_taste():
    class Flat(Rising):
        def score(self, users, items):
            return torch.zeros(len(users), len(items))

    road = Pipeline(Flat(None, world().space.sizes), world().space, world().pipeline.catalogue)
    wishes = msgspec.convert({"boosts": [{"where": {"genre": {"any": ["sword"]}}, "by": 1}]}, Wishes)
    ready = wishes.of(road.catalogue, world().dataset.schema.items, 0)
    assert (road.recommend(world().users([999]), 12, wishes=ready).rows % worlds.GROUPS == 1).all()


def test_fresh_items_count_for_more():
    columns = {**world().dataset.schema.items, "year": Column(kind=Kind.TIME)}
    catalogue = world().pipeline.catalogue
    frame = catalogue.frame.with_columns(
        year=pl.when(pl.col("item_id") == 502)
        .then(100 * DAY)
        .when(pl.col("item_id") == 501)
        .then(107 * DAY)
        .when(pl.col("item_id") == 500)
        .then(93 * DAY)
        .cast(pl.Int64)
    )
    wishes = msgspec.convert({"fresh": {"column": "year", "half_life": 7, "by": 1}}, Wishes)
    fresh = wishes.of(type(catalogue)(frame, catalogue.items), columns, 100 * DAY).added
    assert fresh[:4].tolist() == [0.5, 1.0, 1.0, 0.0]


def test_pins_stand_where_they_are_put():
    assert given({"pins": [{"item_id": 503, "rank": 2}]}) == [35, 3, 34, 33, 32]
    assert given({"pins": [{"item_id": 535, "rank": 3}, {"item_id": 500}]}) == [0, 34, 35, 33, 32]
    assert given({"pins": [{"item_id": 500, "rank": 9}]}) == [35, 34, 33, 32, 31]
    assert given({"pins": [{"item_id": 500, "rank": 4}], "allow": [535]})[:2] == [35, 0]
    assert given({"pins": [{"item_id": 500, "rank": 1}]}, k=1) == [0]
    both = given({"pins": [{"item_id": 503, "rank": 2}]}, people=(999, 998))
    assert both == [[35, 3, 34, 33, 32]] * 2


def test_a_pins_score_is_its_neighbours():
    ready = msgspec.convert({"pins": [{"item_id": 503, "rank": 2}], "allow": [535]}, Wishes)
    road = pipeline()
    found = road.recommend(
        world().users([999]), 3, wishes=ready.of(road.catalogue, world().dataset.schema.items, 0)
    )
    assert found.scores[0, :2].tolist() == [35, 35]
    assert found.rows.tolist() == [[35, 3, -1]]
    alone = msgspec.convert({"pins": [{"item_id": 503, "rank": 2}], "allow": []}, Wishes)
    found = road.recommend(
        world().users([999]), 3, wishes=alone.of(road.catalogue, world().dataset.schema.items, 0)
    )
    assert found.rows.tolist() == [[3, -1, -1]]
    assert float(found.scores[0, 0]) == 0


def test_caps_hold_and_lists_are_filled_from_further_down():
    best = given({"caps": {"genre": 1}}, k=4)
    assert best == [35, 34, 33, 32]  # None, sword, space, None: what has no word is not counted
    best = given({"caps": {"genre": 1}}, k=N)
    assert [i % 3 for i in best if i is not None].count(0) == 1
    assert len([i for i in best if i is not None]) == N // 3 + 2
    assert given({"caps": {"tags": 1}}, k=4) == [35, 34, 32, 30]


def test_caps_of_many_users_at_once():
    seen = worlds.table((998, 535, 1), (998, 534, 2))
    road = pipeline()
    ready = msgspec.convert({"caps": {"genre": 1}}, Wishes).of(road.catalogue, world().dataset.schema.items, 0)
    lists = road.recommend(world().users([999, 998], seen), 4, wishes=ready)
    assert lists.rows.tolist() == [[35, 34, 33, 32], [33, 32, 31, 29]]
    assert lists.scores.tolist() == [[35, 34, 33, 32], [33, 32, 31, 29]]


def test_diversity_takes_turns_between_groups():
    assert [i % 3 for i in given({"diversity": {"weight": 0.9}}, k=3)] == [2, 1, 0]
    assert given({"diversity": {"weight": 0}}) == [35, 34, 33, 32, 31]
    pooled = given({"diversity": {"weight": 1, "pool": 100}}, k=3)
    assert sorted(i % 3 for i in pooled) == [0, 1, 2]


def test_diversity_by_vectors():
    found = worlds.train("sasrec", worlds.checkerboard())
    ready = msgspec.convert({"diversity": {"weight": 0.95}}, Wishes).of(
        found.pipeline.catalogue, found.dataset.schema.items, 0
    )
    users = found.users([100, 101, 102])
    plain = found.pipeline.recommend(users, 9).rows
    varied = found.pipeline.recommend(users, 9, wishes=ready).rows

    def likeness(rows):
        vectors = found.pipeline._directions[rows]
        return float((vectors @ vectors.transpose(1, 2)).mean())

    assert likeness(varied) < likeness(plain) - 0.05


def test_wishes_add_up():
    wishes = {
        "where": {"genre": {"missing": False}},
        "block": [534],
        "caps": {"genre": 2},
        "pins": [{"item_id": 500, "rank": 1}],
        "diversity": {"weight": 0.5},
    }
    assert given(wishes) == [0, 33, 31, 30, 28]


@pytest.mark.parametrize(
    ("wishes", "field", "message"),
    [
        ({"where": {"gene": {"any": ["a"]}}}, "where.gene", "did you mean 'genre'?"),
        ({"boosts": [{"where": {"no": {"min": 1}}, "by": 1}]}, "boosts[0].where.no", "no such column"),
        ({"fresh": {"column": "year"}}, "fresh.column", "the items have no such column of times"),
        ({"pins": [{"item_id": 4711}]}, "pins[0].item_id", "there is no item 4711"),
        ({"pins": [{"item_id": 500}, {"item_id": 501}]}, "pins[1]", "pinned already"),
        ({"pins": [{"item_id": 500}, {"item_id": 500, "rank": 2}]}, "pins[1]", "pinned already"),
        ({"caps": {"year": 1}}, "caps.year", "this column is number"),
        ({"caps": {"genres": 1}}, "caps.genres", "did you mean 'genre'?"),
    ],
)
def test_what_does_not_fit_is_named(wishes, field, message):
    with pytest.raises(WishError) as error:
        given(wishes)
    assert error.value.field == field
    assert message in str(error.value)


def test_a_model_that_knows_no_likeness_says_so():
    with pytest.raises(WishError, match="diversity: this model cannot tell what is alike"):
        given({"diversity": {}}, relation=False)


@pytest.mark.parametrize(
    "wishes",
    [
        {"wheer": {}},
        {"boosts": [{"where": {}, "by": 11}]},
        {"caps": {"genre": 0}},
        {"pins": [{"item_id": 1, "rank": 0}]},
        {"diversity": {"weight": 2}},
        {"diversity": {"method": "luck"}},
        {"allow": [0] * 10_001},
    ],
)
def test_what_no_wish_can_be(wishes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wishes, Wishes)


def test_a_catalogue_of_nothing():
    catalogue = world().pipeline.catalogue
    empty = type(catalogue)(catalogue.frame.head(0), catalogue.items.take(torch.zeros(0, dtype=torch.int64)))
    ready = msgspec.convert({"caps": {"tags": 1, "genre": 1}, "where": {"genre": {"any": ["a"]}}}, Wishes).of(
        empty, world().dataset.schema.items, 0
    )
    assert len(ready.allowed) == 0
    assert [codes.shape[0] for codes, _ in ready.caps] == [0, 0]


def test_caps_look_further_down_until_the_list_is_full():
    codes = torch.ones(3000, 1, dtype=torch.int64)
    codes[2500:] = torch.arange(2, 502)[:, None]
    ready = Ready(allowed=None, added=None, pins={}, caps=[(codes, 1)], diversity=None)
    scores = torch.arange(3000.0).flip(0)[None]
    rows, best = ready.choose(scores, 4, pipeline()._likeness)
    assert rows.tolist() == [[0, 2500, 2501, 2502]]
    assert best.tolist() == [[2999, 499, 498, 497]]
