# SPDX-License-Identifier: Apache-2.0
"""A drawn stand-in for an item without a picture: always the same for the same id, different for others."""

from __future__ import annotations

import html
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from penchant.serve.wire import Id

_SMALL_WORDS = {"a", "an", "and", "at", "from", "in", "of", "on", "or", "the", "to", "with"}


def initials(title: str) -> str:
    """At most two letters that stand for a title: its first two words that mean something."""
    words = re.findall(r"\w+", title)
    chosen = [word for word in words if word.lower() not in _SMALL_WORDS] or words
    return "".join(word[0].upper() for word in chosen[:2])


def poster(item_id: Id, title: str | None) -> str:
    """An SVG of 2:3: a scene and a colour chosen by the id, and the title's initials."""
    seed = zlib.crc32(str(item_id).encode("utf-8", "replace"))
    hue = seed % 360
    scene = _SCENES[(seed >> 9) % len(_SCENES)](seed >> 13)
    letters = html.escape(initials(title or str(item_id)))
    name = f"g{seed}"
    return (
        f'<svg class="pn-art" viewBox="0 0 200 300" preserveAspectRatio="xMidYMid slice" aria-hidden="true">'
        f'<defs><linearGradient id="{name}" x1="0" y1="0" x2=".6" y2="1">'
        f'<stop offset="0" stop-color="hsl({hue} 52% 46%)"/>'
        f'<stop offset="1" stop-color="hsl({(hue + 48) % 360} 58% 22%)"/></linearGradient></defs>'
        f'<rect width="200" height="300" fill="url(#{name})"/>'
        f'<g fill="#fff" stroke="#fff" stroke-width="0">{scene}</g>'
        f'<text x="16" y="282" fill="#fff" fill-opacity=".92" font-size="54" font-weight="700" '
        f'letter-spacing="-2">{letters}</text></svg>'
    )


def _sunrise(seed: int) -> str:
    x, y = 50 + seed % 100, 80 + seed % 60
    return (
        f'<circle cx="{x}" cy="{y}" r="42" fill-opacity=".85"/>'
        f'<path d="M0 {y + 50} Q60 {y + 10} 110 {y + 55} T200 {y + 40} V300 H0Z" fill-opacity=".16"/>'
        f'<path d="M0 {y + 95} Q50 {y + 55} 100 {y + 90} T200 {y + 80} V300 H0Z" fill-opacity=".14"/>'
    )


def _rings(seed: int) -> str:
    x, y = 60 + seed % 80, 90 + seed % 50
    circles = "".join(
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="none" stroke-width="7" stroke-opacity="{0.62 - r / 260:.2f}"/>'
        for r in range(18, 150, 22)
    )
    return circles + f'<circle cx="{x}" cy="{y}" r="7"/>'


def _peaks(seed: int) -> str:
    a, b = 40 + seed % 50, 120 + seed % 50
    return (
        f'<circle cx="{b}" cy="58" r="20" fill-opacity=".8"/>'
        f'<path d="M{a - 100} 300 L{a} 96 L{a + 120} 300Z" fill-opacity=".26"/>'
        f'<path d="M{a} 96 l20 34 l-12 -5 l-9 11 l-12 -9 l-8 7Z" fill-opacity=".75"/>'
        f'<path d="M{b - 110} 300 L{b} 140 L{b + 110} 300Z" fill-opacity=".16"/>'
    )


def _windows(seed: int) -> str:
    cells = [(column, row) for row in range(5) for column in range(4)]
    return "".join(
        f'<rect x="{24 + column * 40}" y="{48 + row * 32}" width="26" height="22" rx="3" '
        f'fill-opacity="{0.78 if seed >> (place % 19) & 1 else 0.12}"/>'
        for place, (column, row) in enumerate(cells)
    )


def _waves(seed: int) -> str:
    lift = seed % 30
    return f'<circle cx="{60 + seed % 90}" cy="70" r="30" fill-opacity=".8"/>' + "".join(
        f'<path d="M-20 {y} q35 -{24 + lift} 70 0 t70 0 t70 0 t70 0" fill="none" stroke-width="6" '
        f'stroke-opacity="{opacity}"/>'
        for y, opacity in ((130, 0.65), (156, 0.5), (182, 0.36), (208, 0.24), (234, 0.14))
    )


def _stars(seed: int) -> str:
    dots = "".join(
        f'<circle cx="{(seed * k * 37 + k * 71) % 190 + 5}" cy="{(seed * k * 53 + k * 29) % 200 + 8}" '
        f'r="{1 + k % 3}" fill-opacity="{0.4 + k % 4 * 0.15:.2f}"/>'
        for k in range(1, 26)
    )
    return (
        dots
        + '<g transform="rotate(-18 100 120)"><circle cx="100" cy="120" r="40" fill-opacity=".82"/>'
        + '<ellipse cx="100" cy="120" rx="72" ry="15" fill="none" stroke-width="6" stroke-opacity=".55"/></g>'
    )


_SCENES: tuple[Callable[[int], str], ...] = (_sunrise, _rings, _peaks, _windows, _waves, _stars)
