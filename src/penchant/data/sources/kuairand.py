# SPDX-License-Identifier: Apache-2.0
"""KuaiRand: short videos, with what was watched for how long, and some that were shown at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, CLICK, DISLIKE, ID, IMPRESSION, NUMBER, TIME, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import csv, first_of_each, merged, write, write_deeds
from penchant.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_PERIODS = ("standard_4_08_to_4_21", "standard_4_22_to_5_08", "random_4_22_to_5_08")
_ACTS = {"is_hate": "hate", "is_forward": "forward", "is_follow": "follow", "is_like": "like", "is_click": "click"}
"""What names an event: the first that holds. What none holds for is an `impression`."""
_LOG = {
    **dict.fromkeys(("user_id", "video_id", "time_ms", "play_time_ms", *_ACTS), pl.Int64),
    **dict.fromkeys(("is_rand", "tab"), pl.String),
}
_VIDEO = ("author_id", "video_type", "upload_dt", "upload_type", "music_id", "tag")
_PERSON = tuple(f"onehot_feat{number}" for number in range(18))


def convert(raw: Raw, out: Path) -> Run:
    """From the tar file. Statistics of the videos and activity of the users are left out: they hold the future."""
    size = raw.variant.lower()
    whole = [f"log_{period}_{size}.csv" for period in _PERIODS]
    parts = [name.replace(".csv", f"_part{number}.csv") for name in whole for number in (1, 2)]
    videos, people = f"video_features_basic_{size}.csv", f"user_features_{size}.csv"
    found = raw.find(*whole, *parts, videos, people)
    logs = [found[name] for name in (*whole, *parts) if name in found]
    if not logs or videos not in found:
        raise DataError(f"There is no {whole[0]} and no {videos}, which belong to this set")
    rows = merged(logs, _LOG)
    kind = pl.coalesce(
        *(pl.when(pl.col(flag) == 1).then(pl.lit(name)) for flag, name in _ACTS.items()), pl.lit("impression")
    )
    events = rows.select(
        "user_id",
        item_id="video_id",
        time="time_ms",
        type=kind,
        dwell=pl.col("play_time_ms") / 1000,
        tab="tab",
        random="is_rand",
    )
    write_deeds(events, out)
    parts_of = {"video_id": pl.Int64, **dict.fromkeys(_VIDEO, pl.String), "video_duration": pl.Float64}
    items = csv(found[videos], parts_of).rename({"video_id": "item_id", "upload_dt": "uploaded"})
    write(first_of_each(items, "item_id"), out / "items.parquet")
    data: Run = {
        "events": {
            "path": "events.parquet", "time": "time", "time_unit": "ms", "type": "type", "dwell": "dwell",
            "context": {"tab": CATEGORY, "random": CATEGORY},
            "types": {
                "impression": IMPRESSION, "click": CLICK, "like": {"meaning": "like"},
                "follow": {"meaning": "like"}, "forward": {"meaning": "share"}, "hate": DISLIKE,
            },
        },
        "items": {
            "path": "items.parquet",
            "columns": {
                "author_id": ID, "music_id": ID, "video_type": CATEGORY, "upload_type": CATEGORY, "uploaded": TIME,
                "video_duration": NUMBER, "tag": {"kind": "tags", "separator": ","},
            },
        },
    }  # fmt: skip
    if people in found:
        persons = csv(found[people], {"user_id": pl.Int64, **dict.fromkeys(_PERSON, pl.String)})
        write(first_of_each(persons, "user_id"), out / "users.parquet")
        data["users"] = {"path": "users.parquet", "columns": dict.fromkeys(_PERSON, CATEGORY)}
    return {"data": data, **models(many_items=True)}


SOURCE = PublicSource(
    title="KuaiRand",
    licence="CC BY-SA 4.0",
    citation=(
        "Chongming Gao, Shijun Li, Yuan Zhang and others. 2022. KuaiRand: An Unbiased Sequential Recommendation "
        "Dataset with Randomly Exposed Videos. CIKM. https://doi.org/10.1145/3511808.3557624"
    ),
    size="Pure: 27,285 users, 7,551 videos, 1.4 million events; 1K: 11.7 million; 27K: 322 million events",
    holds=(
        "What was shown, how long it was watched, clicks, likes, follows, forwards and dislikes with "
        "milliseconds; which videos were shown at random; videos with author, music, tag and length. Left out: "
        "statistics of the videos and activity of the users, which hold the future"
    ),
    page="https://kuairand.com",
    convert=convert,
    by_hand="KuaiRand-Pure.tar.gz (or 1K, 27K)",
    downloads=(Download(url="https://zenodo.org/records/10439422/files/KuaiRand-{variant}.tar.gz"),),
    variants=("Pure", "1K", "27K"),
    variant="Pure",
)
