# SPDX-License-Identifier: Apache-2.0
"""The public data sets that can be got by name: one row for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.data.sources import (
    amazon,
    complete_journey,
    criteo,
    gowalla,
    hm,
    kuairand,
    mind,
    movielens,
    movielens_100k,
    online_retail,
    open_bandit,
    otto,
    retailrocket,
    steam,
    ta_feng,
    tiktok,
    yelp,
)

if TYPE_CHECKING:
    from penchant.data.sources.source import PublicSource

SOURCES: dict[str, PublicSource] = {
    "movielens-100k": movielens_100k.SOURCE,
    "movielens-1m": movielens.ML_1M,
    "movielens-20m": movielens.ML_20M,
    "movielens-latest-small": movielens.ML_LATEST_SMALL,
    "amazon-reviews-2023": amazon.SOURCE,
    "complete-journey": complete_journey.SOURCE,
    "criteo": criteo.SOURCE,
    "gowalla": gowalla.SOURCE,
    "h-and-m": hm.SOURCE,
    "kuairand": kuairand.SOURCE,
    "mind": mind.SOURCE,
    "online-retail": online_retail.SOURCE,
    "open-bandit": open_bandit.SOURCE,
    "otto": otto.SOURCE,
    "retailrocket": retailrocket.SOURCE,
    "steam": steam.SOURCE,
    "ta-feng": ta_feng.SOURCE,
    "tiktok": tiktok.SOURCE,
    "yelp": yelp.SOURCE,
}
