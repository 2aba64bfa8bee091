# SPDX-License-Identifier: Apache-2.0
"""Small worlds with known answers, and the short road from one to a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.data.dataset import Dataset
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, MICROSECONDS, TIME, TYPE, USER, VALUE, Column, IdType, Kind, Schema
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig

if TYPE_CHECKING:
    from penchant.batch import History, Items, Sizes, Users

GROUPS = 3
USERS = 60
ITEMS = 36
EACH = 7
"""Of the twelve items of their group, how many a user has done."""
COLD = 2
"""Items at the end of the table that nobody has done."""

START = 1_000_000_000 * MICROSECONDS
MINUTE = 60 * MICROSECONDS

SMALL = {
    "sasrec": {"embedding_size": 16, "blocks": 1, "heads": 2, "inner_size": 16, "dropout": 0.1},
    "hstu": {"embedding_size": 16, "blocks": 1, "heads": 2, "dropout": 0.1},
    "hybrid": {"embedding_size": 16, "blocks": 1, "heads": 2, "inner_size": 16, "dropout": 0.1},
    # More dimensions than there are tastes would learn the sixty users by heart.
    "ials": {"embedding_size": 3},
    "blend": {
        "members": [
            {"kind": "sasrec", "embedding_size": 16, "blocks": 1, "heads": 2, "inner_size": 16, "dropout": 0.1},
            {"kind": "item_knn", "weight": 0.1},
        ]
    },
}
"""Choices that make a model quick; one that is not named here is tested as it comes."""

QUICK = TrainConfig(epochs=30, learning_rate=0.01, warmup_steps=5, average=0.9, precision="float32")

_WORDS = ("rockets and planets", "knights and castles", "kisses and weddings")
_ID = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


def schema(**changes) -> Schema:
    """Every kind of column at once."""
    whole = Schema(
        user_id=IdType.INTEGER,
        item_id=IdType.INTEGER,
        items={
            "title": Column(kind=Kind.TEXT),
            "year": Column(kind=Kind.NUMBER),
            "genre": Column(kind=Kind.CATEGORY),
            "tags": Column(kind=Kind.TAGS),
            "poster": Column(kind=Kind.IMAGE),
        },
        users={"age": Column(kind=Kind.NUMBER), "job": Column(kind=Kind.CATEGORY)},
        event_types=("view", "buy"),
        has_value=True,
        title="title",
    )
    return replace_struct(whole, **changes)


def replace_struct(struct, **changes):
    """A copy of a msgspec struct with some fields changed."""
    return type(struct)(**{name: getattr(struct, name) for name in struct.__struct_fields__} | changes)


def checkerboard(seed: int = 0) -> Dataset:
    """Users and items of three groups; a user does items of the own group only, in a random order.

    User u and item i belong to the groups u mod 3 and i mod 3. Ids start at 100 and 500. The last `COLD`
    items have no events, and the last user has no profile.
    """
    random = np.random.default_rng(seed)
    whole = ITEMS + COLD
    users = np.repeat(np.arange(USERS), EACH)
    picks = [random.choice(np.arange(u % GROUPS, ITEMS, GROUPS), EACH, replace=False) for u in range(USERS)]
    order = random.permutation(USERS * EACH)
    times = np.empty(USERS * EACH, np.int64)
    times[order] = START + np.arange(USERS * EACH) * MINUTE
    events = pl.DataFrame(
        {
            USER: users + 100,
            ITEM: np.concatenate(picks) + 500,
            TIME: times,
            TYPE: np.where(random.random(USERS * EACH) < 0.5, "view", "buy"),
            VALUE: random.integers(1, 6, USERS * EACH).astype(np.float64),
        }
    ).sort(TIME, maintain_order=True)
    items = pl.DataFrame(
        {
            ITEM: np.arange(whole) + 500,
            "title": [f"{_WORDS[i % GROUPS]}, part {i}" for i in range(whole)],
            "year": [None if i % 7 == 0 else 1950.0 + i for i in range(whole)],
            "genre": [("space", "sword", None)[i % GROUPS] for i in range(whole)],
            "tags": [[], ["old"], None, ["old", "long", "odd"]] * (whole // 4) + [["old"]] * (whole % 4),
            "poster": [f"{i}.png" for i in range(whole)],
        },
        schema_overrides={"tags": pl.List(pl.String)},
    )
    profiles = pl.DataFrame(
        {
            USER: np.arange(USERS - 1) + 100,
            "age": 20.0 + random.integers(0, 40, USERS - 1),
            "job": [("smith", None)[u % 2] for u in range(USERS - 1)],
        }
    )
    return Dataset(name="board", schema=schema(), events=events, items=items, users=profiles)


def dataset(events: pl.DataFrame, items: pl.DataFrame, users: pl.DataFrame, /, **changes) -> Dataset:
    """Tables of one's own behind the same schema, some of its fields changed."""
    return Dataset(name="own", schema=schema(**changes), events=events, items=items, users=users)


def table(*rows, user=IdType.INTEGER, item=IdType.INTEGER) -> pl.DataFrame:
    """Canonical events out of (user, item, time[, type[, value]]) rows; times in whole microseconds."""
    defaults = (None, None, 0, "view", None)
    kinds = {USER: _ID[user], ITEM: _ID[item], TIME: pl.Int64(), TYPE: pl.String(), VALUE: pl.Float64()}
    return pl.DataFrame([(*row, *defaults[len(row) :]) for row in rows], schema=kinds, orient="row")


@dataclass(frozen=True, kw_only=True)
class World:
    """A data set, its space, and a pipeline over the whole item table."""

    dataset: Dataset
    space: FeatureSpace
    pipeline: Pipeline

    @property
    def model(self):
        return self.pipeline.model

    def users(self, ids, events: pl.DataFrame | None = None) -> Users:
        """These users as they stand, or with the given events instead."""
        asked = pl.Series(USER, ids, dtype=_ID[self.dataset.schema.user_id])
        known = self.dataset.events if events is None else events
        return self.space.users(asked, known, self.pipeline.catalogue, self.dataset.users)

    def everyone(self) -> Users:
        return self.users(self.dataset.events[USER].unique().sort())

    def lists(self, users: Users, k: int = ITEMS + COLD, **choices) -> list[dict]:
        """Per user: raw item id -> score, best first."""
        ranked = self.pipeline.recommend(users, k, **choices)
        ids = self.pipeline.catalogue.ids.to_list()
        return [
            {ids[row]: score for row, score in zip(rows, scores, strict=True) if row >= 0}
            for rows, scores in zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True)
        ]


def train(
    kind: str,
    data: Dataset,
    *,
    seed: int = 0,
    config: TrainConfig = QUICK,
    items: pl.DataFrame | None = None,
    order: pl.Series | None = None,
    content: dict | None = None,
) -> World:
    """The whole road: fit a space, fit a model, put it over the item table.

    Args:
        items: the item table in another order.
        order: the users in another order.
        content: the run file's `[content]`.
    """
    items = data.items if items is None else items
    space = FeatureSpace.fit(data, data.events, content=content)
    model = make(kind, SMALL.get(kind, {}), space.sizes, seed)
    seen = space.catalogue(
        items.join(data.events.select(ITEM).unique(), on=ITEM, how="semi", maintain_order="left")
    )
    ids = data.events[USER].unique().sort() if order is None else order
    fit(model, space.users(ids, data.events, seen, data.users), replace_struct(config, seed=seed))
    return World(dataset=data, space=space, pipeline=Pipeline(model, space, space.catalogue(items)))


def with_pipeline(world: World, pipeline: Pipeline) -> World:
    """The same world answered by another pipeline."""
    return replace(world, pipeline=pipeline, space=pipeline.space)


def equal_histories(a: History, b: History) -> None:
    """Assert that two histories hold the same tensors, bit by bit."""
    for name in ("offsets", "rows", "actions", "times", "values"):
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype, name
        assert left.tolist() == right.tolist(), name


def equal_items(a: Items, b: Items) -> None:
    """Assert that two catalogues hold the same tensors, bit by bit."""
    assert a.ids.tolist() == b.ids.tolist()
    assert a.features.keys() == b.features.keys()
    assert a.content.keys() == b.content.keys()
    for name in a.features:
        assert a.features[name].tolist() == b.features[name].tolist(), name
    for name in a.content:
        for left, right in zip(a.content[name], b.content[name], strict=True):
            assert left.tolist() == right.tolist(), name


def replace_sizes(sizes: Sizes, **changes) -> Sizes:
    """A copy of sizes with some fields changed."""
    return replace(sizes, **changes)
