# SPDX-License-Identifier: Apache-2.0
"""Small tables of events, and the shortest engine that lets rules work on one."""

import polars as pl

from penchant.data.rules.rule import AT, FALLEN
from penchant.schema import MICROSECONDS

KINDS = {
    "user_id": pl.String,
    "item_id": pl.String,
    "time": pl.Int64,
    "type": pl.String,
    "value": pl.Float64,
    "dwell": pl.Float64,
    "amount": pl.Float64,
    "quantity": pl.Float64,
    "session": pl.String,
    "position": pl.Int64,
    "propensity": pl.Float64,
}


def log(**columns):
    """Events with the canonical columns; `seconds` stands for `time`, and what is absent is the same in every
    row."""
    if "seconds" in columns:
        columns["time"] = [round(second * MICROSECONDS) for second in columns.pop("seconds")]
    length = max(len(cells) for cells in columns.values())
    usual = {
        "user_id": ["u"] * length,
        "item_id": ["i"] * length,
        "time": list(range(length)),
        "type": ["event"] * length,
        "value": [None] * length,
    }
    table = pl.DataFrame(
        usual | columns, schema_overrides={k: v for k, v in KINDS.items() if k in usual | columns}
    )
    return table.insert_column(0, pl.int_range(length, dtype=pl.Int64, eager=True).alias(AT))


def sift(rules, events):
    """What is left when each rule in turn has spoken, and {row: reason} of what fell."""
    fallen = {}
    kept = events
    for rule in rules:
        said = rule.broken(kept.sort("time", AT).lazy()).collect()
        assert dict(said.schema) == FALLEN
        assert said[AT].is_unique().all()
        assert said[AT].is_in(kept[AT].implode()).all()
        assert said["reason"].null_count() == 0
        fallen |= dict(said.rows())
        kept = kept.filter(~pl.col(AT).is_in(said[AT].implode()))
    assert kept.height + len(fallen) == events.height
    return kept, fallen


def fell(rule, events):
    """The rows that one rule refuses, in order."""
    return sorted(sift([rule], events)[1])
