# SPDX-License-Identifier: Apache-2.0
"""The content columns of a feature space: which encoder reads each, fitted on what training may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from penchant.content.choices import DEFAULTS, ContentConfig, encoder_config
from penchant.content.library import Library
from penchant.content.scaling import Scaler
from penchant.errors import ConfigError, nearest
from penchant.schema import ITEM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from penchant.batch import ContentSize
    from penchant.content.encoder import ContentEncoder
    from penchant.schema import Column

_SCALER = "scaler."
"""Before the names of a scaler's tensors, beside those of the encoder."""


class EncoderState(msgspec.Struct, frozen=True, kw_only=True):
    """Which encoder reads a column, and with which choices and weights."""

    kind: str
    config: dict[str, Any]
    weights: str = ""


@dataclass(frozen=True)
class ContentColumn:
    """A fitted content column.

    Attributes:
        kind: the encoder's row in the table of encoders.
        encoder: fitted.
        scaler: None where vectors are taken as they are.
        weights: the pretrained weights that it was fitted with.
    """

    kind: str
    encoder: ContentEncoder
    scaler: Scaler | None
    weights: str

    def encode(self, library: Library, name: str, values: pl.Series, items: pl.Series) -> tuple[Tensor, Tensor]:
        """([n, *size], present [n] bool).

        Raises:
            ConfigError: other weights are installed than those that the model learned with.
            MissingExtraError: the library that encodes is absent.
        """
        here = self.encoder.weights
        if here and here != self.weights:
            raise ConfigError(
                f"column {name!r} was encoded with {self.weights}, and here is {here}: "
                "install what it was, or train anew"
            )
        found, present = library.encode(name, self.encoder, values, items)
        return (self.scaler.apply(found, present) if self.scaler else found), present


class ContentColumns:
    """All content columns of a feature space.

    Args:
        columns: by name.
        library: where their content is read from.
    """

    def __init__(self, columns: Mapping[str, ContentColumn], library: Library | None = None) -> None:
        self.columns = dict(columns)
        self.library = library or Library()

    @classmethod
    def fit(
        cls,
        items: pl.DataFrame,
        schema: Mapping[str, Column],
        leave_out: Collection[str],
        config: ContentConfig,
        library: Library,
    ) -> ContentColumns:
        """Fit an encoder for each content column, on rows that training may see.

        Raises:
            ConfigError: `[content]` names what does not exist.
        """
        content = {name: column for name, column in schema.items() if column.kind in DEFAULTS}
        for name in config.columns:
            if name not in content:
                raise ConfigError(f"[content.columns.{name}]: no such content column{nearest(name, content)}")
        fitted = {}
        for name, column in content.items():
            kind, choices, where = config.choices(name, column.kind)
            if kind is None or name in leave_out:
                continue
            made, chosen = encoder_config(kind, choices, where, column.kind)
            encoder: ContentEncoder = made(chosen)
            values = column_of(items, name)
            encoder.fit(values)
            scaler = None
            if encoder.scaled:
                scaler = Scaler.fit(*library.encode(name, encoder, values, items[ITEM]), encoder.parts)
            fitted[name] = ContentColumn(kind, encoder, scaler, encoder.weights)
        return cls(fitted, library)

    @property
    def sizes(self) -> dict[str, ContentSize]:
        """What a model gets of each column."""
        return {name: column.encoder.size for name, column in self.columns.items()}

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of each encoder, by `content.<column>`."""
        return {f"content.{name}": column.encoder.fingerprint for name, column in self.columns.items()}

    def encode(self, items: pl.DataFrame) -> dict[str, tuple[Tensor, Tensor]]:
        """Per column: ([N, *size], present [N] bool) of the given rows; a column that they lack is absent."""
        return {
            name: column.encode(self.library, name, column_of(items, name), items[ITEM])
            for name, column in self.columns.items()
        }

    def state(self) -> tuple[dict[str, EncoderState], dict[str, Tensor]]:
        """(what goes into JSON, named tensors)."""
        saved: dict[str, EncoderState] = {}
        tensors: dict[str, Tensor] = {}
        for name, column in self.columns.items():
            saved[name] = EncoderState(
                kind=column.kind, config=msgspec.to_builtins(column.encoder.config), weights=column.weights
            )
            tensors |= {f"{name}/{key}": tensor for key, tensor in column.encoder.state().items()}
            if column.scaler:
                tensors |= {f"{name}/{_SCALER}{key}": tensor for key, tensor in column.scaler.state().items()}
        return saved, tensors

    @classmethod
    def load(
        cls, saved: Mapping[str, EncoderState], tensors: Mapping[str, Tensor], library: Library | None = None
    ) -> ContentColumns:
        """Take up what `state` returned. Needs no optional library: only encoding does."""
        columns = {}
        for name, state in saved.items():
            made, chosen = encoder_config(state.kind, state.config, f"encoder of {name!r}")
            encoder: ContentEncoder = made(chosen)
            own = {key[len(name) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{name}/")}
            encoder.load_state({key: tensor for key, tensor in own.items() if not key.startswith(_SCALER)})
            scaling = {key[len(_SCALER) :]: tensor for key, tensor in own.items() if key.startswith(_SCALER)}
            scaler = Scaler.load(scaling) if scaling else None
            columns[name] = ContentColumn(state.kind, encoder, scaler, state.weights)
        return cls(columns, library)


def column_of(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column, or nulls where the frame lacks it."""
    return frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height, dtype=pl.String)
