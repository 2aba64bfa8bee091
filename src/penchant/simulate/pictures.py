# SPDX-License-Identifier: Apache-2.0
"""Drawn product pictures: the outline tells the category, the paint tells colour and pattern.

Pictures are drawn many at a time, at twice their size, then halved, lit by their own roundness and given a shadow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from penchant.errors import MissingExtraError
from penchant.simulate.shapes import SHAPES
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from penchant.simulate.things import Things

    Pixels = NDArray[np.float32]

BATCH = 64
_QUALITY = 90
_MARGIN = 1.08
"""Half the picture's edge, where things are about 1 in half-width."""

PAINTS = np.array(
    [
        (201, 52, 52), (235, 128, 40), (238, 196, 62), (84, 150, 74), (36, 148, 148),
        (56, 98, 190), (126, 78, 170), (232, 128, 164), (126, 84, 56), (122, 126, 134),
    ],
    np.float32,
) / 255  # fmt: skip
"""Red, green and blue of each colour, 0 to 1."""
_TRIMS = np.array([(70, 62, 58), (214, 196, 160), (160, 162, 168), (196, 150, 92)], np.float32) / 255
_GROUNDS = np.array([(244, 241, 235), (236, 240, 243), (243, 236, 238), (236, 242, 236)], np.float32) / 255


def draw_pictures(
    things: Things, rows: NDArray[np.int64], folder: Path, *, size: int, seed: int, tell: Callable[[int], None]
) -> None:
    """Draw items, and write `<item id>.jpg` for each.

    Args:
        things: the items.
        rows: which of them.
        folder: made if it is not there.
        size: pixels of an edge.
        seed: of the simulation.
        tell: told how many are done.

    Raises:
        MissingExtraError: Pillow is absent.
    """
    image = _pillow()
    folder.mkdir(parents=True, exist_ok=True)
    lots = picture_lots(things, seed)
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        for number, pixels in zip(things.id[some].tolist(), draw(things, some, lots[some], size), strict=True):
            image.fromarray(pixels).save(folder / f"{number}.jpg", quality=_QUALITY)
        tell(first + len(some))


def picture_lots(things: Things, seed: int) -> Pixels:
    """Uniform numbers, [items, 16]: an item's picture is the same whichever are drawn beside it."""
    return stream(seed, "pictures").random((len(things.id), 16), np.float32)


def draw(things: Things, rows: NDArray[np.int64], lots: Pixels, size: int) -> NDArray[np.uint8]:
    """The pictures of some items.

    Args:
        things: the items.
        rows: which of them, [n].
        lots: what `picture_lots` has for them, [n, 16].
        size: pixels of an edge.

    Returns:
        [n, size, size, 3].
    """
    edge = (np.arange(2 * size, dtype=np.float32) + 0.5) / size - 1
    y, x = np.meshgrid(edge * _MARGIN, edge * _MARGIN, indexing="ij")
    angle = (lots[:, 0, None, None] - 0.5) * 0.2
    grow = 1.0 + (lots[:, 1, None, None] - 0.5) * 0.16
    across = (x * np.cos(angle) + y * np.sin(angle)) * grow + (lots[:, 2, None, None] - 0.5) * 0.1
    down = (y * np.cos(angle) - x * np.sin(angle)) * grow + (lots[:, 3, None, None] - 0.5) * 0.06
    body, trim = _outlines(things.category[rows], across, down, lots[:, 4:7, None, None] * 2 - 1)
    second = _pattern(things.codes["pattern"][rows], across, down, lots[:, 7:9, None, None])

    paint = PAINTS[things.codes["colour"][rows]] + (lots[:, 9:12] - 0.5) * 0.07
    # The second paint is a light or a dark version of the first.
    light = np.where(lots[:, 12:13] < 0.7, 0.45 * paint + 0.55, 0.5 * paint)
    ink = np.where(second[..., None], light[:, None, None], paint[:, None, None])
    metal = _TRIMS[(lots[:, 13] * len(_TRIMS)).astype(int)]
    ink = np.where(trim[..., None], metal[:, None, None], ink)
    cover = (body | trim).astype(np.float32)
    ink = _halved(ink * cover[..., None])
    cover = _halved(cover[..., None])
    ground = _GROUNDS[(lots[:, 14] * len(_GROUNDS)).astype(int)][:, None, None] * _floor(size)
    picture = ground * (1 - 0.42 * _shadow(cover, size) * (1 - cover))
    picture = picture * (1 - cover) + ink * _light(cover, size)
    pixels: NDArray[np.uint8] = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels


def _outlines(
    category: NDArray[np.integer], x: Pixels, y: Pixels, form: Pixels
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    body, trim = np.zeros(x.shape, np.bool_), np.zeros(x.shape, np.bool_)
    for code, shape in enumerate(SHAPES):
        of = category == code
        if of.any():
            body[of], trim[of] = shape(x[of], y[of], *np.moveaxis(form[of], 1, 0))
    return body, trim


def _pattern(pattern: NDArray[np.integer], x: Pixels, y: Pixels, lots: Pixels) -> NDArray[np.bool_]:
    """Where the second paint goes; plain things have none."""
    fine = 7.0 + 4.0 * lots[:, 0]
    shift = 6.3 * lots[:, 1]
    across, down = x * fine + shift, y * fine + shift
    cell_x, cell_y = across / np.pi * 1.1 % 1 - 0.5, down / np.pi * 1.1 % 1 - 0.5
    zigzag = np.sin(down * 1.3 + 1.5 * np.abs(across / 1.6 % 2 - 1)) > 0.15
    drawn = (
        np.zeros(x.shape, np.bool_),
        np.sin(down * 1.3) > 0.1,
        cell_x**2 + cell_y**2 < 0.1,
        (np.sin(across) > 0) ^ (np.sin(down) > 0),
        zigzag,
        np.sin(across * 1.3) > 0.1,
    )
    return np.choose(pattern[:, None, None], drawn)


def _halved(pixels: Pixels) -> Pixels:
    """Each two by two become one: smooth edges."""
    n, height, width, channels = pixels.shape
    halves: Pixels = pixels.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    return halves


def _blurred(pixels: Pixels, pixels_wide: float) -> Pixels:
    soft: Pixels = gaussian_filter(pixels, (0, pixels_wide, pixels_wide, 0))
    return soft


def _light(cover: Pixels, size: int) -> Pixels:
    """Brightness of a body that swells towards its middle, in light from the upper left."""
    swell = np.sqrt(np.clip(_blurred(cover, size / 14), 0, 1)) * size / 9
    slope_y, slope_x = np.gradient(swell, axis=(1, 2))
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    facing = (0.42 * slope_x + 0.55 * slope_y + 0.75) / length
    light: Pixels = (0.52 + 0.58 * np.clip(facing, 0, 1.2)).astype(np.float32)
    return light


def _shadow(cover: Pixels, size: int) -> Pixels:
    """A soft shadow to the lower right."""
    step = max(size // 24, 1)
    moved = np.zeros_like(cover)
    moved[:, step:, step:] = cover[:, :-step, :-step]
    return _blurred(moved, size / 22)


def _floor(size: int) -> Pixels:
    """The ground is a little darker at its foot and in its corners."""
    edge = np.linspace(-1, 1, size, dtype=np.float32)
    dark = 0.05 * edge[:, None] + 0.06 * (edge[:, None] ** 2 + edge[None] ** 2)
    ground: Pixels = (1 - np.clip(dark, 0, 0.2))[None, :, :, None].astype(np.float32)
    return ground


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415 - an optional part
    except ImportError:
        raise MissingExtraError("Drawing pictures", "content") from None
    return Image
