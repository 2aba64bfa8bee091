# SPDX-License-Identifier: Apache-2.0
"""Guess what kind of thing a column of an item or user table holds, and say why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.values import as_number, as_text, is_blank
from penchant.schema import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE_PATH = r"(?i)\.(jpe?g|png|webp|gif|bmp)(\?\S*)?$"
AUDIO_PATH = r"(?i)\.(flac|wav|mp3|ogg|opus|m4a|aac)(\?\S*)?$"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF....WEBP")
SOUNDS = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"RIFF....WAVE")
"""How files begin; a point stands for any byte."""
VECTOR = r"^\s*\[\s*-?[\d.]+(e-?\d+)?(\s*,\s*-?[\d.]+(e-?\d+)?)+\s*\]\s*$"
ISO_TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d[\d:.Z+ -]*)?$"
ADDRESS_OR_DATE = r"^(https?://\S+|\d{4}-\d\d-\d\d[T \d:.Z+-]*|\d\d?[ -]\w{3}[ -]\d{4})$"
_WRITINGS = (
    (IMAGE_PATH, Kind.IMAGE, "paths of pictures"),
    (AUDIO_PATH, Kind.AUDIO, "paths of sounds"),
    (VECTOR, Kind.VECTOR, "each cell is a list of numbers"),
    (ISO_TIME, Kind.TIME, "dates or times"),
    (ADDRESS_OR_DATE, None, "addresses or dates: left out"),
)
"""What most cells look like, the kind that they then are, and why."""
NAMES_THINGS = r"(^|[^A-Za-z])[iI][dD]$|[a-z]I[dD]$"
"""Names of columns whose cells name things."""
SEPARATORS = ("|", ";", ", ", ",")
SEVERAL_WORDS = r"\S\s+\S|[\x{3040}-\x{9fff}\x{ac00}-\x{d7af}]{4}"
"""Words with space between, or a run of a script that writes none."""
CODE_NAME = r"(?i)(id|zip|code|class|category|type|no|occupation|brand|department|gender)$"
"""Names of columns whose numbers stand for things."""
MOST_COLUMNS = 300
"""Columns of one table that are looked at."""
FEW = 50
"""So many distinct values are always taken for words out of a list."""
_HEADS = 20
_NUMBERS = frozenset({pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8})
NAME_WORDS = 4
"""Cells that come back and have fewer words than this on average are names, not text."""
TAG_LENGTH = 25
"""Pieces longer than this on average are no tags."""
MANY = 0.9
"""Columns with more distinct values per filled cell than this name single rows."""
MOVING = 0.05
"""A column that differs within more than this share of the items does not belong to the item."""


@dataclass(frozen=True, kw_only=True)
class ColumnGuess:
    """What a column is taken for.

    Attributes:
        name: the column's name in the source.
        column: its kind; None where it is left out.
        reason: why, in words.
    """

    name: str
    column: Column | None
    reason: str


def guess_columns(table: pl.DataFrame, names: Sequence[str]) -> list[ColumnGuess]:
    """The kinds of several columns; of very many only the first are looked at, and the others left out."""
    why = f"one of more than {MOST_COLUMNS} columns: left out"
    looked = [guess_column(table[name]) for name in names[:MOST_COLUMNS]]
    return looked + [_say(name, None, why) for name in names[MOST_COLUMNS:]]


def guess_column(cells: pl.Series) -> ColumnGuess:
    """The kind of one column, from a sample of its cells."""
    name, rows = cells.name, len(cells)
    told = _by_type(cells)
    if told is not None:
        return told
    text = as_text(cells)
    filled = text.filter(text.is_not_null() & ~is_blank(text))
    distinct = filled.n_unique()
    counted = f"{distinct:,} distinct values in {rows:,} rows"
    if filled.len() * 20 < rows or distinct < 2:
        return _say(
            name, None, f"{counted}, {rows - filled.len():,} cells empty: too little to learn from, left out"
        )
    numbers = as_number(filled)
    if numbers.count() >= 0.95 * filled.len():
        return _guess_number(name, filled, numbers, counted)
    return _guess_words(name, filled, counted)


def differs_within(table: pl.DataFrame, key: str) -> set[str]:
    """Columns whose cells differ between rows of one key: they tell of the event, not of the item or user."""
    others = [column for column, kind in table.schema.items() if column != key and not kind.is_nested()]
    several = table.filter(pl.len().over(key) > 1)
    if several.is_empty() or not others:
        return set()
    counts = several.group_by(key).agg(pl.col(others).n_unique())
    varied = counts.select((pl.col(others) > 1).mean()).row(0, named=True)
    return {column for column, share in varied.items() if share > MOVING}


def _by_type(cells: pl.Series) -> ColumnGuess | None:
    """The kind of a column whose type in Parquet or JSON says it; None where the cells must be looked at."""
    name, stored = cells.name, cells.dtype
    if stored == pl.List(pl.String):
        return _say(name, Kind.TAGS, "each cell is a list")
    if stored in (pl.Date, pl.Datetime):
        return _say(name, Kind.TIME, f"holds {stored}")
    if isinstance(stored, pl.List | pl.Array) and stored.inner in _NUMBERS:
        return _say(name, Kind.VECTOR, "each cell is a list of numbers")
    if stored == pl.Binary:
        return _guess_bytes(name, cells.drop_nulls())
    left_out = stored.is_nested() or stored.is_temporal()
    return _say(name, None, f"holds {stored}: left out") if left_out else None


def _say(name: str, kind: Kind | None, reason: str, separator: str | None = None) -> ColumnGuess:
    column = Column(kind=kind, separator=separator) if kind else None
    return ColumnGuess(name=name, column=column, reason=reason)


def _guess_words(name: str, filled: pl.Series, counted: str) -> ColumnGuess:
    for pattern, kind, why in _WRITINGS:
        if _share(filled.str.contains(pattern)) > MANY:
            return _say(name, kind, why)
    separator = _guess_separator(filled)
    if separator:
        return _say(name, Kind.TAGS, f"short words between {separator!r}, used again and again", separator)
    return _guess_text(name, filled, counted)


def _guess_text(name: str, filled: pl.Series, counted: str) -> ColumnGuess:
    distinct = filled.n_unique()
    if _names_things(name, filled):
        return _say(name, Kind.ID, f"{counted}, and its name says id")
    words = _share(filled.str.count_matches(r"\S+"))
    few = distinct <= max(FEW, 0.2 * filled.len())
    if few or (words < NAME_WORDS and distinct < 0.75 * filled.len()):
        return _say(name, Kind.CATEGORY, counted)
    if _share(filled.str.contains(SEVERAL_WORDS)) > 0.5:
        return _say(name, Kind.TEXT, f"{counted}, {words:.0f} words each on average")
    if distinct > MANY * filled.len():
        return _say(name, None, f"{counted}: an identifier, left out")
    return _say(name, Kind.CATEGORY, counted)


def _guess_number(name: str, filled: pl.Series, numbers: pl.Series, counted: str) -> ColumnGuess:
    whole = _share(numbers == numbers.floor()) == 1
    padded = _share(filled.str.contains(r"^0\d")) > 0
    many = filled.n_unique() > MANY * filled.len()
    widths = filled.str.len_chars()
    coded = padded or re.search(CODE_NAME, name) is not None
    if many and whole and (coded or (filled.len() > 20 and widths.min() == widths.max())):
        return _say(name, None, f"{counted}: an identifier, left out")
    if whole and _names_things(name, filled):
        return _say(name, Kind.ID, f"{counted}, and its name says id")
    if coded:
        return _say(name, Kind.CATEGORY, f"{counted}: codes, not quantities")
    return _say(name, Kind.NUMBER, f"numbers, {counted}")


def _names_things(name: str, filled: pl.Series) -> bool:
    """Whether a column names things that come again, more of them than a list of words would hold."""
    several = max(FEW, 0.2 * filled.len()) < filled.n_unique() <= MANY * filled.len()
    return several and re.search(NAMES_THINGS, name) is not None


def _guess_bytes(name: str, filled: pl.Series) -> ColumnGuess:
    """Pictures or sounds, by how they begin."""
    heads = filled.head(_HEADS).to_list()
    for kind, begins in ((Kind.IMAGE, PICTURES), (Kind.AUDIO, SOUNDS)):
        if heads and all(any(re.match(begin, head, re.DOTALL) for begin in begins) for head in heads):
            return _say(name, kind, f"holds the bytes of {kind.value} files")
    return _say(name, None, "holds Binary: left out")


def _guess_separator(filled: pl.Series) -> str | None:
    """What cuts the cells into words that come back; None if nothing does."""
    for separator in SEPARATORS:
        if _share(filled.str.contains(separator, literal=True)) < 0.1:
            continue
        words = filled.str.split(separator).explode().str.strip_chars()
        # Tags are short and few; a comma inside a sentence cuts it into long pieces that never come again.
        if _share(words.str.len_chars()) <= TAG_LENGTH and words.n_unique() <= 0.5 * words.len():
            return separator
    return None


def _share(marks: pl.Series) -> float:
    """The mean; 0 where there is none."""
    mean = marks.mean()
    return float(mean) if isinstance(mean, int | float) else 0.0
