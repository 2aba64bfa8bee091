# SPDX-License-Identifier: Apache-2.0
"""An item that the model never learned of is recommended as soon as the served catalogue has it."""

from __future__ import annotations

import polars as pl
import pytest

import films
import worlds
from penchant import registry
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.recommend.pipeline import Pipeline
from penchant.serve.service import Service
from penchant.serve.wire import NewEvent

KINDS = [kind for kind in registry.MODELS if registry.load(registry.MODELS, kind, "model").cold_items]
NEW = 9000


@pytest.fixture(scope="module", params=KINDS)
def bundles(request, tmp_path_factory):
    """A bundle, and the same model over a catalogue that has grown by one comedy."""
    data = films.dataset()
    one = worlds.train(request.param, data)
    row = pl.DataFrame({"item_id": [NEW], "title": ["The Goat's Wedding Band"], "genres": [["Comedy"]]})
    grown = one.space.catalogue(pl.concat([data.items, row], how="diagonal"))
    return [
        write_bundle(
            tmp_path_factory.mktemp("bundles"), pipeline,
            name=data.name, kind=request.param, users=data.users, events=data.events,
        )
        for pipeline in (one.pipeline, Pipeline(one.model, one.space, grown))
    ]  # fmt: skip


def rank(service, user):
    return [item.item_id for item in service.recommend(user, 100).items].index(NEW)


def test_models_for_new_items_are_there():
    assert {"content_knn", "two_tower"} <= set(KINDS)


def test_a_new_film_reaches_a_stranger_who_likes_its_kind_after_two_clicks(bundles, log):
    old, new = bundles
    genres = films.catalogue()
    service = Service(open_bundle(old), log)
    for user, genre in (("ann", "Comedy"), ("bob", "Mystery")):
        liked = genres.filter(pl.col("genres").list.first() == genre)["item_id"].head(2)
        service.record([NewEvent(user_id=user, item_id=item) for item in liked])
    assert NEW not in [item.item_id for item in service.recommend("ann", 100).items]
    service.swap(new)
    assert rank(service, "ann") < min(15, rank(service, "bob"))
    service.record([NewEvent(user_id="ann", item_id=NEW)])
    assert service.history("ann", 1)[0].item_id == NEW
    assert NEW not in [item.item_id for item in service.recommend("ann", 100).items]
