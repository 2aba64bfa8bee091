# SPDX-License-Identifier: Apache-2.0
"""Networks on raw content: they learn tastes that nothing but pixels, sound or words could tell."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

import media
import worlds
from penchant.batch import ContentSize, History, Items, Sizes, Users
from penchant.content.trainable import PixelsEncoder, SpectrogramEncoder, TokensEncoder
from penchant.models import readers
from penchant.models.readers import READERS, ContentProjection
from penchant.train.fit import fit, make

N, EACH, B = 240, 6, 120
SHAPES = ("disc", "stripes", "triangle")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def pixels():
    """Three shapes, each in random colours and places."""
    random = np.random.default_rng(0)
    colours = [tuple(int(c) for c in random.integers(0, 180, 3)) for _ in range(N)]
    places = random.integers(-4, 5, (N, 2)).tolist()
    values = [media.picture(SHAPES[n % 3], colours[n], at=places[n], seed=n) for n in range(N)]
    return PixelsEncoder(PixelsEncoder.Config(side=16)), pl.Series(values)


def sounds():
    """Low, high, and beating tones."""
    kinds = ((250, 0), (1500, 0), (600, 8))
    values = [media.sound(media.tone(kinds[n % 3][0], 0.5, seed=n % 5, beats=kinds[n % 3][1])) for n in range(N)]
    return SpectrogramEncoder(SpectrogramEncoder.Config(steps=16)), pl.Series(values)


def words():
    """Among many words of no meaning, one of three pairs."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 40, (N, 2))
    pairs = (("ship", "rocket"), ("sword", "castle"), ("kiss", "wedding"))
    values = [" ".join([*(f"w{w}" for w in noise[n]), pairs[n % 3][n % 2]]) for n in range(N)]
    return TokensEncoder(TokensEncoder.Config(length=8, buckets=1000)), pl.Series(values)


def nameless(encoder, values):
    """Items whose ids say nothing: all are unknown, only the content differs."""
    made, present = encoder.encode(values)
    assert present.all()
    return Items(ids=torch.ones(N, dtype=torch.int64), content={"it": (made, present)})


def people(items, half):
    """Users of three tastes over the items of one half of the catalogue."""
    random = np.random.default_rng(half)
    own = [np.arange(u % 3, N // 2, 3) + half * (N // 2) for u in range(B)]
    rows = np.concatenate([random.choice(mine, EACH, replace=False) for mine in own])
    count = B * EACH
    history = History(
        offsets=torch.arange(B + 1) * EACH, rows=torch.tensor(rows), actions=torch.full((count,), 2),
        times=torch.arange(count) * 10**6, values=torch.zeros(count),
    )  # fmt: skip
    return Users(ids=torch.ones(B, dtype=torch.int64), history=history, catalogue=items)


@pytest.mark.parametrize("modality", [pixels, sounds, words])
def test_a_checkerboard_that_only_content_tells(modality):
    encoder, values = modality()
    items = nameless(encoder, values)
    model = make(
        "sasrec",
        {**worlds.SMALL["sasrec"], "dropout": 0.0},
        Sizes(items=2, users=2, actions=3, content={"it": encoder.size}),
    )
    fit(model, people(items, 0), worlds.replace_struct(worlds.QUICK, epochs=12, learning_rate=0.01))
    # The other half of the items was never seen; their own half alone competes.
    users = people(items, 1)
    with torch.inference_mode():
        scores = model.score(users, items.take(torch.arange(N // 2, N)))
    best = scores.topk(10, dim=1).indices + N // 2
    share = (best % 3 == torch.arange(B)[:, None] % 3).float().mean()
    assert share > 0.9, f"chance is 0.33, found {share:.2f}"


SIZES = {
    "vector": ContentSize.vector(5),
    "pixels": ContentSize("pixels", (3, 16, 16)),
    "spectrogram": ContentSize("spectrogram", (64, 8)),
    "tokens": ContentSize("tokens", (6,), values=9),
}


def some(form, n=4):
    size = SIZES[form]
    if form == "vector":
        return torch.randn(n, *size.shape)
    return torch.randint(0, size.values or 256, (n, *size.shape)).to(size.nothing(0).dtype)


def test_every_form_has_a_reader():
    assert READERS.keys() == SIZES.keys()


@pytest.mark.parametrize("form", sorted(SIZES))
def test_what_is_absent_adds_nothing(form):
    layer = ContentProjection({"it": SIZES[form]}, 12)
    found = layer({"it": (some(form), torch.tensor([True, False, True, True]))})
    assert found.shape == (4, 12)
    assert not found[1].any()
    assert found[0].any()
    assert layer({"it": (some(form, 0), torch.zeros(0).bool())}).shape == (0, 12)


@pytest.mark.parametrize("form", sorted(SIZES))
def test_an_item_alone_or_beside_others_is_read_alike(form, monkeypatch):
    layer, raw = READERS[form](SIZES[form], 12).eval(), some(form)
    together = layer(raw)
    torch.testing.assert_close(layer(raw[2:3]), together[2:3])
    monkeypatch.setattr(readers, "_CHUNK", 3)
    with torch.inference_mode():
        torch.testing.assert_close(layer(raw), together)


@pytest.mark.parametrize("form", sorted(SIZES))
def test_every_parameter_learns(form):
    layer = READERS[form](SIZES[form], 12)
    layer(some(form, 30)).square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in layer.parameters())


def test_modalities_are_summed():
    layer = ContentProjection({"a": SIZES["vector"], "b": SIZES["tokens"]}, 12)
    a, b, there = some("vector"), some("tokens"), torch.ones(4).bool()
    both = layer({"a": (a, there), "b": (b, there)})
    torch.testing.assert_close(both, layer.projections[0](a) + layer.projections[1](b))
