# SPDX-License-Identifier: Apache-2.0
"""What the run file says of cleaning, and the columns of the quarantine."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import polars as pl

from penchant.data.rules.rule import AT
from penchant.data.rules.table import Chosen, configs

__all__ = ["AT", "QUARANTINE", "ChecksConfig"]

QUARANTINE = {
    "table": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
    "rule": pl.String(),
    "reason": pl.String(),
    "row_json": pl.String(),
}
"""Columns of the quarantine.

`row` counts data rows of the file from 1, `rule` names what the row broke, `row_json` is what was read of it.
"""


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
