# SPDX-License-Identifier: Apache-2.0
"""What the run file says of cleaning, and the columns of the quarantine."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import polars as pl

AT = "_at"
"""Column of a table under check: the row's position in its `Source`."""

QUARANTINE = {
    "table": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
    "reason": pl.String(),
    "row_json": pl.String(),
}
"""Columns of the quarantine: `row` counts data rows of the file from 1, `row_json` is what was read of it."""


class ChecksConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.checks]`."""

    max_bad_fraction: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """More unusable rows of one table than this are an error (duplicates do not count)."""
    duplicates: Literal["refuse", "keep"] = "refuse"
    """What becomes of an event that equals an earlier one in user, item, time, type and value."""
    min_user_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Leave out users with fewer events; with `min_item_events`, over and over until nothing changes."""
    min_item_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Leave out items with fewer events."""
