# SPDX-License-Identifier: Apache-2.0
"""LogMelEncoder: tones, noise and beats are told apart."""

import numpy as np
import polars as pl
import torch

import media
from penchant.content.audio import LogMelEncoder
from penchant.content.scaling import Scaler

ENCODER = LogMelEncoder(LogMelEncoder.Config())
KINDS = {
    "low": {"hertz": 220},
    "high": {"hertz": 2200},
    "beating": {"hertz": 220, "beats": 6},
}


def test_the_same_kind_of_sound_is_near():
    clips = [
        media.sound(media.tone(seed=seed, seconds=0.6 + seed / 10, **kind))
        for kind in KINDS.values()
        for seed in range(3)
    ]
    vectors, present = ENCODER.encode(pl.Series(clips))
    assert present.all()
    assert vectors.shape == (9, *ENCODER.size.shape)
    scaled = Scaler.fit(vectors, present).apply(vectors, present)
    found = torch.cdist(scaled, scaled).fill_diagonal_(1e9).argmin(dim=1)
    assert (found // 3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_what_is_absent_is_zero():
    told = {}
    values = pl.Series([None, b"x", media.sound(np.zeros(100)), media.sound(np.zeros(0))], dtype=pl.Binary)
    vectors, present = ENCODER.encode(values, told.__setitem__)
    assert present.tolist() == [False, False, True, False]
    assert not vectors[[0, 1, 3]].any()
    assert torch.isfinite(vectors).all()
    assert told[1].startswith("is broken")
    assert told[3] == "has no sound in it"


def test_no_clips():
    assert ENCODER.encode(pl.Series([], dtype=pl.Binary))[0].shape == (0, *ENCODER.size.shape)
