# SPDX-License-Identifier: Apache-2.0
"""Small pictures and sounds, drawn and synthesised, and some that mean harm."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import soundfile
from PIL import Image, ImageDraw

RATE = 16_000
COLOURS = {"red": (200, 30, 30), "green": (30, 160, 40), "blue": (40, 60, 200)}


def drawn(shape: str = "disc", colour="red", *, at=(0, 0), side: int = 48, seed: int = 0) -> Image.Image:
    """A shape on a light, slightly noisy ground."""
    ground = np.random.default_rng(seed).integers(225, 255, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    pen, fill = ImageDraw.Draw(image), COLOURS.get(colour, colour)
    low, high = side // 5, side - side // 5
    box = (low + at[0], low + at[1], high + at[0], high + at[1])
    if shape == "disc":
        pen.ellipse(box, fill=fill)
    elif shape == "square":
        pen.rectangle(box, fill=fill)
    elif shape == "stripes":
        for y in range(0, side, 8):
            pen.rectangle((0, y, side, y + 3), fill=fill)
    else:
        pen.polygon([(box[0], box[3]), (box[2], box[3]), (side // 2 + at[0], box[1])], fill=fill)
    return image


def picture(shape="disc", colour="red", *, kind="PNG", **how) -> bytes:
    """The bytes of a drawn picture's file."""
    return saved(drawn(shape, colour, **how), kind)


def saved(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def tone(hertz: float, seconds: float = 0.5, *, seed: int = 0, rate: int = RATE, beats: float = 0) -> np.ndarray:
    """A tone with overtones and a little noise, perhaps beating; `seed` shifts its height a little."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.001, len(time))
    turn = 2 * np.pi * hertz * 1.03**seed * time
    wave = sum(np.sin(number * turn) / 3**number for number in (1, 2, 3))
    return wave * (np.sin(2 * np.pi * beats * time) > 0 if beats else 1) + noise


def sound(samples, rate: int = RATE, kind: str = "WAV") -> bytes:
    """The bytes of a sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def bomb(width: int = 10_000, height: int = 10_000) -> bytes:
    """A PNG that says it has so many pixels, all alike: a hundred million in some kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packed = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 1)  # one bit a pixel
    body = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
