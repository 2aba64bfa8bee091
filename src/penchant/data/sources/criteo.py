# SPDX-License-Identifier: Apache-2.0
"""Criteo Attribution Modeling for Bidding: a month of advertisements that were shown, clicked, and led to sales.

Of Criteo's public logs this is the one with users, things that are shown (campaigns) and times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, CLICK, IMPRESSION, PURCHASE, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import csv, write_deeds

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_FILE = "criteo_attribution_dataset.tsv"
_CATEGORIES = tuple(f"cat{number}" for number in range(1, 10))
_COLUMNS = {
    **dict.fromkeys(("timestamp", "uid", "campaign", "click", "conversion_timestamp", "conversion_id"), pl.Int64),
    **dict.fromkeys(_CATEGORIES, pl.String),
}


def convert(raw: Raw, out: Path) -> Run:
    """One event for each impression, and one for each conversion, at its own time.

    A row says of an impression whether a sale came later; that is the future, and so no column of it. A conversion
    belongs to the campaign of the last impression before it.
    """
    found = raw.find(_FILE)
    path = found.get(_FILE) or raw.inside(f"{_FILE}.gz").need(_FILE)[0]
    rows = csv(path, _COLUMNS, separator="\t").rename({"uid": "user_id", "campaign": "item_id"})
    clicked = pl.when(pl.col("click") == 1).then(pl.lit("click")).otherwise(pl.lit("impression"))
    shown = rows.select(
        "user_id", "item_id", pl.col("timestamp").alias("time"), clicked.alias("type"), *_CATEGORIES
    )
    sales = rows.filter(pl.col("conversion_id") >= 0).unique("conversion_id", keep="last", maintain_order=True)
    sold = sales.select(
        "user_id",
        "item_id",
        pl.col("conversion_timestamp").alias("time"),
        pl.lit("conversion").alias("type"),
        *_CATEGORIES,
    )
    write_deeds(pl.concat([shown, sold]), out)
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "time_unit": "s", "type": "type",
                "context": dict.fromkeys(_CATEGORIES, CATEGORY),
                "types": {"impression": IMPRESSION, "click": CLICK, "conversion": PURCHASE},
            },
            "checks": {"min_user_events": 3},
        },
        "evaluate": {"repeats": True},
        **models(),
    }  # fmt: skip


SOURCE = PublicSource(
    title="Criteo Attribution Modeling for Bidding",
    licence="CC BY-NC-SA 4.0",
    citation=(
        "Eustache Diemert, Julien Meynet, Pierre Galland and Damien Lefortier. 2017. Attribution Modeling "
        "Increases Efficiency of Bidding in Display Advertising. AdKDD & TargetAd, KDD. arXiv:1707.06409"
    ),
    size="6.1 million users, 675 campaigns, 16.5 million impressions in 30 days",
    holds=(
        "Impressions and clicks of campaigns, and conversions at their own times, in seconds since the log began; "
        "nine anonymous categories of the moment. Left out: cost, and all that a row tells of what came after it. "
        "Not the logs for display advertising or uplift, which have no users"
    ),
    page="https://ailab.criteo.com/criteo-attribution-modeling-bidding-dataset/",
    convert=convert,
    by_hand=f"criteo-research-attribution-dataset.zip, or {_FILE}.gz",
    downloads=(Download(url="http://go.criteo.net/criteo-research-attribution-dataset.zip"),),
    must_accept=True,
)
