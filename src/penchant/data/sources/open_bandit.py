# SPDX-License-Identifier: Apache-2.0
"""Open Bandit: impressions with positions, clicks and propensities of two policies in a fashion shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, CLICK, IMPRESSION, NUMBER, models
from penchant.data.sources.source import Package, PublicSource
from penchant.data.sources.tables import csv, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

POLICIES = ("random", "bts")
_SHOPPER = tuple(f"user_feature_{number}" for number in range(4))
_ITEM = tuple(f"item_feature_{number}" for number in range(1, 4))
_SHOWN = {
    "timestamp": pl.String,
    "item_id": pl.Int64,
    "position": pl.Int64,
    "click": pl.Int64,
    "propensity_score": pl.Float64,
    **dict.fromkeys(_SHOPPER, pl.String),
}


def convert(raw: Raw, out: Path) -> Run:
    """One event for each impression, of type `click` where it was clicked, else `impression`.

    There are no user ids: the four hashed features together name a segment of shoppers, which takes their place.
    """
    rows = pl.concat([_impressions(raw, policy) for policy in POLICIES])
    shopper = pl.concat_str(*(pl.col(name).fill_null("").str.slice(0, 8) for name in _SHOPPER), separator="-")
    rows = rows.with_columns(shopper.alias("user_id")).sort("time", maintain_order=True)
    write(rows.drop(_SHOPPER), out / "events.parquet")
    people = rows.select("user_id", *_SHOPPER).unique("user_id", keep="first", maintain_order=True)
    write(people, out / "users.parquet")
    # Both policies know the same items, but hash their features differently: those of the first are taken.
    parts = {"item_id": pl.Int64, "item_feature_0": pl.Float64, **dict.fromkeys(_ITEM, pl.String)}
    write(csv(_file(raw, POLICIES[0], "item_context.csv"), parts), out / "items.parquet")
    return {
        "data": {
            "events": {
                "path": "events.parquet", "time": "time", "type": "type", "position": "position",
                "propensity": "propensity",
                "context": {"policy": CATEGORY},
                "types": {"impression": IMPRESSION, "click": {**CLICK, "strength": 1.0}},
            },
            "items": {
                "path": "items.parquet", "columns": {"item_feature_0": NUMBER, **dict.fromkeys(_ITEM, CATEGORY)},
            },
            "users": {"path": "users.parquet", "columns": dict.fromkeys(_SHOPPER, CATEGORY)},
        },
        "evaluate": {"repeats": True},
        **models(),
    }  # fmt: skip


def _impressions(raw: Raw, policy: str) -> pl.LazyFrame:
    path = _file(raw, policy, f"{raw.variant}.parquet", f"{raw.variant}.csv")
    if path.suffix == ".parquet":
        rows = pl.scan_parquet(path).select(pl.col(name).cast(kind) for name, kind in _SHOWN.items())
    else:
        rows = csv(path, _SHOWN)
    plain = pl.col("timestamp").str.replace(r"\+00:00$", "")
    when = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    clicked = pl.when(pl.col("click") == 1).then(pl.lit("click")).otherwise(pl.lit("impression"))
    return rows.select(
        "item_id",
        time=when,
        type=clicked,
        position="position",
        propensity="propensity_score",
        policy=pl.lit(policy),
        **{name: pl.col(name) for name in _SHOPPER},
    )


def _file(raw: Raw, policy: str, *names: str) -> Path:
    """`random/all/all.csv` as published, or without the folder of the campaign."""
    ways = [f"{policy}/{middle}{name}" for name in names for middle in (f"{raw.variant}/", "")]
    found = raw.find(*ways)
    return next((found[way] for way in ways if way in found), None) or raw.need(ways[-2])[0]


SOURCE = PublicSource(
    title="Open Bandit Dataset, small version",
    licence="CC BY 4.0",
    citation=(
        "Yuta Saito, Shunsuke Aihara, Megumi Matsutani and Yusuke Narita. 2021. Open Bandit Dataset and Pipeline: "
        "Towards Realistic and Reproducible Off-Policy Evaluation. NeurIPS Datasets and Benchmarks. "
        "arXiv:2008.07146"
    ),
    size="in each campaign 10,000 impressions of either policy; 80 items in all, 34 for men, 46 for women",
    holds=(
        "What a uniformly random policy and a Bernoulli Thompson sampling policy showed, where (position 1 to 3), "
        "with which propensity, and whether it was clicked. There are no user ids: user_id is a segment of "
        "shoppers with equal features"
    ),
    page="https://research.zozo.com/data.html",
    convert=convert,
    by_hand="the folders random and bts of open_bandit_dataset.zip",
    package=Package(
        requirement="obp==0.4.1",
        checksum="sha256:87dec9caf4283c25ab13036532e0a24566f1c7bdcad1653a8ded43b2f5ef8208",
        licence="Apache-2.0",
    ),
    variants=("all", "men", "women"),
    variant="all",
)
