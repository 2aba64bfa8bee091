# SPDX-License-Identifier: Apache-2.0
"""Sound as statistics of its log-mel spectrogram: how loud each band is, how much and how fast it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from penchant.batch import ContentSize
from penchant.content.encoder import Note, Unfitted, unheard
from penchant.content.picture import gather
from penchant.content.sound import BANDS, HOP, RATE, SoundConfig, decode_all, spectrogram
from penchant.schema import Kind

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray
    from torch import Tensor

_STATISTICS = 5


class LogMelEncoder(Unfitted):
    """Mean, deviation, peak, attack and flow of each band, and the length of the clip."""

    class Config(SoundConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the light encoder of sound."""

    reads = Kind.AUDIO
    config: Config

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(_STATISTICS * BANDS + 1)

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n])."""
        parts = [_statistics(part) for part in decode_all(values, self.config.max_seconds)]
        vectors, usable = gather(parts, self.size.shape, np.float32, note)
        return torch.from_numpy(vectors), torch.from_numpy(usable)


def _statistics(samples: Any) -> NDArray[np.float32] | str | None:
    """[5 * BANDS + 1] of one clip; what is no clip is handed on."""
    if not isinstance(samples, np.ndarray):
        return None if samples is None else str(samples)
    mel = spectrogram(samples)
    change = np.diff(mel, axis=1, prepend=mel[:, :1])
    length = np.log(len(samples) / RATE + HOP / RATE)
    parts = [mel.mean(axis=1), mel.std(axis=1), mel.max(axis=1), change.max(axis=1), np.abs(change).mean(axis=1)]
    return np.concatenate([*parts, [length]]).astype(np.float32)
