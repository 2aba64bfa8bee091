# SPDX-License-Identifier: Apache-2.0
"""Synthesised sounds: what an item sounds like when it is tapped, which tells what it is made of.

A tap is a sum of fading partial tones. Their ratios, how fast they fade and how much noise comes with the blow
make up a material's timbre; pitch and rhythm differ from item to item and tell nothing.
"""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from penchant.simulate.things import Things

RATE = 16_000
"""Samples a second."""
SECONDS = 1.5
BATCH = 64
TAPS = 3


class Timbre(NamedTuple):
    """How a material sounds."""

    ratios: tuple[float, float, float, float]
    """Frequencies of the partial tones, against the lowest."""
    levels: tuple[float, float, float, float]
    fade: float
    """Seconds until the lowest has fallen to 1/e; the others fade faster."""
    noise: float
    """Loudness of the blow itself."""
    pitch: float
    """Of the lowest tone, in hertz."""


TIMBRES = (
    Timbre((1.0, 3.93, 9.1, 11.2), (1.0, 0.35, 0.1, 0.03), 0.07, 0.25, 420.0),
    Timbre((1.0, 2.76, 5.40, 8.93), (1.0, 0.8, 0.6, 0.4), 0.55, 0.05, 500.0),
    Timbre((1.0, 2.32, 4.25, 6.63), (1.0, 0.5, 0.35, 0.15), 0.25, 0.02, 900.0),
    Timbre((1.0, 1.58, 2.24, 2.92), (1.0, 0.6, 0.4, 0.2), 0.05, 0.15, 300.0),
    Timbre((1.0, 3.0, 5.0, 7.0), (1.0, 0.7, 0.2, 0.1), 0.11, 0.5, 600.0),
    Timbre((1.0, 1.34, 1.66, 1.92), (1.0, 0.5, 0.3, 0.1), 0.035, 0.9, 130.0),
)
"""By the code of the material: wooden, metal, glass, clay, bamboo, leather."""


def write_sounds(
    things: Things, rows: NDArray[np.int64], folder: Path, *, seed: int, tell: Callable[[int], None]
) -> None:
    """Write `<item id>.wav` (one channel, 16 bits) for each of some items.

    Args:
        things: the items.
        rows: which of them.
        folder: made if it is not there.
        seed: of the simulation.
        tell: told how many are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lots = sound_lots(things, seed)
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        samples = np.round(synthesise(things.codes["material"][some], lots[some], things.id[some]) * 32_767)
        for number, one in zip(things.id[some].tolist(), samples.astype("<i2"), strict=True):
            with wave.open(str(folder / f"{number}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(one.tobytes())
        tell(first + len(some))


def sound_lots(things: Things, seed: int) -> NDArray[np.float32]:
    """Eight uniform numbers for each item, [items, 8]."""
    return stream(seed, "sounds").random((len(things.id), 8), np.float32)


def synthesise(
    material: NDArray[np.integer], lots: NDArray[np.float32], shift: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Three taps on each item.

    Args:
        material: codes, [n].
        lots: what `sound_lots` has for them, [n, 8].
        shift: where each begins in the common noise, [n].

    Returns:
        [n, samples], between -1 and 1.
    """
    count = int(RATE * SECONDS)
    time = np.arange(count, dtype=np.float32) / RATE
    ratios, levels = (np.array([getattr(one, name) for one in TIMBRES])[material] for name in ("ratios", "levels"))
    fade, noise, pitch = (
        np.array([getattr(one, name) for one in TIMBRES], np.float32)[material]
        for name in ("fade", "noise", "pitch")
    )
    pitch = pitch * 2 ** (lots[:, 0] - 0.5)
    fade = fade * (0.75 + 0.5 * lots[:, 1])
    hiss = stream(0, "noise").standard_normal(2 * count, np.float32)[
        (np.arange(count) + shift[:, None] * 7) % (2 * count)
    ]
    sound = np.zeros((len(material), count), np.float32)
    for tap in range(TAPS):
        since = time - (0.02 + tap * (0.3 + 0.2 * lots[:, 2]) + 0.06 * lots[:, 3 + tap])[:, None]
        on = since >= 0
        since = np.maximum(since, 0)
        for partial in range(ratios.shape[1]):
            tone = (pitch * ratios[:, partial])[:, None]
            faded = np.exp(-since * (ratios[:, partial] ** 0.7 / fade)[:, None]) * on
            # Tones that the sampling rate cannot carry are left out, not folded back.
            heard = tone < 0.45 * RATE
            sound += (levels[:, partial][:, None] * heard * faded * np.sin(2 * np.pi * tone * since)).astype(
                np.float32
            )
        sound += noise[:, None] * hiss * np.exp(-since / 0.012) * on
    loudest = np.abs(sound).max(axis=1, keepdims=True)
    louder: NDArray[np.float32] = sound / loudest * (0.5 + 0.45 * lots[:, 6:7])
    return louder
