# SPDX-License-Identifier: Apache-2.0
"""The outlines of what the shop sells, as inequalities over a grid: one function for each category.

A function gets coordinates x (to the right) and y (down), both about -1 to 1, and three shape numbers `a`, `b`,
`c` between -1 and 1 for each piece, all to be broadcast to [pieces, height, width]. It answers with the body,
which carries colour and pattern, and the trim (handles, stems, hands), which does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.floating]
    Mask = NDArray[np.bool_]
    Number = Field | float

Shape = Callable[..., tuple["Mask", "Mask"]]


def _box(x: Field, y: Field, w: Number, h: Number, r: float = 0.08) -> Mask:
    """A box with round corners around the origin, of half-width w and half-height h."""
    dx, dy = np.maximum(np.abs(x) - (w - r), 0), np.maximum(np.abs(y) - (h - r), 0)
    inside: Mask = dx * dx + dy * dy < r * r
    return inside


def _oval(x: Field, y: Field, w: Number, h: Number) -> Mask:
    inside: Mask = (x / w) ** 2 + (y / h) ** 2 < 1
    return inside


def _ring(x: Field, y: Field, w: Number, h: Number, thick: Number) -> Mask:
    return _oval(x, y, w, h) & ~_oval(x, y, w - thick, h - thick)


def _bar(x: Field, y: Field, x0: Number, y0: Number, x1: Number, y1: Number, thick: Number) -> Mask:
    """A line from (x0, y0) to (x1, y1) with round ends."""
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    inside: Mask = (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 < thick * thick
    return inside


def _turned(x: Field, y: Field, top: Number, bottom: Number, radius: Field) -> Mask:
    """A thing made on a wheel: `radius` at each height between top and bottom."""
    return (np.abs(x) < radius) & (y > top) & (y < bottom)


def mug(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A cylinder with an ear."""
    w, h = 0.45 + 0.07 * a, 0.52 + 0.08 * b
    body = _box(x + 0.12, y, w * (1 - 0.08 * c * y), h, 0.12)
    return body, _ring(x - w + 0.1, y, 0.27, 0.33 + 0.05 * c, 0.1) & ~body


def vase(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A belly below a neck with a lip."""
    belly = np.exp(-(((y - 0.18 - 0.12 * c) / 0.38) ** 2)) * (0.36 + 0.08 * a)
    lip = np.exp(-(((y + 0.82) / 0.12) ** 2)) * (0.1 + 0.05 * b)
    body = _turned(x, y, -0.82, 0.82, 0.17 + 0.04 * b + belly + lip)
    return body, _turned(x, y, -0.82, -0.75, 0.19 + 0.04 * b + lip)


def lamp(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A shade on a stem with a knob and a foot."""
    shade = _turned(x, y, -0.8, -0.1 + 0.05 * c, 0.34 + 0.06 * a + (y + 0.8) * (0.34 + 0.12 * b))
    stem = _box(x, y - 0.3, 0.045, 0.48, 0.02) | _oval(x, y - 0.3 - 0.08 * c, 0.12, 0.12)
    return shade, (stem | _box(x, y - 0.77, 0.34 + 0.06 * b, 0.06, 0.05)) & ~shade


def teapot(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A round pot with spout, ear and lid."""
    body = _oval(x, y - 0.14, 0.52 + 0.05 * a, 0.48 + 0.06 * b)
    spout = _bar(x, y, 0.42, 0.25, 0.85, -0.25 - 0.05 * c, 0.085)
    lid = _oval(x, y + 0.3 - 0.06 * b, 0.27, 0.13) | _oval(x, y + 0.5, 0.085, 0.085)
    handle = _ring(x + 0.58, y - 0.08, 0.27, 0.3 + 0.04 * c, 0.085)
    return body | spout, (lid | handle) & ~(body | spout)


def bottle(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A body, shoulders, a neck and a cork."""
    shoulder = 1 / (1 + np.exp(-(y + 0.3 + 0.1 * c) * 18))
    radius = 0.12 + 0.02 * b + shoulder * (0.23 + 0.05 * a)
    body = _turned(x, y, -0.72, 0.78, radius) | _box(x, y - 0.72, 0.35 + 0.05 * a + 0.02 * b, 0.12, 0.1)
    return body, _box(x, y + 0.79, 0.14 + 0.02 * b, 0.09, 0.03)


def bag(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A trapezium below an arch."""
    w = 0.56 + 0.07 * a + 0.12 * (y - 0.2) * (1 + b)
    body = _box(x, y - 0.25, w, 0.5, 0.1)
    handle = _ring(x, y + 0.25, 0.36 + 0.05 * a, 0.48 + 0.08 * c, 0.075)
    return body, handle & ~body


def hat(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A crown with a band on a brim."""
    top = -0.42 - 0.12 * b
    crown = _oval(x, y - 0.3, 0.46 + 0.04 * a, 0.3 - top) & (y < 0.3)
    brim = _oval(x, y - 0.3, 0.86 + 0.06 * c, 0.17 + 0.03 * a)
    return crown | brim, crown & (y > 0.06) & (y < 0.2)


def shirt(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A torso with sleeves and a collar."""
    torso = _box(x, y - 0.1, 0.43 + 0.04 * a + 0.03 * (y - 0.1), 0.7, 0.06)
    side = np.abs(x)
    sleeve = _bar(side, y, 0.36, -0.42, 0.74 + 0.04 * b, -0.02 + 0.16 * c, 0.17)
    neck = _oval(x, y + 0.62, 0.2, 0.16 + 0.04 * c)
    collar = _oval(x, y + 0.62, 0.25, 0.21 + 0.04 * c) & ~neck & (y > -0.6)
    return (torso | sleeve) & ~neck, collar


def cushion(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A square with drawn-in sides and tassels."""
    w, h = 0.7 + 0.06 * a, 0.62 + 0.07 * b
    pinch = 0.1 + 0.03 * c
    body = (np.abs(x) < w - pinch * (1 - (y / h) ** 2)) & (np.abs(y) < h - pinch * (1 - (x / w) ** 2))
    tassel = _oval(np.abs(x) - w, np.abs(y) - h, 0.07, 0.07)
    return body, tassel & ~body


def clock(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A disc with ticks and hands."""
    r = 0.74 + 0.05 * a
    around = np.hypot(x, y)
    angle = np.arctan2(x, -y)
    ticks = (np.abs(np.sin(angle * 6)) < 0.16) & (around > r - 0.2) & (around < r - 0.1)
    hour, minute = 1.5 * b, 3.0 * c
    hands = _hand(x, y, hour, 0.34, 0.05) | _hand(x, y, minute, 0.52, 0.035) | (around < 0.07)
    return around < r, ticks | hands | ((around < r) & (around > r - 0.06))


def _hand(x: Field, y: Field, angle: Field, length: float, thick: Number) -> Mask:
    along, across = x * np.sin(angle) - y * np.cos(angle), x * np.cos(angle) + y * np.sin(angle)
    inside: Mask = (np.abs(across) < thick) & (along > 0) & (along < length)
    return inside


def chair(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A back and a seat on legs."""
    w = 0.42 + 0.05 * a
    back = _box(x, y + 0.42, w, 0.4 + 0.05 * b, 0.14)
    seat = _box(x, y - 0.16, w + 0.1, 0.13 + 0.02 * c, 0.08)
    side = np.abs(x)
    legs = _bar(side, y, w - 0.02, 0.25, w + 0.1, 0.85, 0.055) | _bar(side, y, w - 0.06, -0.1, w - 0.06, 0.1, 0.05)
    return back | seat, legs & ~(back | seat)


def bell(x: Field, y: Field, a: Field, b: Field, c: Field) -> tuple[Mask, Mask]:
    """A dome that flares, with a rim, a ring and a clapper."""
    t = np.clip((y + 0.62) / 1.14, 0, 1)
    dome = np.sqrt(1 - (1 - np.minimum(t / 0.6, 1)) ** 2)
    radius = (0.36 + 0.04 * a) * dome + (0.1 + 0.03 * b) * t + 0.22 * np.clip(t - 0.6, 0, 1) ** 2 / 0.16
    body = _turned(x, y, -0.62, 0.52, radius)
    trim = _ring(x, y + 0.72, 0.15, 0.15, 0.065) | _oval(x - 0.05 * c, y - 0.6, 0.13, 0.13)
    rim = _box(x, y - 0.52, 0.7 + 0.04 * a + 0.03 * b, 0.05, 0.04)
    return body, (trim & ~body) | rim


SHAPES: tuple[Shape, ...] = (mug, vase, lamp, teapot, bottle, bag, hat, shirt, cushion, clock, chair, bell)
"""By the code of the category."""
