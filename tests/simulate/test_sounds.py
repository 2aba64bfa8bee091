# SPDX-License-Identifier: Apache-2.0
"""Sounds carry the material: the nearest mean spectrum names it."""

import wave

import numpy as np

from penchant.simulate.config import ShopConfig
from penchant.simulate.sounds import RATE, SECONDS, sound_lots, synthesise
from penchant.simulate.world import draw_world

COUNT = 180
TRAIN = 120


def test_the_timbre_tells_the_material():
    things = draw_world(ShopConfig(users=1, items=COUNT, events=1, seed=6)).things
    material = things.codes["material"]
    sounds = synthesise(material, sound_lots(things, 6), things.id)
    frames = sounds[:, : len(sounds[0]) // 400 * 400].reshape(COUNT, -1, 400)
    spectrum = np.log(np.abs(np.fft.rfft(frames, axis=2)).reshape(COUNT, -1, 3, 67).mean(axis=3) + 1e-3)
    features = np.concatenate([spectrum.mean(axis=1), spectrum.std(axis=1)], axis=1)
    features = (features - features[:TRAIN].mean(axis=0)) / features[:TRAIN].std(axis=0)
    means = np.stack([features[:TRAIN][material[:TRAIN] == code].mean(axis=0) for code in range(6)])
    named = ((features[TRAIN:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (named == material[TRAIN:]).mean() > 0.6  # chance is 0.17


def test_sounds_are_loud_enough_and_never_clipped():
    things = draw_world(ShopConfig(users=1, items=30, events=1, seed=6)).things
    lots = sound_lots(things, 6)
    sounds = synthesise(things.codes["material"], lots, things.id)
    loudest = np.abs(sounds).max(axis=1)
    assert sounds.shape == (30, int(RATE * SECONDS))
    assert (loudest >= 0.499).all()
    assert (loudest <= 0.951).all()
    alone = synthesise(things.codes["material"][7:8], lots[7:8], things.id[7:8])
    assert np.allclose(alone[0], sounds[7], atol=1e-6)


def test_files_can_be_opened(shop):
    path = shop.folder / shop.items["sound"].drop_nulls()[0]
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) == RATE * SECONDS
    assert np.abs(samples).max() > 10_000
