# SPDX-License-Identifier: Apache-2.0
"""What all encoders of text share: how much of a text is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import polars as pl

from penchant.content.encoder import EncoderConfig, unheard

if TYPE_CHECKING:
    from penchant.content.encoder import Note


class TextConfig(EncoderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every encoder of text can be told."""

    max_characters: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """Only the first so many characters of a text are read."""


def cut(values: pl.Series, most: int, note: Note = unheard) -> pl.Series:
    """`values` (String), each with its first `most` characters; `note` is told of those that had more."""
    values = values.cast(pl.String)
    # No text has more characters than bytes, and bytes need no counting.
    long = (values.str.len_bytes() > most).fill_null(value=False)
    if not long.any():
        return values
    lengths = values.filter(long).str.len_chars()
    for at, length in zip(long.arg_true().to_list(), lengths.to_list(), strict=True):
        if length > most:
            note(at, f"only the first {most:,} of its {length:,} characters were read (max_characters)")
    return values.str.head(most)
