# SPDX-License-Identifier: Apache-2.0
"""HistogramEncoder: the same colour is near by its colours, the same shape by its edges."""

import numpy as np
import polars as pl
import pytest
import torch

import media
from penchant.content.image import COLOURS, EDGES, HistogramEncoder, colours

SHAPES, NAMES = ("disc", "square", "stripes", "triangle"), ("red", "green", "blue")
ALL = [(shape, colour, seed) for shape in SHAPES for colour in NAMES for seed in range(2)]


def encode(values, **choices):
    encoder = HistogramEncoder(HistogramEncoder.Config(**choices))
    return encoder.encode(pl.Series(values, dtype=pl.Binary))


def nearest(vectors):
    near = vectors @ vectors.T
    return near.fill_diagonal_(-1).argmax(dim=1).tolist()


@pytest.mark.parametrize(("part", "other", "at"), [("colours", "edges", 1), ("edges", "colours", 0)])
def test_what_is_alike_is_near(part, other, at):
    values = [media.picture(shape, colour, at=(seed, -seed), seed=seed) for shape, colour, seed in ALL]
    # One of each pair apart, so that the nearest picture is never the same one twice.
    vectors, present = encode(values, **{other: False})
    assert present.all()
    alike = [ALL[found][at] == ALL[own][at] for own, found in enumerate(nearest(vectors))]
    assert np.mean(alike) == 1


def test_parts_have_length_one():
    vectors, _ = encode([media.picture(), media.picture("stripes", "blue")])
    assert vectors.shape == (2, COLOURS + EDGES)
    assert torch.allclose(vectors[:, :COLOURS].norm(dim=1), torch.ones(2))
    assert torch.allclose(vectors[:, COLOURS:].norm(dim=1), torch.ones(2))


def test_an_even_picture_has_no_edges():
    plain = np.full((1, 64, 64, 3), 128, np.uint8)
    from PIL import Image

    vectors, present = encode([media.saved(Image.fromarray(plain[0]))])
    assert present.all()
    assert not vectors[:, COLOURS:].any()
    assert (vectors[:, :COLOURS] > 0).sum() == 1


def test_every_colour_has_a_cell():
    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    found = colours(corners[:, None, None])
    assert found.shape == (8, COLOURS)
    cells = found.argmax(axis=1)
    assert len(set(cells)) == 8
    # Red lies in the middle of its cell: a little to either side is still red.
    reds = np.array([[255, 20, 0], [255, 0, 20], [255, 0, 0]], np.uint8)
    assert len(set(colours(reds[:, None, None]).argmax(axis=1))) == 1


def test_what_is_absent_is_zero():
    vectors, present = encode([None, b"broken", media.picture()])
    assert present.tolist() == [False, False, True]
    assert not vectors[:2].any()
    assert encode([])[0].shape == (0, COLOURS + EDGES)


def test_nothing_wanted():
    assert encode([media.picture()], colours=False, edges=False)[0].shape == (1, 0)
