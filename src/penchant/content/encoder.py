# SPDX-License-Identifier: Apache-2.0
"""The contract of a content encoder: raw words, pictures, sound or numbers in, one small tensor each out.

An encoder is frozen once it is fitted. Most give vectors; those that are named `pixels`, `spectrogram` and
`tokens` give what a network inside the model reads and learns from (see `penchant.models.readers`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from penchant.artefact import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from torch import Tensor

    from penchant.batch import ContentSize
    from penchant.schema import Kind

Note = Callable[[int, str], None]
"""Told the position of a value that could not be used as it is, and why."""


def unheard(position: int, reason: str) -> None:
    """A `Note` that nobody reads."""


class UnusableError(Exception):
    """One piece of content that cannot be used; `str(error)` is the reason. It never leaves this package."""


class EncoderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every encoder's configuration is a kind of."""


class ContentEncoder(ABC):
    """Turns the raw values of one column into tensors. What it has learned travels with it."""

    Config: ClassVar[type[EncoderConfig]]
    reads: ClassVar[Kind]
    """The kind of column that it reads."""
    version: ClassVar[int] = 1
    """Raised whenever the same value would be encoded otherwise than before."""
    cheap: ClassVar[bool] = False
    """Whether encoding anew costs less than looking up what was kept."""
    scaled: ClassVar[bool] = True
    """Whether its vectors ask to be standardised, by what training may see, before a model gets them."""
    batch_size: ClassVar[int] = 64
    """How many values are worth encoding at once."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    @abstractmethod
    def size(self) -> ContentSize:
        """What a model gets of each item; known once `fit` or `load_state` was called."""

    @property
    def parts(self) -> tuple[int, ...]:
        """The lengths of the parts that a vector is put together from; each counts alike, however long."""
        return self.size.shape

    @property
    def weights(self) -> str:
        """Name and version of the pretrained weights, as they are installed here; empty where there are none."""
        return ""

    @property
    def fingerprint(self) -> str:
        """Two encoders with the same fingerprint encode every value alike."""
        learned = {name: t.contiguous().numpy().tobytes() for name, t in sorted(self.state().items())}
        return fingerprint(
            type(self).__name__, self.version, msgspec.to_builtins(self.config), self.weights,
            *(part for name, raw in learned.items() for part in (name, raw)),
        )  # fmt: skip

    @abstractmethod
    def fit(self, values: pl.Series) -> None:
        """Learn from the values that training may see. A pretrained encoder has nothing to learn here.

        Raises:
            MissingExtraError: an optional library is absent.
        """

    @abstractmethod
    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """Encode some values.

        Args:
            values: [n] text as String, pictures and sound as the bytes of their files (Binary), ready-made vectors
                as lists of numbers; null where there is none.
            note: told of each value that is broken, empty or cut.

        Returns:
            ([n, *size.shape], present [n] bool); what is absent is zero. A value that cannot be used is absent:
            content of other people never raises.
        """

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What has been learned, as named tensors."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""


class Unfitted(ContentEncoder):
    """An encoder that learns nothing from the data."""

    def fit(self, values: pl.Series) -> None:
        """There is nothing to learn."""

    def state(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """There is nothing to take up."""
