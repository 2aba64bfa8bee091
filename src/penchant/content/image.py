# SPDX-License-Identifier: Apache-2.0
"""Pictures as what is in them to the naked eye: colours and the directions of edges. Learns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from penchant.batch import ContentSize
from penchant.content.encoder import Note, Unfitted, unheard
from penchant.content.picture import PictureConfig, decode_all
from penchant.schema import Kind

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray
    from torch import Tensor

_SIDE = 64
_HUES, _GREYS, _SHADES = 12, 5, 3
COLOURS = _HUES * _SHADES * 2 + _GREYS
"""Cells of the colour histogram: hue by lightness by saturation, and greys."""
_CELLS, _DIRECTIONS = 4, 8
EDGES = _CELLS * _CELLS * _DIRECTIONS


class HistogramEncoder(Unfitted):
    """A colour histogram and the orientations of edges on a grid, after Dalal and Triggs, CVPR 2005."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the light encoder of pictures."""

        colours: bool = True
        """The histogram of colours: 77 numbers."""
        edges: bool = True
        """The directions of edges in each cell of a grid of four by four: 128 numbers."""

    reads = Kind.IMAGE
    config: Config

    @property
    def size(self) -> ContentSize:
        """A vector of the parts that are wanted."""
        return ContentSize.vector(COLOURS * self.config.colours + EDGES * self.config.edges)

    @property
    def parts(self) -> tuple[int, ...]:
        """Colours, edges."""
        return tuple([COLOURS] * self.config.colours + [EDGES] * self.config.edges)

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n])."""
        pixels, usable = decode_all(values, _SIDE, self.config.max_pixels, note)
        parts = [
            *([colours(pixels)] if self.config.colours else []),
            *([edges(pixels)] if self.config.edges else []),
        ]
        vectors = np.concatenate([*parts, np.zeros((len(values), 0), np.float32)], axis=1)
        vectors[~usable] = 0
        return torch.from_numpy(vectors), torch.from_numpy(usable)


def colours(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, COLOURS] roots of the shares of each colour in pictures [n, S, S, 3]; rows have length 1."""
    rgb = pixels.reshape(len(pixels), pixels.shape[1] * pixels.shape[2], 3).astype(np.float32) / 255
    top, low = rgb.max(axis=2), rgb.min(axis=2)
    spread = top - low
    red, green, blue = np.moveaxis(rgb, 2, 0)
    safe = np.maximum(spread, 1e-6)
    sector = np.select(
        [top == red, top == green],
        [((green - blue) / safe) % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    # Red stands in the middle of its cell, not on the edge between two.
    hue = ((sector / 6 * _HUES + 0.5).astype(np.int64)) % _HUES
    shade = np.minimum((top * _SHADES).astype(np.int64), _SHADES - 1)
    grey = np.minimum((top * _GREYS).astype(np.int64), _GREYS - 1)
    saturation = spread / np.maximum(top, 1e-6)
    strong = (saturation > 0.5).astype(np.int64)
    cell = np.where((saturation < 0.15) | (top < 0.12), grey, _GREYS + (hue * _SHADES + shade) * 2 + strong)
    return _shares(cell, np.ones(cell.shape, np.float32), COLOURS)


def edges(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, EDGES] roots of the shares of each direction in each cell of pictures [n, S, S, 3]; of length 1."""
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    down, across = np.gradient(grey, axis=(1, 2)) if len(grey) else (grey, grey)
    strength = np.hypot(down, across)
    turn = np.arctan2(down, across) % np.pi / np.pi
    direction = np.minimum((turn * _DIRECTIONS).astype(np.int64), _DIRECTIONS - 1)
    side = pixels.shape[1]
    place = np.arange(side) * _CELLS // side
    cell = (place[:, None] * _CELLS + place) * _DIRECTIONS + direction
    flat = (len(pixels), side * side)
    return _shares(cell.reshape(flat), np.where(strength > 0.02, strength, 0).reshape(flat), EDGES)


def _shares(cells: NDArray[np.int64], weights: NDArray[Any], count: int) -> NDArray[np.float32]:
    """[n, count] square roots of how much of each row's weight falls into each cell (the Hellinger map)."""
    n = len(cells)
    flat = (np.arange(n)[:, None] * count + cells).ravel()
    sums = np.bincount(flat, weights.ravel(), n * count).reshape(n, count)
    return np.asarray(np.sqrt(sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-9)), np.float32)
