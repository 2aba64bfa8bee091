# SPDX-License-Identifier: Apache-2.0
"""The events that the peers are trained on; Penchant reads and splits them by its own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path


def train_events(folder: Path) -> pd.DataFrame:
    """All events but each user's last two, in order of time, ties in the file's order; items numbered from 0.

    A folder that `penchant data get` made of MovieLens-100K, or of MovieLens-1M: that may come in two parts, with
    each event's place among those of its user in place of a time.
    """
    whole = folder / "interactions.csv"
    if whole.exists():
        events = pd.read_csv(whole)
    else:
        parts = [pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test")]
        events = pd.concat(parts).rename(columns={"position": "timestamp"})
    events = events.sort_values("timestamp", kind="stable")
    events = events[events.groupby("user_id").cumcount(ascending=False) >= 2].reset_index(drop=True)
    events["item_id"] = events["item_id"].astype("category").cat.codes.astype("int64")
    return events
