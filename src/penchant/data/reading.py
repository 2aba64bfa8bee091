# SPDX-License-Identifier: Apache-2.0
"""One file to be looked at lazily: CSV, TSV, JSON lines or Parquet; and what is wrong where that fails.

What a text file holds is read as text, so that an id such as "007" survives; Parquet keeps its own types.
Only the columns asked for are read.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATORS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = frozenset({".jsonl", ".ndjson"})
PARQUET = frozenset({".parquet", ".pq"})
_HEAD = 65_536
"""Bytes at the beginning of a text file that tell how it is written."""
_KNOWN = sorted({*SEPARATORS, *JSON_LINES, *PARQUET})


def find_files(path: str | Sequence[str], base: Path) -> list[Path]:
    """The files that a path, a pattern, or several of them mean; those of a pattern in name order.

    Args:
        path: relative to `base`, or absolute; `*`, `?` and `[...]` make it a pattern.
        base: the folder of the run file.

    Raises:
        DataError: nothing is there, or a folder is.
    """
    if not isinstance(path, str):
        return [file for one in path for file in find_files(one, base)]
    whole = base / Path(path).expanduser()
    if whole.is_dir():
        raise DataError(
            f"{whole} is a folder, where a file is meant: name a file, or a pattern such as {path}/*.parquet"
        )
    if whole.exists():
        return [whole]
    if glob.has_magic(path):
        found = sorted(Path(name) for name in glob.glob(str(whole), recursive=True))  # noqa: PTH207 (`**`, absolute)
        files = [name for name in found if name.is_file()]
        if files:
            return files
        raise DataError(f"No file matches {whole}")
    beside = [file.name for file in whole.parent.iterdir()] if whole.parent.is_dir() else []
    raise DataError(f"There is no file {whole}{nearest(whole.name, beside) if beside else ''}")


def scan(file: Path, separator: str | None = None) -> pl.LazyFrame:
    """A lazy look at one file: text columns of CSV and JSON lines as String (or lists of it).

    Raises:
        DataError: the file is empty, of an unknown kind or damaged where its columns are told.
    """
    ending = file.suffix.lower()
    try:
        if ending not in _KNOWN:
            raise DataError(
                f"{file}: cannot tell what a {ending or 'nameless'} file is; known: {', '.join(_KNOWN)}"
            )
        if file.stat().st_size == 0:
            raise DataError(f"{file} is empty")
        bare = ending in PARQUET or not _has_mark(file)
        if ending in SEPARATORS:
            cell = separator or SEPARATORS[ending]
            return pl.scan_csv(file, separator=cell, infer_schema=False, glob=False, with_column_names=_unescape)
        if ending in PARQUET:
            return pl.scan_parquet(file, glob=False, hive_partitioning=False)
        name = glob.escape(str(file)) if bare else io.BytesIO(file.read_bytes()[len(codecs.BOM_UTF8) :])
        told = pl.scan_ndjson(name, infer_schema_length=None).collect_schema()
        kinds = {c: pl.List(pl.String) if isinstance(kind, pl.List) else pl.String() for c, kind in told.items()}
        return pl.scan_ndjson(name, schema=kinds)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(file, error, separator) from error


def columns_of(file: Path, separator: str | None = None) -> pl.Schema:
    """The columns of one file.

    Raises:
        DataError: as `scan`.
    """
    frame = scan(file, separator)
    try:
        return frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(file, error, separator) from error


def explain(file: Path, error: Exception, separator: str | None = None) -> DataError:
    """What is wrong with a file that could not be read, with the line where it can be told."""
    ending = file.suffix.lower()
    reason = str(error).strip().split("\n")[0]
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{file} cannot be read: {error.strerror}")
    if ending in PARQUET:
        return DataError(f"{file} is not a whole Parquet file: {reason}")
    trouble = _bad_line(file, ending) or _bad_row(file, ending, separator)
    return DataError(f"{file}: {trouble}" if trouble else f"{file} cannot be read: {reason}")


def _has_mark(file: Path) -> bool:
    """Whether a text file begins with UTF-8's byte order mark; and see that its lines can be told apart.

    Raises:
        DataError: it is UTF-16, or its lines end as those of old Macs.
    """
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        way_out = f"iconv -f utf-16 -t utf-8 {file.name} > new{file.suffix}"
        raise DataError(f"{file} is UTF-16, where UTF-8 is meant. Convert it: {way_out}")
    if b"\r" in head and b"\n" not in head:
        way_out = f"tr '\\r' '\\n' < {file.name} > new{file.suffix}"
        raise DataError(f"{file}: lines end with a carriage return alone. Convert them: {way_out}")
    return head.startswith(codecs.BOM_UTF8)


def _unescape(names: list[str]) -> list[str]:
    """Names of a header, whose doubled quotes the reader leaves as they are."""
    return [name.replace('""', '"') for name in names]


def _bad_line(file: Path, ending: str) -> str | None:
    """What is wrong with the first line that is wrong; only looked for once the fast reader has given up."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode()
                if ending in JSON_LINES and text.strip():
                    msgspec.json.decode(text, type=dict)
            except UnicodeDecodeError:
                way_out = f"iconv -f latin1 -t utf-8 {file.name} > new{ending}"
                return f"line {number} is not UTF-8. Convert the file: {way_out}"
            except msgspec.MsgspecError as error:
                return f"line {number} is not a JSON object: {error}"
    return None


def _bad_row(file: Path, ending: str, separator: str | None) -> str | None:
    """Which row of a CSV file has more cells than the header."""
    if ending not in SEPARATORS:
        return None
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, delimiter=separator or SEPARATORS[ending])
        try:
            width = len(next(rows, []))
            for number, row in enumerate(rows, 1):
                if len(row) > width:
                    way_out = "Put cells that hold the separator between double quotes"
                    return f"row {number} has {len(row)} cells, the header has {width}. {way_out}"
        except csv.Error:  # a cell too large for this reader, which only looks for the row to name
            return None
    return None
