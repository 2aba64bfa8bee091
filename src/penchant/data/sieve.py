# SPDX-License-Identifier: Apache-2.0
"""What a row must hold to be read at all, and the sieve that remembers each row that fell, with the reason.

Rows in = rows kept + rows in quarantine, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.data.checks import AT, QUARANTINE
from penchant.data.values import integers
from penchant.errors import DataError
from penchant.schema import MICROSECONDS, TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from polars.datatypes import DataType

    from penchant.data.source import Source

MAX_ID_BYTES = 1024
DAY = 86_400 * MICROSECONDS

FELL = "_fell"
_SHOWN = 60
_KEPT_CHARACTERS = 10_000
"""Of one cell in the quarantine."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that a cell may lack.

    Attributes:
        name: its key in the report.
        column: the source's column that it speaks of; None where it speaks of the whole row.
        reason: what is wrong, in words.
        broken: over the canonical columns: true where it is (null counts as false).
    """

    name: str
    column: str | None
    reason: str
    broken: pl.Expr


def id_checks(canonical: str, source: str, kind: DataType) -> list[Check]:
    """An id must be there and have a sane length.

    Args:
        canonical: its column.
        source: the source's column.
        kind: how the source stores it.
    """
    ids = pl.col(canonical)
    text = not integers(kind)
    empty = ids.is_null() | (ids.str.strip_chars() == "") if text else ids.is_null()
    checks = [Check(name=f"{canonical}_empty", column=source, reason="the id is empty", broken=empty)]
    if text:
        words = f"the id is longer than {MAX_ID_BYTES} bytes"
        long = ids.str.len_bytes() > MAX_ID_BYTES
        checks.append(Check(name=f"{canonical}_long", column=source, reason=words, broken=long))
    return checks


def time_checks(source: str, now: datetime, *, clock: bool) -> list[Check]:
    """A time must be one; where it is read off a clock, it lies between 1970 and tomorrow."""
    time = pl.col(TIME)
    checks = [Check(name="time_unread", column=source, reason="this is not a time", broken=time.is_null())]
    if not clock:
        return checks
    latest = int(now.timestamp() * MICROSECONDS) + DAY
    return [
        *checks,
        Check(name="time_before_1970", column=source, reason="the time is before 1970", broken=time < 0),
        Check(name="time_in_future", column=source, reason="the time is in the future", broken=time > latest),
    ]


def number_check(canonical: str, source: str, given: str) -> Check:
    """A number must be one or absent; the Boolean column `given` says whether the cell holds anything."""
    broken = pl.col(given) & pl.col(canonical).is_null()
    return Check(name=f"{canonical}_unread", column=source, reason="this is not a number", broken=broken)


class Sieve:
    """Takes the rows of one table through checks and remembers those that fell.

    Args:
        source: the rows as they were read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.fallen = 0
        self._frames: list[pl.DataFrame] = []
        self._names: list[str] = []
        self._checks: list[Check | None] = []
        self._counts: dict[str, dict[str, Any]] = {}

    def sift(
        self, rows: pl.LazyFrame, checks: Sequence[Check], count: Mapping[str, pl.Expr] | None = None
    ) -> tuple[pl.Expr | None, dict[str, int]]:
        """Look through all rows once: those that break a check fall, each by the first that it breaks.

        Args:
            rows: the column `AT`, and what the checks look at; of any size.
            checks: in the order in which they are to be named.
            count: further conditions, by name.

        Returns:
            a condition that holds for the rows that are left (None if all are), and for how many of those each
            condition of `count` holds; their number is under "kept".
        """
        which = _first_broken(checks)
        marked = rows.with_columns(which.alias(FELL))
        here = pl.col(FELL).is_null()
        numbers = {"kept": here.sum()}
        numbers |= {f"count {name}": (wanted & here).sum() for name, wanted in (count or {}).items()}
        numbers |= {f"fell {i}": (pl.col(FELL) == i).sum() for i in range(len(checks))}
        found = self.source.collect(marked.select(**numbers)).row(0, named=True)
        counted = {"kept": int(found["kept"])} | {name: int(found[f"count {name}"]) for name in count or {}}
        if not any(found[f"fell {i}"] for i in range(len(checks))):
            return None, counted
        fallen = self.source.collect(marked.filter(~here).select(AT, FELL))
        for i, check in enumerate(checks):
            if found[f"fell {i}"]:
                self._remember(check.name, fallen.filter(pl.col(FELL) == i)[AT], check)
        return which.is_null(), counted

    def fall(self, name: str, rows: pl.DataFrame) -> None:
        """Remember rows that break a rule.

        Args:
            name: of the rule.
            rows: the columns `AT` and `reason`.
        """
        if rows.is_empty():
            return
        self._remember(name, rows[AT], None, rows["reason"])
        reasons = rows["reason"].value_counts().sort("count", "reason", descending=[True, False])
        if reasons.height > 1:
            self._counts[name]["reasons"] = dict(reasons.rows())

    def limit(self, max_bad_fraction: float) -> None:
        """Refuse the whole table if more than this fraction of it has fallen so far.

        Raises:
            DataError: names the first bad row, its column and value, and the way out.
        """
        total = self.source.height
        if self.fallen <= max_bad_fraction * total:
            return
        first = min(self._counts.values(), key=lambda count: int(count["at"]))
        raise DataError(
            f"{self.fallen:,} of {total:,} rows of {self.source.table} cannot be used. First: {first['file']}, "
            f"row {first['row']}: {first['reason']}. Name another column in [data.{self.source.table}], mend "
            "the file, or allow more by max_bad_fraction in [data.checks]"
        )

    def summary(self) -> str:
        """What fell so far, in one sentence."""
        return "; ".join(f"{c['count']:,} rows: {c['reason']}" for c in self._counts.values())

    def quarantine(self) -> pl.LazyFrame:
        """The fallen rows, in the source's order, in the columns of `QUARANTINE`."""
        if not self._frames:
            return pl.LazyFrame(schema=QUARANTINE)
        return self._rows(pl.concat(self._frames).sort(AT))

    def report(self, kept: int) -> dict[str, Any]:
        """Counts of rows, and for each check that was broken how often, with an example.

        Args:
            kept: rows that came through.

        Raises:
            DataError: rows were lost or doubled on the way, which is a fault of this program.
        """
        total = self.source.height
        if kept + self.fallen != total:
            raise DataError(
                f"{self.source.table}: {total:,} rows came in, but {kept:,} were kept, {self.fallen:,} refused; "
                "this is a fault of Penchant, please report it"
            )
        shown = {name: {k: v for k, v in count.items() if k != "at"} for name, count in self._counts.items()}
        return {"rows": total, "kept": kept, "quarantined": self.fallen, "refused": shown}

    def _remember(self, name: str, at: pl.Series, check: Check | None, reasons: pl.Series | None = None) -> None:
        number = len(self._checks)
        self._names.append(name)
        self._checks.append(check)
        frame = pl.DataFrame({AT: at}).with_columns(
            pl.lit(number, pl.UInt16).alias(FELL),
            reasons.alias("reason") if reasons is not None else pl.lit(None, pl.String).alias("reason"),
        )
        self._frames.append(frame)
        self.fallen += frame.height
        first = frame.sort(AT).head(1)
        shown = self.source.collect(self._rows(first)).row(0, named=True)
        self._counts[name] = {
            "count": frame.height,
            "at": first[AT][0],
            "file": shown["file"],
            "row": shown["row"],
            "reason": shown["reason"],
        }

    def _rows(self, fallen: pl.DataFrame) -> pl.LazyFrame:
        """Fallen rows (the columns `AT`, `FELL`, `reason`; sorted by `AT`) as they stand in the source."""
        kinds = self.source.kinds
        files, numbers = self.source.places(fallen[AT])
        placed = fallen.with_columns(files.alias("_file"), numbers.alias("_row"))
        first, last = fallen[AT][0], fallen[AT][-1] + 1
        renamed = self.source.numbered(first, last).rename({name: f"in {name}" for name in kinds})
        rows = renamed.join(placed.lazy(), on=AT, how="inner", maintain_order="left")
        cells = [_shown(f"in {name}", kind).alias(name) for name, kind in kinds.items()]
        return rows.select(
            pl.lit(self.source.table).alias("table"),
            pl.col("_file").alias("file"),
            pl.col("_row").alias("row"),
            pl.col(FELL).replace_strict(dict(enumerate(self._names)), return_dtype=pl.String).alias("rule"),
            self._reasons().alias("reason"),
            pl.struct(cells).struct.json_encode().alias("row_json"),
        )

    def _reasons(self) -> pl.Expr:
        words = [pl.col("reason")]
        for number, check in enumerate(self._checks):
            if check is None:
                continue
            text = pl.lit(check.reason)
            if check.column is not None:
                cell = _shown(f"in {check.column}", self.source.kinds[check.column]).cast(pl.String)
                text = pl.format(
                    "column '{}': {} ('{}')",
                    pl.lit(check.column), text, cell.fill_null("").str.head(_SHOWN),
                )  # fmt: skip
            words.append(pl.when(pl.col(FELL) == number).then(text))
        return pl.coalesce(words)


def _first_broken(checks: Sequence[Check]) -> pl.Expr:
    """The number of the first check that a row breaks, null where it breaks none."""
    if not checks:
        return pl.lit(None, pl.UInt8)
    return pl.coalesce(pl.when(check.broken).then(pl.lit(i, pl.UInt8)) for i, check in enumerate(checks))


def _shown(column: str, kind: DataType) -> pl.Expr:
    """A cell as it can be written as JSON: bytes by their number, long text cut."""
    cell = pl.col(column)
    if kind == pl.String:
        return cell.str.head(_KEPT_CHARACTERS)
    if kind == pl.Binary:
        return pl.format("<{} bytes>", cell.bin.size())
    if kind.is_nested() and "Binary" in str(kind):
        return pl.lit(str(kind))
    plain = kind.is_integer() or kind.is_float() or kind == pl.Boolean or kind.is_nested()
    return cell if plain else cell.cast(pl.String, strict=False)
