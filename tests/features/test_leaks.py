# SPDX-License-Identifier: Apache-2.0
"""Columns that know the future are named and refused; innocent ones, however popular, are not."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant import recipe
from penchant.config import RunConfig
from penchant.data.dataset import Dataset
from penchant.errors import DataError
from penchant.features.leaks import refuse_leaks
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, Column, IdType, Kind, Schema

USERS, ITEMS, EVENTS = 400, 600, 30_000
INNOCENT = {
    "popular_so_far": Kind.NUMBER,
    "mean_so_far": Kind.NUMBER,
    "quality": Kind.CATEGORY,
    "noise": Kind.NUMBER,
    "genres": Kind.TAGS,
    "released": Kind.TIME,
}


@cache
def shop():
    """(events, items, users): items of lasting popularity that drifts, and values that depend on the item."""
    random = np.random.default_rng(0)
    place = np.arange(EVENTS)
    early, late = random.gamma(0.7, size=ITEMS), random.gamma(0.7, size=ITEMS)
    early, late = early / early.sum(), (early + 0.3 * late) / (early + 0.3 * late).sum()
    items = np.where(
        place < EVENTS * 0.6, random.choice(ITEMS, EVENTS, p=early), random.choice(ITEMS, EVENTS, p=late)
    )
    liking = random.normal(3, 1, ITEMS)
    busy = random.gamma(1.0, size=USERS)
    events = pl.DataFrame(
        {
            USER: random.choice(USERS, EVENTS, p=busy / busy.sum()),
            ITEM: items,
            TIME: place.astype(np.int64) * 10**9,
            TYPE: pl.Series(["view"] * EVENTS),
            VALUE: np.round(np.clip(random.normal(liking[items], 1), 1, 5)),
        }
    )
    known = events.head(EVENTS * 8 // 10)
    table = pl.DataFrame({ITEM: np.arange(ITEMS)})
    for one, name in ((events, ""), (known, "_so_far")):
        table = table.join(
            one.group_by(ITEM).agg(
                pl.len().cast(pl.Float64).alias(f"popular{name}"), pl.col(VALUE).mean().alias(f"mean{name}")
            ),
            on=ITEM,
            how="left",
        )
    hidden = events.tail(EVENTS * 2 // 10)[ITEM]
    often = np.bincount(hidden.to_numpy(), minlength=ITEMS)
    table = table.with_columns(
        quality=pl.Series(np.digitize(liking, [2, 3, 4])).cast(pl.String),
        noise=pl.Series(random.normal(size=ITEMS)),
        genres=pl.Series([[f"g{n % 7}", f"g{n % 3}"] for n in range(ITEMS)]),
        released=pl.Series(random.integers(0, 10**12, ITEMS)),
        next_month=pl.Series(often.astype(np.float64)),
        tier=pl.Series(np.digitize(often, np.quantile(often, [0.2, 0.4, 0.6, 0.8]))).cast(pl.String),
        last_sold=pl.Series([None] * ITEMS, dtype=pl.Int64),
        awards=pl.Series(
            [["loved"] * bool(n > 20) + ["liked"] * bool(n > 8) + ["seen"] * bool(n > 3) for n in often]
        ),
    )
    last = events.group_by(ITEM).agg(pl.col(TIME).max().alias("last_sold"))
    table = table.drop("last_sold").join(last, on=ITEM, how="left")
    total = events.group_by(USER).agg(pl.len().cast(pl.Float64).alias("visits"))
    people = pl.DataFrame({USER: np.arange(USERS)}).join(total, on=USER, how="left")
    return events, table, people.with_columns(age=pl.Series(random.normal(40, 10, USERS)))


def dataset(items=(), users=(), context=(), events=None):
    whole, table, people = shop()
    schema = Schema(
        user_id=IdType.INTEGER,
        item_id=IdType.INTEGER,
        items={name: Column(kind=kind) for name, kind in dict(items).items()},
        users={name: Column(kind=kind) for name, kind in dict(users).items()},
        context={name: Column(kind=kind) for name, kind in dict(context).items()},
        event_types=("view",),
        has_value=True,
    )
    return Dataset(
        name="shop", schema=schema, events=whole if events is None else events, items=table, users=people
    )


def check(data, **choices):
    cut = EVENTS * 8 // 10
    refuse_leaks(data, data.events.head(cut), data.events.slice(cut), **choices)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("popular", Kind.NUMBER),
        ("mean", Kind.NUMBER),
        ("next_month", Kind.NUMBER),
        ("tier", Kind.CATEGORY),
        ("awards", Kind.TAGS),
        ("last_sold", Kind.TIME),
    ],
)
def test_a_column_of_items_that_knows_the_future_is_refused(name, kind):
    with pytest.raises(DataError, match=rf"column '{name}' of items tells .* \(\d+% .*leave_out = \[\"{name}\"\]"):
        check(dataset(items=INNOCENT | {name: kind}))


def test_a_column_of_users_too():
    with pytest.raises(DataError, match="column 'visits' of users tells how much comes later"):
        check(dataset(users={"age": Kind.NUMBER, "visits": Kind.NUMBER}))


def test_innocent_columns_pass_the_popular_ones_too():
    check(dataset(items=INNOCENT, users={"age": Kind.NUMBER}))


@pytest.mark.parametrize("choices", [{"leave_out": ["popular"]}, {"trust": ["popular"]}])
def test_the_ways_out(choices):
    check(dataset(items={"popular": Kind.NUMBER}), **choices)


def test_with_nothing_hidden_or_too_little_nothing_can_be_said():
    data = dataset(items={"next_month": Kind.NUMBER})
    refuse_leaks(data, data.events, data.events.clear())
    few = data.events.filter(pl.col(ITEM) < 200)
    refuse_leaks(data, few.head(2000), few.slice(2000))


def with_context(**columns):
    events = shop()[0].sort(TIME)
    return events.with_columns(**columns)


NEXT = pl.col(ITEM).shift(-1).over(USER)


@pytest.mark.parametrize(
    ("kind", "column", "what"),
    [
        (Kind.NUMBER, pl.col(ITEM).cast(pl.Float64), "the item itself"),
        (Kind.CATEGORY, pl.format("page/{}", ITEM), "the item itself"),
        (Kind.CATEGORY, NEXT.cast(pl.String), "the next item"),
        (Kind.ID, pl.format("to {}", NEXT), "the next item"),
        (Kind.NUMBER, pl.col(VALUE) * 2 + 1, "the value of the event"),
        (Kind.CATEGORY, pl.format("{} stars", VALUE), "the value of the event"),
        (Kind.TIME, pl.col(TIME).shift(-1).over(USER), "when the next event comes"),
    ],
)
def test_an_answer_is_no_context(kind, column, what):
    events = with_context(said=column)
    with pytest.raises(DataError, match=f"column 'said' of events tells {what}"):
        check(dataset(context={"said": kind}, events=events))
    check(dataset(context={"said": kind}, events=events), leave_out=["said"])


def test_an_outcome_of_several_types():
    events = with_context(paid=pl.when(pl.col(TIME) // 10**9 % 3 == 0).then(pl.lit("yes")).otherwise(pl.lit("no")))
    events = events.with_columns(pl.when(pl.col("paid") == "yes").then(pl.lit("buy")).otherwise(TYPE).alias(TYPE))
    with pytest.raises(DataError, match="tells the type of the event"):
        check(dataset(context={"paid": Kind.CATEGORY}, events=events))


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        (Kind.CATEGORY, pl.format("d{}", pl.col(TIME) // 10**9 % 3)),
        (Kind.CATEGORY, pl.format("user {}", USER)),
        (Kind.ID, pl.format("visit {}", pl.int_range(pl.len()) // 3)),
        (Kind.ID, pl.format("{}", pl.int_range(pl.len()))),
        (Kind.CATEGORY, pl.format("genre {}", pl.col(ITEM) % 7)),
        (Kind.NUMBER, (pl.col(ITEM) * 37 % 101).cast(pl.Float64)),
        (Kind.TIME, pl.col(TIME) - 5),
        (Kind.TAGS, pl.concat_list(pl.lit("x"))),
        (Kind.NUMBER, pl.lit(None, pl.Float64)),
    ],
)
def test_context_proper_passes(kind, column):
    check(dataset(context={"said": kind}, events=with_context(said=column)))


def test_a_run_is_refused_before_any_work(tmp_path):
    events, items, _ = shop()
    events.select(USER, ITEM, VALUE, when=pl.col(TIME) // 10**6 + 10**9).write_csv(tmp_path / "events.csv")
    items.select(ITEM, "popular").write_csv(tmp_path / "items.csv")
    text = """
        [model]
        kind = "popularity"
        [data]
        name = "shop"
        [data.events]
        path = "events.csv"
        time = "when"
        value = "value"
        [data.items]
        path = "items.csv"
        columns = { popular = { kind = "number" } }
    """
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(DataError, match="'popular' of items tells how much comes later"):
        recipe.train(RunConfig.load(tmp_path / "run.toml"), tmp_path / "artefacts")
    assert not (tmp_path / "artefacts" / "runs").exists()
    (tmp_path / "run.toml").write_text(text + '\n[features]\nleave_out = ["popular"]\n')
    recipe.ingest(RunConfig.load(tmp_path / "run.toml"), tmp_path / "artefacts")


@pytest.mark.skipif("PENCHANT_DATA" not in os.environ, reason="PENCHANT_DATA is not set")
def test_movielens_passes_with_all_its_columns():
    folder = Path(os.environ["PENCHANT_DATA"]) / "movielens-100k"
    if not folder.exists():
        pytest.skip("no movielens-100k there")
    events = pl.read_csv(folder / "interactions.csv").select(
        USER,
        ITEM,
        pl.col("timestamp").alias(TIME) * 10**6,
        pl.lit("rating").alias(TYPE),
        pl.col("rating").cast(pl.Float64).alias(VALUE),
    )
    events = events.sort(TIME, maintain_order=True)
    items = pl.read_csv(folder / "items.csv", infer_schema_length=None).with_columns(
        pl.col("genres").str.split("|"), year=pl.col("release_date").str.slice(-4).cast(pl.Float64, strict=False)
    )
    kinds = dict.fromkeys(("director", "writer", "language", "country", "rated"), Kind.CATEGORY)
    kinds |= {"genres": Kind.TAGS, "year": Kind.NUMBER, "imdb_id": Kind.NUMBER, "tmdb_id": Kind.NUMBER}
    schema = Schema(
        user_id=IdType.INTEGER,
        item_id=IdType.INTEGER,
        items={name: Column(kind=kind) for name, kind in kinds.items()},
        users={"age": Column(kind=Kind.NUMBER)}
        | dict.fromkeys(("gender", "occupation", "zip_code"), Column(kind=Kind.CATEGORY)),
        has_value=True,
    )
    users = pl.read_csv(folder / "users.csv")
    data = Dataset(name="movielens", schema=schema, events=events, items=items, users=users)
    for cut in (80_000, 90_000):
        refuse_leaks(data, events.head(cut), events.slice(cut))
    last = pl.col(TIME).rank("ordinal", descending=True).over(USER) <= 2
    refuse_leaks(data, events.filter(~last), events.filter(last))
    total = events.group_by(ITEM).agg(pl.len().cast(pl.Float64).alias("total"))
    leaky = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, items={"total": Column(kind=Kind.NUMBER)})
    data = Dataset(name="m", schema=leaky, events=events, items=items.join(total, on=ITEM), users=users)
    with pytest.raises(DataError, match="'total' of items"):
        refuse_leaks(data, events.head(80_000), events.slice(80_000))
