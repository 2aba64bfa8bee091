# SPDX-License-Identifier: Apache-2.0
"""Decoding sound, and the spectrogram, against tones whose place is known."""

import sys

import numpy as np
import polars as pl
import pytest

import media
from penchant.content import sound
from penchant.content.encoder import UnusableError
from penchant.errors import MissingExtraError


def refused(raw):
    with pytest.raises(UnusableError) as caught:
        sound.decode(raw, 10)
    return str(caught.value)


def loudest(samples):
    return int(sound.spectrogram(samples).mean(axis=1).argmax())


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_every_kind_and_rate_sounds_the_same(kind, rate):
    found = sound.decode(media.sound(media.tone(1000, rate=rate), rate, kind), 10)
    assert found.dtype == np.float32
    assert abs(len(found) / sound.RATE - 0.5) < 0.1
    assert loudest(found) == loudest(media.tone(1000).astype(np.float32))


def test_channels_are_mixed():
    both = np.stack([media.tone(500), -media.tone(500)], axis=1)
    assert np.abs(sound.decode(media.sound(both), 10)).max() < 1e-3


def test_only_the_beginning_is_heard():
    raw = media.sound(np.concatenate([media.tone(300, 1), media.tone(3000, 1)]))
    found = sound.decode(raw, 1)
    assert len(found) == sound.RATE
    assert loudest(found) == loudest(media.tone(300, 1).astype(np.float32))


def test_hours_of_sound_are_not_decoded(monkeypatch):
    monkeypatch.setattr(sound, "_MOST_SAMPLES", 1000)
    assert len(sound.decode(media.sound(media.tone(300, 1)), 3600)) == 1000


@pytest.mark.parametrize("raw", [b"", b"no sound", b"RIFF\x00\x00\x00\x00WAVE", b"fLaC", b"OggS" + b"\0" * 40])
def test_what_is_no_sound(raw):
    said = refused(raw)
    assert said.startswith("is broken, or no sound of a known kind: ")
    assert "BytesIO" not in said


def test_a_clip_without_a_sample():
    assert refused(media.sound(np.zeros(0))) == "has no sound in it"


def test_too_many_channels():
    assert refused(media.sound(np.zeros((10, 40)))) == "40 channels at 16,000 Hz are no sound that can be used"


def test_numbers_that_are_none_are_silence():
    found = sound.decode(media.sound(np.array([np.nan, np.inf, -np.inf, 1e30] * 100), kind="W64"), 10)
    assert np.isfinite(found).all()
    assert np.isfinite(sound.spectrogram(np.float32([np.nan, 1]).clip(-8, 8)[1:])).all()


def test_no_damage_whatever_raises_anything_else():
    random = np.random.default_rng(2)
    for kind in ("WAV", "FLAC", "OGG"):
        raw = media.sound(media.tone(700, 0.2), kind=kind)
        for _ in range(40):
            damaged = bytearray(raw)
            for at in random.integers(0, len(raw), 8):
                damaged[at] = random.integers(0, 256)
            try:
                assert np.isfinite(sound.decode(bytes(damaged), 1)).all()
            except UnusableError as error:
                assert str(error)  # noqa: PT017


def test_a_tone_stands_in_its_band():
    places = [loudest(media.tone(hertz).astype(np.float32)) for hertz in (200, 400, 800, 1600, 3200, 6400)]
    assert places == sorted(set(places))
    for hertz, place in zip((200, 1600, 6400), (places[0], places[3], places[5]), strict=True):
        wanted = np.log10(1 + hertz / 700) - np.log10(1 + 30 / 700)
        whole = np.log10(1 + 8000 / 700) - np.log10(1 + 30 / 700)
        assert abs(place - wanted / whole * (sound.BANDS + 1) + 1) <= 1.5


def test_every_band_hears_something():
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert (sound.spectrogram(noise).mean(axis=1) > np.log(sound.FLOOR) + 1).all()


@pytest.mark.parametrize("samples", [1, 1023, 1024, 1025, 1536, 5000])
def test_frames(samples):
    found = sound.spectrogram(np.ones(samples, np.float32))
    assert found.shape == (sound.BANDS, max(1 + (samples - 1024) // 512, 1))


def test_silence_is_the_floor_and_full_scale_is_near_zero():
    assert np.allclose(sound.spectrogram(np.zeros(2048, np.float32)), np.log(sound.FLOOR))
    full = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    assert abs(sound.spectrogram(full).max()) < 1.5


def test_a_column():
    values = pl.Series([media.sound(media.tone(500)), None, b"x"], dtype=pl.Binary)
    first, second, third = sound.decode_all(values, 1)
    assert first.shape == (8000,)
    assert second is None
    assert third.startswith("is broken")


def test_without_soundfile(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"Reading sound .*penchant\[content\]"):
        sound.decode(b"", 1)
