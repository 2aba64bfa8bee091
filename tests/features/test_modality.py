# SPDX-License-Identifier: Apache-2.0
"""A new modality is one class and one row of the table: here three-dimensional shapes, given as clouds of points.

No model and no feature space knows of it, and yet a tower learns from it.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

import worlds
from penchant import registry
from penchant.batch import ContentSize, Items, Sizes
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.content.encoder import EncoderConfig, Unfitted, unheard
from penchant.features.space import FeatureSpace
from penchant.models.readers import ContentProjection
from penchant.models.recommender import Learned
from penchant.schema import Column, Kind
from penchant.train.fit import fit, make

BINS = 16


class ShapeEncoder(Unfitted):
    """How far apart points of a solid lie: D2 of Osada et al. (2002), whatever its turn and size."""

    class Config(EncoderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        pass

    reads = Kind.VECTOR

    @property
    def size(self):
        return ContentSize.vector(BINS)

    def encode(self, values, note=unheard):
        made, present = torch.zeros(len(values), BINS), torch.zeros(len(values), dtype=torch.bool)
        for at, cloud in enumerate(values):
            if cloud is None or len(cloud) % 3 or len(cloud) < 6:
                note(at, "is no cloud of points")
                continue
            points = torch.tensor(cloud.to_numpy()).view(-1, 3)
            apart = torch.pdist(points)
            made[at] = torch.histc(apart / apart.mean(), BINS, 0, 3) / len(apart)
            present[at] = True
        return made, present


def cloud(kind, seed):
    """Points on a ball, a rod or a plate, turned and stretched as a whole at random."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(60, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= ((1, 1, 1), (1, 0.05, 0.05), (1, 1, 0.02))[kind]
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    return (points @ turn * random.uniform(0.5, 5)).ravel()


@pytest.fixture(autouse=True)
def _one_row(monkeypatch):
    monkeypatch.setitem(registry.ENCODERS, "shape3d", f"{__name__}:ShapeEncoder")


def board():
    data = worlds.checkerboard()
    clouds = [None if n % 11 == 5 else cloud(n % 3, n).tolist() for n in range(data.items.height)]
    items = data.items.with_columns(solid=pl.Series(clouds, dtype=pl.List(pl.Float32)))
    schema = worlds.schema(items={"solid": Column(kind=Kind.VECTOR)})
    return worlds.Dataset(name="solids", schema=schema, events=data.events, items=items, users=data.users)


CONTENT = {"vector": {"kind": "shape3d"}}


def test_a_hybrid_trains_with_it_and_answers_from_a_bundle(tmp_path):
    data = board()
    one = worlds.train("sasrec", data, content=CONTENT)
    assert one.space.sizes.content == {"solid": ContentSize.vector(BINS)}
    weight = one.model.state()["item_content.projections.0.weight"]
    assert weight.shape == (16, BINS)
    ranked = one.pipeline.recommend(one.everyone(), 5).rows
    groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
    assert float((ranked % worlds.GROUPS == groups).float().mean()) > 0.9
    write_bundle(tmp_path, one.pipeline, name="solids", kind="sasrec", users=data.users, events=data.events)
    opened = open_bundle(tmp_path).pipeline
    worlds.equal_items(opened.catalogue.items, one.pipeline.catalogue.items)
    new = data.items.tail(1).with_columns(solid=pl.Series([cloud(0, 999).tolist()], dtype=pl.List(pl.Float32)))
    assert opened.space.items(new).content["solid"][1].all()


def learned():
    """Every model that learns: those that read content take what is new without a word."""
    return [kind for kind in registry.MODELS if issubclass(registry.load(registry.MODELS, kind, "model"), Learned)]


@pytest.mark.parametrize("kind", learned())
def test_items_without_a_name_are_told_apart_by_their_solid(kind):
    data = board()
    space = FeatureSpace.fit(data, data.events, content=CONTENT)
    items = space.items(data.items)
    nameless = Items(ids=torch.ones_like(items.ids), content=items.content)
    sizes = Sizes(items=2, users=2, actions=space.sizes.actions, content=space.sizes.content)
    choices = worlds.SMALL.get(kind, {})
    model = make(kind, {name: 0.0 if name == "dropout" else value for name, value in choices.items()}, sizes)
    if not any(isinstance(part, ContentProjection) for part in model.modules()):
        pytest.skip(f"{kind} does not read content")
    users = space.users(data.users["user_id"], data.events, space.catalogue(data.items), data.users)
    users = worlds.replace(users, ids=torch.ones_like(users.ids), catalogue=nameless, features={})
    fit(model, users, worlds.replace_struct(worlds.QUICK, epochs=60, learning_rate=0.01))
    with torch.inference_mode():
        scores = model.score(users, nameless)
    there = items.content["solid"][1]
    best = scores.masked_fill(~there, -torch.inf).topk(8, dim=1).indices
    share = (best % 3 == torch.arange(len(users))[:, None] % 3).float().mean()
    assert share > 0.8, f"chance is 0.33, found {share:.2f}"


def test_what_is_no_solid_is_absent():
    told = {}
    encoder = ShapeEncoder(ShapeEncoder.Config())
    values = pl.Series([None, [1.0, 2.0], cloud(0, 1).tolist()], dtype=pl.List(pl.Float32))
    _, present = encoder.encode(values, told.__setitem__)
    assert present.tolist() == [False, False, True]
    assert told.keys() == {0, 1}
