# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a sound file to samples, and from samples to a log-mel spectrogram.

Decoding needs `soundfile` (libsndfile: FLAC, WAV, MP3, Ogg), of the extra `content`.
"""

from __future__ import annotations

import io
from functools import cache
from math import gcd
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from scipy.signal import get_window, resample_poly

from penchant.content.encoder import EncoderConfig, UnusableError
from penchant.errors import MissingExtraError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

RATE = 16_000
"""Samples a second of what encoders hear."""
FRAME = 1024
"""Samples of one spectrum (64 ms)."""
HOP = 512
"""Samples from one spectrum to the next (32 ms)."""
BANDS = 64
FLOOR = 1e-6
"""Power that counts as silence, against a full-scale tone: -60 dB."""

_RATES = (100, 768_000)
_MOST_CHANNELS = 32
_MOST_SAMPLES = 50_000_000
"""Numbers that are decoded of one clip, all channels together (200 MB)."""


class SoundConfig(EncoderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every encoder of sound can be told."""

    max_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    """Only the first so many seconds of a clip are listened to."""


def decode(raw: bytes, max_seconds: float) -> NDArray[np.float32]:
    """[n] the beginning of a clip, its channels mixed, at `RATE`.

    Raises:
        UnusableError: it is broken, empty or no sound.
        MissingExtraError: soundfile is absent.
    """
    soundfile = _soundfile()
    samples = np.zeros(0, np.float32)
    try:
        with soundfile.SoundFile(io.BytesIO(raw)) as clip:
            rate, channels = int(clip.samplerate), int(clip.channels)
            usable = _RATES[0] <= rate <= _RATES[1] and 1 <= channels <= _MOST_CHANNELS
            if usable:
                frames = min(int(max_seconds * rate), _MOST_SAMPLES // channels)
                samples = clip.read(frames, dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        reason = getattr(error, "error_string", error)
        raise UnusableError(f"is broken, or no sound of a known kind: {reason}") from error
    if not usable:
        raise UnusableError(f"{channels} channels at {rate:,} Hz are no sound that can be used")
    if not len(samples):
        raise UnusableError("has no sound in it")
    samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).clip(-8.0, 8.0)
    if rate != RATE:
        shared = gcd(rate, RATE)
        samples = resample_poly(samples, RATE // shared, rate // shared)
    return np.asarray(samples, np.float32)


def decode_all(values: pl.Series, max_seconds: float) -> list[NDArray[np.float32] | str | None]:
    """Samples of each clip of a column of bytes; the reason where it cannot be used; None where there is none."""
    return [_tried(raw, max_seconds) for raw in values]


def spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[BANDS, T] natural logarithms of the power in each band of the mel scale; T is at least 1."""
    count = max(1 + (len(samples) - FRAME) // HOP, 1)
    samples = np.pad(samples, (0, max(0, FRAME + (count - 1) * HOP - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    return np.asarray(np.log(_filters() @ power.T.astype(np.float32) + FLOOR), np.float32)


@cache
def _window() -> NDArray[np.float32]:
    window = get_window("hann", FRAME)
    return np.asarray(window / window.sum() * 2, np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    """[BANDS, FRAME / 2 + 1] triangles, evenly spaced on the mel scale from 30 Hz on (O'Shaughnessy, 1987)."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(2595 * np.log10(1 + hertz / 700))

    low, high = mel(np.array([30.0, RATE / 2]))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    # A band narrower than a bin would hear nothing.
    width = np.maximum(np.diff(edges), RATE / FRAME)
    rising = (bins - edges[:-2, None]) / width[:-1, None]
    falling = (edges[2:, None] - bins) / width[1:, None]
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None), np.float32)


def _tried(raw: bytes | None, max_seconds: float) -> NDArray[np.float32] | str | None:
    if raw is None:
        return None
    try:
        return decode(raw, max_seconds)
    except UnusableError as error:
        return str(error)


def _soundfile() -> Any:
    try:
        import soundfile  # noqa: PLC0415
    except (ImportError, OSError):  # OSError: the package is there and its library is not
        raise MissingExtraError("Reading sound", "content") from None
    return soundfile
