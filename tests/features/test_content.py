# SPDX-License-Identifier: Apache-2.0
"""ContentColumns: fitted on training rows, the same after a round trip, without the library that encoded."""

from __future__ import annotations

import sys

import polars as pl
import pytest
import torch

import media
import worlds
from penchant.batch import ContentSize
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.content.library import Library
from penchant.errors import ConfigError, MissingExtraError
from penchant.features.content import ContentColumns
from penchant.features.space import FeatureSpace
from penchant.schema import ITEM, Column, Kind

CONTENT = {
    "image": {"kind": "histogram"},
    "audio": {"kind": "spectrogram", "steps": 8},
    "columns": {"other": {"kind": "tokens", "length": 4}},
}
MORE = {
    "photo": Column(kind=Kind.IMAGE),
    "clip": Column(kind=Kind.AUDIO),
    "style": Column(kind=Kind.VECTOR),
    "other": Column(kind=Kind.TEXT),
}


def board(tmp_path=None):
    """The checkerboard with all modalities; a third of each is missing, some of the rest is broken."""
    data = worlds.checkerboard()
    groups = range(data.items.height)
    if tmp_path:
        for group, colour in enumerate(media.COLOURS):
            (tmp_path / f"{group}.png").write_bytes(media.picture(colour=colour))
        (tmp_path / "broken.png").write_bytes(b"broken")
    clips = [media.sound(media.tone(300 * (group + 1), 0.3)) for group in range(3)]
    items = data.items.with_columns(
        photo=pl.Series([None if n % 4 == 0 else "broken.png" if n % 9 == 0 else f"{n % 3}.png" for n in groups]),
        clip=pl.Series([None if n % 5 == 0 else clips[n % 3] for n in groups], dtype=pl.Binary),
        style=pl.Series([None if n % 6 == 0 else [n % 3, n / 40, 7.0] for n in groups], dtype=pl.List(pl.Float32)),
        other=pl.Series([None if n % 7 == 0 else f"word{n % 3} thing" for n in groups]),
    )
    columns = {name: column for name, column in worlds.schema().items.items() if column.kind is not Kind.IMAGE}
    schema = worlds.schema(items={**columns, **MORE})
    return worlds.Dataset(
        name="board", schema=schema, events=data.events, items=items, users=data.users, root=tmp_path
    )


def fitted(data, **choices):
    return FeatureSpace.fit(data, data.events, content=CONTENT, **choices)


def test_every_modality_in_its_form(tmp_path):
    space = fitted(board(tmp_path))
    assert space.sizes.content == {
        "title": ContentSize.vector(64),
        "photo": ContentSize.vector(205),
        "clip": ContentSize("spectrogram", (64, 8)),
        "style": ContentSize.vector(3),
        "other": ContentSize("tokens", (4,), values=2**15 + 1),
    }
    items = space.items(board(tmp_path).items)
    for name, size in space.sizes.content.items():
        values, present = items.content[name]
        assert values.shape == (38, *size.shape), name
        assert values.dtype == size.nothing(0).dtype, name
        assert 20 < present.sum() <= 38, name
        assert not values[~present].any(), name
    report = space.content.library.report.table()
    assert report["reason"].unique().to_list() == ["is no picture of a known kind"]
    assert report["item_id"].to_list() == ["509"]  # the first that has it


def test_pictures_are_not_learned_from_unless_an_encoder_is_named(tmp_path):
    data = board(tmp_path)
    space = FeatureSpace.fit(data, data.events)
    assert space.sizes.content.keys() == {"title", "style", "other"}


def test_vectors_are_standardised_by_what_training_saw(tmp_path):
    data = board(tmp_path)
    wild = data.items.with_columns(
        style=pl.when(pl.col(ITEM) >= 536).then(pl.lit([9e9, 9e9, 9e9], pl.List(pl.Float32))).otherwise("style")
    )
    other = worlds.Dataset(name="wild", schema=data.schema, events=data.events, items=wild, users=data.users)
    one, again = (FeatureSpace.fit(each, each.events).items(data.items).content["style"] for each in (data, other))
    assert torch.equal(one[0], again[0])
    values, present = one
    train = values[:36][present[:36]] * 3**0.5
    torch.testing.assert_close(train.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(train[:, :2].std(dim=0, correction=0), torch.ones(2))
    assert not values[:, 2].any()  # it is the same for all


def test_columns_left_out_or_unknown(tmp_path):
    data = board(tmp_path)
    with pytest.raises(
        ConfigError, match=r"\[content.columns.fotos\]: no such content column \(did you mean 'photo'"
    ):
        FeatureSpace.fit(data, data.events, content={"columns": {"fotos": {"kind": "histogram"}}})
    with pytest.raises(ConfigError, match=r"\[content.columns.photo\]: the encoder 'tfidf' reads text, not image"):
        FeatureSpace.fit(data, data.events, content={"columns": {"photo": {"kind": "tfidf"}}})


@pytest.fixture
def bundle(tmp_path):
    data = board(tmp_path)
    one = worlds.train("sasrec", data, config=worlds.replace_struct(worlds.QUICK, epochs=2), content=CONTENT)
    path = write_bundle(
        tmp_path / "bundles", one.pipeline, name="board", kind="sasrec", users=data.users, events=data.events,
        root=tmp_path,
    )  # fmt: skip
    return one, path


def test_a_bundle_carries_what_was_encoded(bundle, tmp_path, monkeypatch):
    one, path = bundle
    for file in tmp_path.glob("*.png"):
        file.unlink()
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setattr(Library, "encode", lambda *_: pytest.fail("was encoded anew"))
    opened = open_bundle(path)
    worlds.equal_items(opened.pipeline.catalogue.items, one.pipeline.catalogue.items)
    prints = opened.manifest.fingerprints
    assert {name for name in prints if name.startswith("content.")} == {
        f"content.{name}" for name in one.space.sizes.content
    }


def test_a_new_item_is_encoded_at_once_by_an_opened_bundle(bundle, tmp_path):
    one, path = bundle
    opened = open_bundle(path)
    (tmp_path / "new.png").write_bytes(media.picture("square", "green"))
    new = one.dataset.items.head(1).with_columns(pl.lit(9999).alias(ITEM), photo=pl.lit("new.png"))
    found = opened.pipeline.space.items(new)
    worlds.equal_items(found, one.space.items(new))
    assert found.ids.tolist() == [1]
    assert found.content["photo"][1].all()


def test_a_new_item_where_the_library_is_absent_names_the_extra(bundle, tmp_path, monkeypatch):
    one, path = bundle
    monkeypatch.setitem(sys.modules, "PIL", None)
    opened = open_bundle(path)
    with pytest.raises(MissingExtraError, match=r"Reading pictures needs an optional part: .*penchant\[content\]"):
        opened.pipeline.space.items(one.dataset.items)


def test_a_bundle_written_before_content_was_kept_is_encoded_anew(bundle):
    import msgspec

    one, path = bundle
    (path / "content.safetensors").unlink()
    raw = msgspec.json.decode((path / "manifest.json").read_bytes())
    del raw["files"]["content.safetensors"]
    (path / "manifest.json").write_bytes(msgspec.json.encode(raw))
    worlds.equal_items(open_bundle(path).pipeline.catalogue.items, one.pipeline.catalogue.items)


def test_other_weights_than_those_it_learned_with_are_refused(tmp_path, monkeypatch):
    data = board(tmp_path)
    space = fitted(data)
    saved, tensors = space.content.state()
    monkeypatch.setattr("penchant.content.image.HistogramEncoder.weights", "colours 2")
    again = ContentColumns.load(saved, tensors, Library(tmp_path))
    with pytest.raises(ConfigError, match="column 'photo' was encoded with , and here is colours 2: install"):
        again.encode(data.items)
