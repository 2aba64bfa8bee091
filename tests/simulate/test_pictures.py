# SPDX-License-Identifier: Apache-2.0
"""Pictures carry the category and the colour: the simplest classifiers see them."""

import numpy as np
import pytest
from PIL import Image

from penchant.simulate.config import ShopConfig
from penchant.simulate.pictures import draw, picture_lots
from penchant.simulate.world import draw_world

SIZE = 32
COUNT = 600
TRAIN = 400


def nearest_mean(features, labels):
    """Share of the last pictures whose label is that of the nearest mean over the first ones."""
    order = np.random.default_rng(0).permutation(COUNT)
    features, labels = features[order], labels[order]
    known = np.unique(labels[:TRAIN])
    means = np.stack([features[:TRAIN][labels[:TRAIN] == label].mean(axis=0) for label in known])
    gaps = ((features[TRAIN:, None] - means) ** 2).sum(axis=2)
    return (known[gaps.argmin(axis=1)] == labels[TRAIN:]).mean()


@pytest.fixture(scope="module")
def drawn():
    things = draw_world(ShopConfig(users=1, items=COUNT, events=1, seed=4)).things
    rows = np.arange(COUNT)
    return things, draw(things, rows, picture_lots(things, 4), SIZE)


def test_the_outline_tells_the_category(drawn):
    things, pixels = drawn
    corner = pixels[:, :2, :2].mean(axis=(1, 2), keepdims=True)
    cover = (np.abs(pixels - corner).max(axis=3) > 40).reshape(COUNT, -1).astype(float)
    share = np.bincount(things.category).max() / COUNT
    assert nearest_mean(cover, things.category) > 0.6 > 3 * share


def test_the_paint_tells_the_colour(drawn):
    things, pixels = drawn
    middle = pixels[:, 8:-8, 8:-8].reshape(COUNT, -1, 3).astype(float)
    vivid = middle.max(axis=2) - middle.min(axis=2) + 1
    hue = (middle * vivid[..., None]).sum(axis=1) / vivid.sum(axis=1, keepdims=True)
    assert nearest_mean(hue, things.codes["colour"]) > 0.5  # chance is 0.1


def test_patterns_are_drawn(drawn):
    things, pixels = drawn
    steps = np.abs(np.diff(pixels[:, 12:20, 12:20].astype(float), axis=1)).mean(axis=(1, 2, 3))
    steps += np.abs(np.diff(pixels[:, 12:20, 12:20].astype(float), axis=2)).mean(axis=(1, 2, 3))
    plain = things.codes["pattern"] == 0
    assert np.median(steps[~plain]) > 2 * np.median(steps[plain])


def test_a_picture_is_the_same_whichever_are_drawn_beside_it(drawn):
    things, pixels = drawn
    some = np.array([5, 77, 300])
    assert (draw(things, some, picture_lots(things, 4)[some], SIZE) == pixels[some]).all()
    assert pixels.dtype == np.uint8
    assert pixels.shape == (COUNT, SIZE, SIZE, 3)


def test_files_can_be_opened(shop):
    path = shop.folder / shop.items["picture"].drop_nulls()[0]
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (128, 128), "RGB")
