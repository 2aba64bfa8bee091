# SPDX-License-Identifier: Apache-2.0
"""Small raw tensors for networks that learn inside a model: pixels, a spectrogram, tokens.

They are kept as bytes where that is enough: a picture of 32 by 32 is 3 kB.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import polars as pl
import torch

from penchant.batch import ContentSize
from penchant.content.encoder import Note, Unfitted, unheard
from penchant.content.excerpt import TextConfig, cut
from penchant.content.picture import PictureConfig, decode_all, gather
from penchant.content.sound import BANDS, FLOOR, SoundConfig, spectrogram
from penchant.content.sound import decode_all as decode_sounds
from penchant.schema import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_WORD = r"[\w--\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]+|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"
"""A word, or a character of a script that writes no spaces."""


class PixelsEncoder(Unfitted):
    """A picture as its pixels."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of pixels."""

        side: Annotated[int, msgspec.Meta(ge=8, le=256)] = 32
        """Pixels of a side; time and memory grow with the square."""

    reads = Kind.IMAGE
    scaled = False
    config: Config

    @property
    def size(self) -> ContentSize:
        """[3, S, S]."""
        return ContentSize("pixels", (3, self.config.side, self.config.side))

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """([n, 3, S, S] uint8, present [n])."""
        pixels, usable = decode_all(values, self.config.side, self.config.max_pixels, note)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))), torch.from_numpy(usable)


class SpectrogramEncoder(Unfitted):
    """A clip as its log-mel spectrogram, from silence (0) to full scale (255)."""

    class Config(SoundConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a spectrogram."""

        steps: Annotated[int, msgspec.Meta(ge=8, le=1024)] = 32
        """Spectra in time; a longer clip is averaged down to so many, a shorter one is followed by silence."""

    reads = Kind.AUDIO
    scaled = False
    config: Config

    @property
    def size(self) -> ContentSize:
        """[M, T]."""
        return ContentSize("spectrogram", (BANDS, self.config.steps))

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """([n, M, T] uint8, present [n])."""
        parts = [self._picture(part) for part in decode_sounds(values, self.config.max_seconds)]
        found, usable = gather(parts, self.size.shape, np.uint8, note)
        return torch.from_numpy(found), torch.from_numpy(usable)

    def _picture(self, samples: Any) -> NDArray[np.uint8] | str | None:
        if not isinstance(samples, np.ndarray):
            return None if samples is None else str(samples)
        mel = (spectrogram(samples) - np.log(FLOOR)) / -np.log(FLOOR)
        if mel.shape[1] > self.config.steps:
            starts = np.arange(self.config.steps) * mel.shape[1] // self.config.steps
            mel = np.add.reduceat(mel, starts, axis=1) / np.diff([*starts, mel.shape[1]])
        mel = np.pad(mel, ((0, 0), (0, self.config.steps - mel.shape[1])))
        return np.asarray(mel.clip(0, 1) * 255, np.uint8)


class TokensEncoder(Unfitted):
    """A text as the numbers of its first words, hashed: no vocabulary is learned."""

    class Config(TextConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of tokens."""

        length: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
        """How many tokens of a text are kept."""
        buckets: Annotated[int, msgspec.Meta(ge=2, le=2**24)] = 2**15
        """How many different tokens are told apart; each costs one vector of the model."""

    reads = Kind.TEXT
    scaled = False
    cheap = True
    config: Config

    @property
    def size(self) -> ContentSize:
        """[W]."""
        return ContentSize("tokens", (self.config.length,), values=self.config.buckets + 1)

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """([n, W] int32, present [n]); a text without a word is absent."""
        texts = cut(values, self.config.max_characters, note).fill_null("").str.to_lowercase()
        words = texts.str.extract_all(_WORD).list.head(self.config.length)
        lengths = torch.tensor(words.list.len().to_numpy(), dtype=torch.int64)
        flat = words.explode(empty_as_null=False, keep_nulls=False)
        distinct = flat.unique()
        numbers = [zlib.crc32(word.encode()) % self.config.buckets + 1 for word in distinct.to_list()]
        table = pl.DataFrame({"word": distinct, "number": pl.Series(numbers, dtype=pl.Int32)})
        found = flat.to_frame("word").join(table, on="word", how="left", maintain_order="left")["number"]
        rectangle = self.size.nothing(len(values))
        rectangle[torch.arange(self.config.length) < lengths[:, None]] = torch.tensor(
            found.to_numpy(), dtype=torch.int32
        )
        return rectangle, lengths > 0
