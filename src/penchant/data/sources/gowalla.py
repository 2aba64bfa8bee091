# SPDX-License-Identifier: Apache-2.0
"""Gowalla: check-ins at places, and friends (SNAP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import NUMBER, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import first_of_each, headless, lines, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_CHECKINS = "loc-gowalla_totalCheckins.txt"
_FRIENDS = "loc-gowalla_edges.txt"
_SEQUENCES = "train.txt"
_VISIT = {"check-in": {"meaning": "view"}}


def convert(raw: Raw, out: Path) -> Run:
    """From SNAP's two files, or from lines of `user item item ...` as papers split it."""
    if sequences := raw.find(_SEQUENCES):
        return _convert_sequences(sequences[_SEQUENCES], out)
    checkins, friends = raw.need(_CHECKINS, _FRIENDS)
    where = {"latitude": pl.Float64, "longitude": pl.Float64}
    heads = {"user_id": pl.Int64, "time": pl.String, **where, "item_id": pl.Int64}
    rows = headless(checkins, heads)
    when = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False)
    write(rows.select("user_id", "item_id", when), out / "events.parquet")
    write(first_of_each(rows.select("item_id", *where), "item_id"), out / "items.parquet")
    write(headless(friends, {"user_id": pl.Int64, "friend_id": pl.Int64}), out / "social.parquet")
    return {
        "data": {
            "events": {"path": "events.parquet", "time": "time", "default_type": "check-in", "types": _VISIT},
            "items": {"path": "items.parquet", "columns": dict.fromkeys(where, NUMBER)},
            "social": {"path": "social.parquet"},
            "checks": {"min_user_events": 10, "min_item_events": 10},
        },
        **models(many_items=True),
    }


def _convert_sequences(path: Path, out: Path) -> Run:
    """Visits without times: their order in the line is all that is known."""
    visits = lines(path).select(pl.col("line").str.strip_chars().str.split(" "))
    rows = visits.select(
        pl.col("line").list.first().alias("user_id"), pl.col("line").list.slice(1).alias("item_id")
    ).explode("item_id")
    write(rows.cast(pl.Int64, strict=False).drop_nulls(), out / "events.parquet")
    events = {"path": "events.parquet", "default_type": "check-in", "types": _VISIT}
    return {"data": {"events": events, "split": {"kind": "leave_last_out"}}, **models(many_items=True)}


SOURCE = PublicSource(
    title="Gowalla check-ins",
    licence="The publisher names no licence: for research, with acknowledgement",
    citation=(
        "Eunjoon Cho, Seth A. Myers and Jure Leskovec. 2011. Friendship and Mobility: User Movement in "
        "Location-Based Social Networks. KDD"
    ),
    size="107,092 users with check-ins, 1,280,969 places, 6,442,890 check-ins, 950,327 friendships",
    holds="Check-ins with their seconds; where each place lies; who is whose friend (196,591 people)",
    page="https://snap.stanford.edu/data/loc-Gowalla.html",
    convert=convert,
    by_hand=f"{_CHECKINS}.gz and {_FRIENDS}.gz",
    downloads=(
        Download(url=f"https://snap.stanford.edu/data/{_CHECKINS}.gz"),
        Download(url=f"https://snap.stanford.edu/data/{_FRIENDS}.gz"),
    ),
)
