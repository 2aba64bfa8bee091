# SPDX-License-Identifier: Apache-2.0
"""Pictures: only those below the root, only pictures, only by an item's id."""

import msgspec
import polars as pl
import pytest
import torch
from PIL import Image

import films
from inprocess import Client
from penchant.batch import Items
from penchant.bundle.bundle import open_bundle
from penchant.features.catalogue import Catalogue
from penchant.schema import ITEM, Column, Kind
from penchant.serve import shelf
from penchant.serve.http import create_app
from penchant.serve.service import Service

BAD = [
    "../secret.png",
    "/etc/passwd",
    "missing.png",
    "notes.txt",
    "drawing.svg",
    "link.png",
    "",
    "a\0b.png",
    "x" * 5000,
    "huge.png",
    "folder.png",
]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "data"
    (root / "posters").mkdir(parents=True)
    Image.new("RGB", (4, 6), "teal").save(root / "posters" / "one.png")
    for name in ("notes.txt", "drawing.svg"):
        (root / name).write_text("<svg/>")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "huge.png").write_bytes(b"x" * 2000)
    (root / "folder.png").mkdir()
    return root


@pytest.fixture
def client(root, tmp_path, log, monkeypatch):
    monkeypatch.setattr(shelf, "LARGEST_IMAGE", 1000)
    data = films.dataset()
    paths = ["posters/one.png", *BAD]
    column = pl.Series("poster", paths + [None] * (len(data.items) - len(paths)), dtype=pl.String)
    schema = msgspec.structs.replace(
        data.schema, image="poster", items={**data.schema.items, "poster": Column(kind=Kind.IMAGE)}
    )
    data = films.Dataset(
        name="films",
        schema=schema,
        events=data.events,
        items=data.items.with_columns(column),
        users=data.users,
    )
    folder = films.write(tmp_path / "bundles", data, root=root)
    with Client(create_app(Service(open_bundle(folder), log))) as client:
        yield client


def test_a_picture_is_served_by_its_items_id(client, root):
    answer = client.get("/v1/items/1/image")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == (root / "posters" / "one.png").read_bytes()
    card = client.get("/v1/items/1").json()
    assert card["has_image"] is True
    assert "poster" not in card["features"]


@pytest.mark.parametrize("item", range(2, len(BAD) + 2))
def test_nothing_else_is_given_out(client, item):
    answer = client.get(f"/v1/items/{item}/image")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "no_image"
    assert client.get(f"/v1/items/{item}").json()["has_image"] is False


@pytest.mark.parametrize("path", ["..%2Fsecret.png", "1/../../secret.png", "%2e%2e%2fsecret.png"])
def test_a_path_in_the_address_is_an_id_and_nothing_more(client, path):
    assert client.get(f"/v1/items/{path}/image").status_code == 404


def test_a_root_that_is_gone_means_no_pictures(client, root):
    data = films.dataset()
    from penchant.features.space import FeatureSpace

    catalogue = FeatureSpace.fit(data, data.events).catalogue(data.items)
    assert not shelf.Shelf(catalogue, data.schema, root / "gone").has_image(0)


def test_bytes_sound_and_vectors_are_not_shown_as_words(tmp_path):
    frame = pl.DataFrame({ITEM: [7], "photo": [b"bytes"], "clip": [b"bytes"], "style": [[1.0]], "genre": ["warm"]})
    kinds = {"photo": Kind.IMAGE, "clip": Kind.AUDIO, "style": Kind.VECTOR, "genre": Kind.CATEGORY}
    columns = {name: Column(kind=kind) for name, kind in kinds.items()}
    schema = msgspec.structs.replace(films.dataset().schema, image="photo", items=columns, title=None)
    one = shelf.Shelf(Catalogue(frame, Items(ids=torch.tensor([2]))), schema, tmp_path)
    assert one.picture(0) is None
    assert not one.has_image(0)
    assert one.card(0).features == {"genre": "warm"}
