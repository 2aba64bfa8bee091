# SPDX-License-Identifier: Apache-2.0
"""Rushes, holes, midnight, machines and sudden fame are told; a steady log is not."""

import numpy as np
import polars as pl

import looks
from logs import log
from looks import DAY, steady
from penchant.profile import counts, rhythm


def found(view):
    sized = counts.sizes(view)
    looked = (rhythm.of_days, rhythm.of_clock, rhythm.of_speed, rhythm.of_popularity)
    return {one.title: one for look in looked for one in look(view, sized)}


def joined(*tables):
    whole = pl.concat(tables)
    return whole.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("_at"))


def test_nothing_is_told_of_a_steady_log():
    assert found(looks.view(steady(days=100))) == {}


def test_without_a_clock_there_is_no_rhythm():
    assert found(looks.view(log(time=[0] * 500), has_time=False)) == {}


def test_a_rush():
    rush = log(seconds=[30 * DAY + 60 * k for k in range(200)], user_id=[f"r{k}" for k in range(200)])
    told = found(looks.view(joined(steady(), rush)))
    assert told["A day with far more events than usual"].words == "1970-01-31 has 210; the median of days is 10."
    again = log(seconds=[40 * DAY + 60 * k for k in range(150)], user_id=[f"s{k}" for k in range(150)])
    told = found(looks.view(joined(steady(), rush, again)))
    assert told["A day with far more events than usual"].words.endswith("There are 1 more such days.")


def test_a_hole():
    events = steady().filter(~pl.col("time").is_between(20 * DAY * 1e6, 25 * DAY * 1e6))
    told = found(looks.view(events))["Days without any event"]
    assert told.words == "5 of 60 days; the longest gap is 5 days from 1970-01-21."


def test_a_week_is_too_short_for_both():
    assert found(looks.view(steady(days=7))) == {}


def test_dates_without_times():
    events = steady().with_columns(pl.col("time") // 86_400_000_000 * 86_400_000_000)
    assert found(looks.view(events))["Times are dates only"].level == "warn"
    some = events.with_columns(
        pl.when(pl.col("_at") % 3 == 0).then(pl.col("time") + 1).otherwise("time").alias("time")
    )
    assert found(looks.view(some))["Most times are midnight"].words.startswith("67%")


def test_baskets():
    events = joined(steady(), steady().with_columns(pl.lit("other").alias("item_id")))
    assert found(looks.view(events))["Many events share a moment"].words.startswith("100% of events")


def test_machines():
    beat = log(
        seconds=np.arange(500) * 30.0 + 5 * DAY, user_id=["m"] * 500, item_id=[f"i{k % 15}" for k in range(500)]
    )
    told = found(looks.view(joined(steady(days=200), beat)))
    assert told["Users who cannot be people"].words == (
        "1 users with 600 events are faster or more regular than a person."
        if "m" in steady()["user_id"].to_list()
        else "1 users with 500 events are faster or more regular than a person."
    )


def test_double_clicks():
    again = steady().with_columns(pl.col("time") + 1_000_000)
    told = found(looks.view(joined(steady(), again)))["Events that are nearly doubled"]
    assert told.words.startswith("600 events (50.0%)")


def test_some_users_stand_for_all():
    again = steady().with_columns(pl.col("time") + 1_000_000)
    view = looks.view(joined(steady(), again), sample=400)
    events, step = view.some_users
    assert step == 3
    some = events.collect()
    whole = view.events.collect()
    assert 0 < some["user_id"].n_unique() < 20
    assert some.height == whole.filter(pl.col("user_id").is_in(some["user_id"].unique().implode())).height
    assert found(view)["Events that are nearly doubled"].words.endswith("(looked for among one user in 3).")


def fame(**kwargs):
    fans = [f"f{k}" for k in range(200)]
    hit = log(seconds=[35 * DAY + 600 * k for k in range(200)], item_id=["i0"] * 200, user_id=fans)
    return looks.view(joined(steady(days=100, each=30), hit), **kwargs)


def test_sudden_fame():
    told = found(fame())["Items whose popularity jumps"]
    assert told.level == "note"
    assert told.words.startswith("1 of the 15 most popular items. i0: ")
    items = pl.DataFrame({"item_id": [f"i{k}" for k in range(15)], "name": ["Hit"] + ["x"] * 14})
    view = looks.view(fame().events.collect().with_row_index("_at"), items, title="name")
    assert "Hit: " in found(view)["Items whose popularity jumps"].words
