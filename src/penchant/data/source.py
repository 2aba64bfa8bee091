# SPDX-License-Identifier: Apache-2.0
"""The rows of one table as they stand in its files, to be read lazily, as often as is needed.

Parquet is read where it lies. Text is slow to take apart, so it is done once: small files into memory, large
ones into Parquet in a scratch folder. Small Parquet files are taken into memory too.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.artefact import writing
from penchant.data.checks import AT
from penchant.data.reading import PARQUET, columns_of, explain, scan
from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IN_MEMORY_BYTES = 64 * 2**20
IN_MEMORY_ROWS = 8_000_000
"""A table whose files are no larger is read once, into memory."""
_AGAIN = "_duplicated_0"
"""What the reader of text adds to the second of two columns of one name."""


class Scratch:
    """A folder for what is too large for memory; it goes when nothing points to this object any more.

    Args:
        beside: the folder to make it in, as soon as it is needed; the system's folder for such things if None.
    """

    def __init__(self, beside: Path | None = None) -> None:
        self._beside = beside
        self._folder: Path | None = None
        self._made = 0

    def place(self, name: str) -> Path:
        """A path that is free, with `name` at its end."""
        if self._folder is None:
            if self._beside is not None:
                self._beside.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=".ingest.", dir=self._beside))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._made += 1
        return self._folder / f"{self._made:05d}-{name}"


@dataclass(frozen=True, kw_only=True)
class _File:
    path: Path
    rows: pl.DataFrame | Path
    height: int

    def scan(self) -> pl.LazyFrame:
        if isinstance(self.rows, Path):
            return pl.scan_parquet(self.rows, glob=False, hive_partitioning=False)
        return self.rows.lazy()


@dataclass(frozen=True, kw_only=True)
class Source:
    """The rows of one table as they stand in its files.

    Attributes:
        table: "events", "items" or the like.
        files: the files, in order.
        starts: for each file, the position of its first row among those of all files.
        height: rows of all files.
        kinds: how the source stores each column that was asked for.
    """

    table: str
    files: tuple[str, ...]
    starts: tuple[int, ...]
    height: int
    kinds: pl.Schema
    parts: tuple[_File, ...]

    @property
    def rows(self) -> pl.LazyFrame:
        """The columns that were asked for, under their own names; the files one after the other."""
        return self.numbered().drop(AT)

    def numbered(self, first: int = 0, last: int | None = None) -> pl.LazyFrame:
        """The rows at the positions `first` to `last` (exclusive), with their positions in the column `AT`."""
        end = self.height if last is None else last
        frames: list[pl.LazyFrame] = []
        for file, start in zip(self.parts, self.starts, strict=True):
            low, high = max(first - start, 0), min(end - start, file.height)
            if low < high:
                rows = file.scan().select(self.kinds.names()).slice(low, high - low)
                frames.append(rows.with_row_index(AT).with_columns(pl.col(AT).cast(pl.Int64) + start + low))
        whole = pl.concat(frames, how="vertical_relaxed") if len(frames) > 1 else frames[0]
        return whole.cast(self.kinds)

    def sample(self, column: str, rows: int) -> pl.Series:
        """Up to about `rows` cells of a column, spread over all of it."""
        step = -(-self.height // rows)
        cells = self.numbered().select(AT, column) if step > 1 else self.rows.select(column)
        if step > 1:
            cells = cells.filter(pl.col(AT) % step == 0).select(column)
        return self.collect(cells).to_series()

    def places(self, at: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The file, and the 1-based data row in it, of each position."""
        positions = at.to_numpy()
        which = np.searchsorted(np.asarray(self.starts), positions, side="right") - 1
        files = pl.Series("file", self.files, dtype=pl.String).gather(which)
        return files, pl.Series("row", positions - np.asarray(self.starts)[which] + 1, dtype=pl.Int64)

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Carry out a query over these rows.

        Raises:
            DataError: a file turned out to be damaged, or a column is not what it is taken for.
        """
        try:
            return frame.collect(engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> DataError:
        """What is wrong with the files, where a query over them failed."""
        for file in self.parts:
            if isinstance(file.rows, Path):
                try:
                    file.scan().select(pl.col(self.kinds.names()).hash().sum()).collect(engine="streaming")
                except (pl.exceptions.PolarsError, OSError) as found:
                    return explain(file.path, found)
        reason = str(error).strip().split("\n")[0]
        return DataError(f"{self.files[0]} ({self.table}) cannot be used as the run file says: {reason}")


def read_table(
    table: str,
    files: Sequence[Path],
    columns: Mapping[str, str],
    separator: str | None = None,
    scratch: Scratch | None = None,
) -> Source:
    """Make ready to read the named columns of all files.

    Args:
        table: what the rows are, for messages: "events", "items" or the like.
        files: where they lie.
        columns: each column to read -> the key of the run file that names it, for messages.
        separator: what stands between the cells of a text table, where the ending does not tell.
        scratch: where large text files are put as Parquet; without one they are read into memory.

    Raises:
        DataError: a file is empty, damaged, of an unknown kind, not UTF-8, or lacks a column.
    """
    for file in files:
        have = columns_of(file, separator).names()
        for column, key in columns.items():
            if column not in have:
                raise DataError(f"{file} has no column {column!r}, which {key} names{nearest(column, have)}")
            if f"{column}{_AGAIN}" in have:
                raise DataError(f"{file} has two columns {column!r}, which {key} names. Rename one of them")
    small = sum(file.stat().st_size for file in files) <= IN_MEMORY_BYTES
    parts = tuple(_open(file, list(columns), separator, None if small else scratch) for file in files)
    heights = [file.height for file in parts]
    if not sum(heights):
        raise DataError(f"{files[0]} has no rows" + (", nor has any file beside it" if len(files) > 1 else ""))
    starts = (0, *np.cumsum(heights)[:-1].tolist())
    return Source(
        table=table, files=tuple(map(str, files)), starts=starts, height=sum(heights), parts=parts,
        kinds=_kinds([file.scan().collect_schema() for file in parts], list(columns)),
    )  # fmt: skip


def _open(file: Path, columns: Sequence[str], separator: str | None, scratch: Scratch | None) -> _File:
    """Make ready one file; without a scratch folder it may be taken into memory."""
    try:
        rows = scan(file, separator).select(columns)
        stored = file.suffix.lower() in PARQUET
        height = rows.select(pl.len()).collect().item() if stored else 0
        if scratch is None and height <= IN_MEMORY_ROWS:
            held = rows.collect(engine="streaming")
            return _File(path=file, rows=held, height=held.height)
        if stored or scratch is None:
            return _File(path=file, rows=file, height=height)
        lying = scratch.place("text.parquet")
        with writing(lying):
            rows.sink_parquet(lying, compression="lz4", statistics=False)
        height = pl.scan_parquet(lying, glob=False).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(file, error, separator) from error
    return _File(path=file, rows=lying, height=height)


def _kinds(schemas: Sequence[pl.Schema], columns: Sequence[str]) -> pl.Schema:
    """One type for each column whose type may differ from file to file (32 and 64 bits, number and text)."""
    found = {}
    for column in columns:
        kinds = {schema[column] for schema in schemas}
        if len({kind.is_numeric() for kind in kinds}) > 1:
            kinds = {kind for kind in kinds if not kind.is_numeric()} | {pl.String()}
        if len({kind.is_nested() for kind in kinds}) > 1:
            shown = " and ".join(sorted(map(str, kinds)))
            raise DataError(f"The files of one table hold different types of one column: {column!r} is {shown}")
        empty = [pl.DataFrame(schema={column: kind}) for kind in kinds]
        try:
            found[column] = pl.concat(empty, how="vertical_relaxed").schema[column]
        except pl.exceptions.PolarsError as error:
            raise DataError(f"The files of one table hold different types of one column: {error}") from error
    return pl.Schema(found)
