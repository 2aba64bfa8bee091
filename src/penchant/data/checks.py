# SPDX-License-Identifier: Apache-2.0
"""Rules that a row must keep, and the sieve that puts those that do not in quarantine, with the reason.

Rows in = rows kept + rows in quarantine, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import polars as pl

from penchant.data.rules.rule import AT
from penchant.data.rules.table import Chosen, configs
from penchant.errors import DataError
from penchant.schema import ITEM, MICROSECONDS, TIME, USER, VALUE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from penchant.data.reading import Source

__all__ = ["AT", "QUARANTINE", "ChecksConfig", "Rule", "Sieve"]

MAX_ID_BYTES = 1024
DAY = 86_400 * MICROSECONDS
QUARANTINE = {
    "table": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
    "reason": pl.String(),
    "row_json": pl.String(),
}
"""Columns of the quarantine: `row` counts data rows of the file from 1, `row_json` is what was read of it."""

_SHOWN = 60


class ChecksConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.checks]`."""

    max_bad_fraction: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """More unusable rows of one table than this are an error (duplicates do not count)."""
    duplicates: Literal["refuse", "keep"] = "refuse"
    """What becomes of an event that equals an earlier one in every column."""
    min_user_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Leave out users with fewer events; with `min_item_events`, over and over until nothing changes."""
    min_item_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Leave out items with fewer events."""
    session_gap: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Seconds without an event after which a user's next one begins a new session; None cuts no sessions."""
    rules: Chosen = {}
    """By name of a cleaning rule (`penchant.data.rules`): true, false, or its choices."""

    def __post_init__(self) -> None:
        """Every rule that is named exists, and reads its choices."""
        configs(self.rules)

    @property
    def chosen(self) -> Chosen:
        """`rules`, and what the older keys of this table say of them; `rules` has the last word."""
        older: Chosen = {}
        if self.duplicates == "keep":
            older["duplicate"] = False
        if self.min_user_events > 1 or self.min_item_events > 1:
            older["too_few_events"] = {"user": self.min_user_events, "item": self.min_item_events}
        return older | self.rules


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that may be wrong with a row.

    Attributes:
        name: its key in the report.
        column: the source's column that it speaks of; None where it speaks of the whole row.
        reason: what is wrong, in words.
        broken: over the table under check: true where it is (null counts as false).
    """

    name: str
    column: str | None
    reason: str
    broken: pl.Expr


def id_rules(canonical: str, source: str) -> list[Rule]:
    """An id must be there and have a sane length; `canonical` names its String column."""
    text = pl.col(canonical)
    empty = text.is_null() | (text.str.strip_chars() == "")
    long = text.str.len_bytes() > MAX_ID_BYTES
    return [
        Rule(name=f"{canonical}_empty", column=source, reason="the id is empty", broken=empty),
        Rule(
            name=f"{canonical}_long",
            column=source,
            reason=f"the id is longer than {MAX_ID_BYTES} bytes",
            broken=long,
        ),
    ]


def time_rules(source: str, now: datetime, *, clock: bool) -> list[Rule]:
    """A time must be one; where it is read off a clock, it lies between 1970 and tomorrow."""
    time = pl.col(TIME)
    rules = [Rule(name="time_unread", column=source, reason="this is not a time", broken=time.is_null())]
    if not clock:
        return rules
    latest = int(now.timestamp() * MICROSECONDS) + DAY
    return [
        *rules,
        Rule(name="time_before_1970", column=source, reason="the time is before 1970", broken=time < 0),
        Rule(name="time_in_future", column=source, reason="the time is in the future", broken=time > latest),
    ]


def value_rule(source: str, given: str) -> Rule:
    """A value must be a number or absent; the Boolean column `given` says whether the cell holds anything."""
    broken = pl.col(given) & pl.col(VALUE).is_null()
    return Rule(name="value_unread", column=source, reason="this is not a number", broken=broken)


def duplicate_rule(keys: Sequence[str], what: str) -> Rule:
    """Of rows that agree in `keys`, the first is kept."""
    broken = ~pl.struct(keys).is_first_distinct() if len(keys) > 1 else ~pl.col(keys[0]).is_first_distinct()
    return Rule(name="duplicate", column=None, reason=f"an earlier row has {what}", broken=broken)


def core_rule(events: pl.DataFrame, checks: ChecksConfig) -> Rule:
    """Events outside the k-core: what is left once rare users and items are taken out until none is rare."""
    core = events.select(AT, USER, ITEM)
    while True:
        often = (pl.len().over(USER) >= checks.min_user_events) & (pl.len().over(ITEM) >= checks.min_item_events)
        smaller = core.filter(often)
        if smaller.height == core.height:
            break
        core = smaller
    reason = (
        "the user or the item has too few events "
        f"(min_user_events = {checks.min_user_events}, min_item_events = {checks.min_item_events})"
    )
    outside = ~pl.col(AT).is_in(core[AT].implode())
    return Rule(name="too_few_events", column=None, reason=reason, broken=outside)


class Sieve:
    """Takes the rows of one table through rules and remembers those that fell.

    Args:
        source: the rows as they were read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._fallen: list[pl.DataFrame] = []
        self._counts: dict[str, dict[str, Any]] = {}

    def sift(self, rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
        """The rows that keep all rules; each other row falls by the first rule that it breaks.

        Args:
            rows: the column `AT`, and what the rules look at.
            rules: in the order in which they are to be named.
        """
        if not rules:
            return rows
        which = pl.coalesce(pl.when(rule.broken).then(i) for i, rule in enumerate(rules)).alias("rule")
        marks = rows.select(AT, which)
        fallen = marks.drop_nulls("rule")
        if fallen.is_empty():
            return rows
        for (i,), group in fallen.group_by("rule", maintain_order=True):
            self._record(rules[int(str(i))], group[AT])
        return rows.filter(marks["rule"].is_null())

    def limit(self, max_bad_fraction: float) -> None:
        """Refuse the whole table if more than this fraction of it has fallen so far.

        Raises:
            DataError: names the first bad row, its column and value, and the way out.
        """
        total = self.source.rows.height
        fallen = sum(part.height for part in self._fallen)
        if fallen <= max_bad_fraction * total:
            return
        first = min(self._counts.values(), key=lambda count: int(count["at"]))
        raise DataError(
            f"{fallen:,} of {total:,} rows of {self.source.table} cannot be used. First: {first['file']}, "
            f"row {first['row']}: {first['reason']}. Name another column in [data.{self.source.table}], mend "
            "the file, or allow more by max_bad_fraction in [data.checks]"
        )

    def summary(self) -> str:
        """What fell so far, in one sentence."""
        return "; ".join(f"{c['count']:,} rows: {c['reason']}" for c in self._counts.values())

    def quarantine(self) -> pl.DataFrame:
        """The fallen rows, in the source's order, in the columns of `QUARANTINE`."""
        if not self._fallen:
            return pl.DataFrame(schema=QUARANTINE)
        fallen = pl.concat(self._fallen).sort(AT)
        files, numbers = self.source.places(fallen[AT])
        cells = self.source.rows[fallen[AT]].select(pl.struct(pl.all()).struct.json_encode()).to_series()
        columns = {"file": files, "row": numbers, "reason": fallen["reason"], "row_json": cells}
        return pl.DataFrame({"table": pl.repeat(self.source.table, len(files), eager=True), **columns})

    def report(self, kept: int) -> dict[str, Any]:
        """Counts of rows, and for each rule that was broken how often, with an example.

        Args:
            kept: rows that came through.

        Raises:
            DataError: rows were lost or doubled on the way, which is a fault of this program.
        """
        total = self.source.rows.height
        fallen = sum(part.height for part in self._fallen)
        if kept + fallen != total:
            raise DataError(
                f"{self.source.table}: {total:,} rows came in, but {kept:,} were kept, {fallen:,} refused; "
                "this is a fault of Penchant, please report it"
            )
        shown = {name: {k: v for k, v in count.items() if k != "at"} for name, count in self._counts.items()}
        return {"rows": total, "kept": kept, "quarantined": fallen, "refused": shown}

    def _record(self, rule: Rule, at: pl.Series) -> None:
        if rule.column is None:
            reasons = pl.repeat(rule.reason, len(at), dtype=pl.String, eager=True)
        else:
            cells = self.source.rows[rule.column].gather(at)
            plain = cells.cast(pl.String, strict=False).fill_null("").str.head(_SHOWN)
            words = pl.format(
                "column '{}': {} ('{}')", pl.lit(rule.column), pl.lit(rule.reason), pl.col(plain.name)
            )
            reasons = plain.to_frame().select(words).to_series()
        self._fallen.append(pl.DataFrame({AT: at, "reason": reasons}))
        files, numbers = self.source.places(at.head(1))
        self._counts[rule.name] = {
            "count": len(at),
            "at": at[0],
            "file": files[0],
            "row": numbers[0],
            "reason": reasons[0],
        }
