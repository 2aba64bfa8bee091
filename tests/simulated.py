# SPDX-License-Identifier: Apache-2.0
"""What tests of the simulator measure on a shop."""

import polars as pl


def pulled(folder, days: int = 10) -> float:
    """How like clicked items are to what friends bought in the days before: mean product of the items' vectors."""
    events = pl.read_parquet(folder / "events" / "*.parquet").with_columns(pl.col("time").dt.date().alias("day"))
    vectors = pl.read_parquet(folder / "truth" / "items.parquet").select("item_id", pl.col("vector").arr.to_list())
    bought = (
        events.filter(pl.col("type") == "purchase").select("user_id", "item_id", "day").join(vectors, on="item_id")
    )
    clicks = (
        events.filter(pl.col("type") == "click").select("user_id", "item_id", "day").join(vectors, on="item_id")
    )
    friends = pl.read_parquet(folder / "social.parquet")
    pairs = (
        clicks.join(friends, on="user_id")
        .join(bought, left_on="friend_id", right_on="user_id", suffix="_bought")
        .filter((pl.col("day") - pl.col("day_bought")).dt.total_days().is_between(1, days))
    )
    return pairs.select((pl.col("vector") * pl.col("vector_bought")).list.sum().mean()).item()
