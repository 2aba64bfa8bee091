# SPDX-License-Identifier: Apache-2.0
"""The contract of a content encoder: raw words, pictures or sound in, one vector each out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from torch import Tensor


class EncoderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every encoder's configuration is a kind of."""


class ContentEncoder(ABC):
    """Turns the raw values of one column into vectors. What it has learned travels with it."""

    Config: ClassVar[type[EncoderConfig]]

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    @abstractmethod
    def size(self) -> int:
        """Length of a vector."""

    @abstractmethod
    def fit(self, values: pl.Series) -> None:
        """Learn from the values that training may see. A pretrained encoder has nothing to do here."""

    @abstractmethod
    def encode(self, values: pl.Series) -> tuple[Tensor, Tensor]:
        """(vectors [n, size] float32, present [n] bool); the vector of an absent value is zero."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What has been learned, as named tensors."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
