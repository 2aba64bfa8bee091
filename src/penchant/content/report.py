# SPDX-License-Identifier: Apache-2.0
"""Which pieces of content could not be used as they are, and why: a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.artefact import writing

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "column": pl.String,
    "item_id": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "absent": pl.Boolean,
}
"""`absent` is false where a part could be used, such as the beginning of a text that was too long."""

_SHOWN = 200
"""Characters of a value."""


class ContentReport:
    """Collects what was found; the same finding counts once, however often its column is encoded."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], tuple[str, bool]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, column: str, item: object, value: object, reason: str, *, absent: bool) -> None:
        """One more finding."""
        shown = f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)[:_SHOWN]
        self._rows[column, str(item), shown] = (reason, absent)

    def table(self) -> pl.DataFrame:
        """One row for each finding, in the columns of `COLUMNS`."""
        rows = [(*key, *said) for key, said in self._rows.items()]
        return pl.DataFrame(rows, schema=COLUMNS, orient="row")

    def write(self, path: Path) -> None:
        """Put the table at `path` (Parquet) in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        with writing(path):
            self.table().write_parquet(draft)
            draft.replace(path)

    def summary(self) -> list[str]:
        """A line for each column that has findings: how many, and the most frequent reason."""
        found = self.table().group_by("column", maintain_order=True).agg(
            pl.len(), pl.col("absent").sum(), pl.col("reason").mode(maintain_order=True).first()
        )  # fmt: skip
        return [
            f"{column}: {count:,} could not be used as they are, {absent:,} not at all (most often: {reason})"
            for column, count, absent, reason in found.iter_rows()
        ]
