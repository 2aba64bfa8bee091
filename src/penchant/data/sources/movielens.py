# SPDX-License-Identifier: Apache-2.0
"""MovieLens 1M, 20M and latest-small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources import movielens_100k
from penchant.data.sources.runfile import CATEGORY, NUMBER, RATING, TEXT, models
from penchant.data.sources.source import Download, PublicSource
from penchant.data.sources.tables import csv, headless, write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

OCCUPATIONS = (
    "other", "educator", "artist", "clerical", "student", "customer service", "doctor", "executive", "farmer",
    "homemaker", "pupil", "lawyer", "programmer", "retired", "sales", "scientist", "self-employed", "technician",
    "tradesman", "unemployed", "writer",
)  # fmt: skip
"""What the numbers in the publisher's `users.dat` mean, in short."""

_GENRES = {"kind": "tags", "separator": "|"}
_CODES = [str(number) for number in range(len(OCCUPATIONS))]
_PERSON = (
    pl.col("user_id", "age").cast(pl.Int64, strict=False),
    pl.col("occupation").replace_strict(_CODES, list(OCCUPATIONS), default=None),
)
_YEAR = pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int64, strict=False).alias("year")
_WORDS = pl.when(pl.col("genres") != "(no genres listed)").then("genres").alias("genres")
_LICENCE = movielens_100k.SOURCE.licence


def convert_1m(raw: Raw, out: Path) -> Run:
    """From the publisher's archive, or from a ready split in Parquet without stars or times."""
    ready = raw.find("interactions.parquet", "items.csv", "users.csv")
    if "interactions.parquet" in ready:
        return _convert_ready(ready, out)
    events, items, users = raw.need("ratings.dat", "movies.dat", "users.dat")
    # With ":" between cells, every second cell of `1::1193::5::978300760` is empty. Titles have their own colons.
    parts = {"user_id": pl.Int64, "_1": pl.String, "item_id": pl.Int64, "_2": pl.String, "value": pl.Float64}
    rows = headless(events, {**parts, "_3": pl.String, "time": pl.Int64}, separator=":")
    write(rows.select("user_id", "item_id", "time", "value"), out / "events.parquet")
    text = items.read_text("latin1").splitlines()
    films = pl.LazyFrame({"line": text}).select(
        pl.col("line").str.extract(r"^(\d+)::").cast(pl.Int64).alias("item_id"),
        pl.col("line").str.extract(r"^\d+::(.*)::").alias("title"),
        pl.col("line").str.extract(r"::([^:]*)$").alias("genres"),
    )
    write(films.with_columns(_YEAR, _WORDS), out / "items.parquet")
    heads = ("user_id", "_1", "gender", "_2", "age", "_3", "occupation", "_4", "zip_code")
    people = headless(users, dict.fromkeys(heads, pl.String), separator=":")
    people = people.select("user_id", "gender", "age", "occupation", "zip_code").with_columns(_PERSON)
    write(people, out / "users.parquet")
    run = _run("users.parquet")
    run["data"]["users"]["columns"] = {"age": NUMBER, "gender": CATEGORY, "occupation": CATEGORY}
    return run


def _convert_ready(found: dict[str, Path], out: Path) -> Run:
    """Events with a position in place of a time, and the part that they belong to."""
    rows = pl.scan_parquet(found["interactions.parquet"])
    parts = {"train": "train", "valid": "test"}
    for part, name in parts.items():
        write(rows.filter(pl.col("split") == part).drop("split"), out / f"{name}.parquet")
    events = {f"{part}": f"{part}.parquet" for part in parts.values()}
    run: Run = {"data": {"events": {**events, "time": "position", "time_unit": "order"}}, **models()}
    run["data"]["split"] = {"kind": "given"}
    if "items.csv" in found:
        columns = ("movie_id", "title", "genres", "Plot")
        items = csv(found["items.csv"], dict.fromkeys(columns, pl.String)).rename(
            {"movie_id": "item_id", "Plot": "plot"}
        )
        write(items.with_columns(pl.col("item_id").cast(pl.Int64), _YEAR, _WORDS), out / "items.parquet")
        run["data"]["items"] = _films({"plot": TEXT})
    if "users.csv" in found:
        columns = ("user_id", "gender", "age", "occupation")
        rows = csv(found["users.csv"], dict.fromkeys(columns, pl.String))
        write(rows.with_columns(_PERSON), out / "users.parquet")
        people = {"age": NUMBER, "gender": CATEGORY, "occupation": CATEGORY}
        run["data"]["users"] = {"path": "users.parquet", "columns": people}
    return run


def convert_csv(raw: Raw, out: Path) -> Run:
    """From the archives of 2015 and later. What people tagged is left out: it came after the films."""
    events, items = raw.need("ratings.csv", "movies.csv")
    rows = csv(events, {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64})
    names = {"userId": "user_id", "movieId": "item_id", "timestamp": "time", "rating": "value"}
    write(rows.rename(names), out / "events.parquet")
    films = csv(items, {"movieId": pl.Int64, "title": pl.String, "genres": pl.String})
    write(films.rename({"movieId": "item_id"}).with_columns(_YEAR, _WORDS), out / "items.parquet")
    return _run(None)


def _films(more: dict[str, dict[str, str]]) -> dict[str, object]:
    return {"path": "items.parquet", "title": "title", "columns": {"genres": _GENRES, "year": NUMBER, **more}}


def _run(users: str | None) -> Run:
    events = {"path": "events.parquet", "time": "time", "time_unit": "s", "value": "value"}
    data: Run = {
        "events": {**events, "default_type": "rating", "types": {"rating": RATING}},
        "items": _films({}),
    }
    if users:
        data["users"] = {"path": users}
    return {"data": data, **models(many_items=not users)}


ML_1M = PublicSource(
    title="MovieLens 1M",
    licence=_LICENCE,
    citation=movielens_100k.SOURCE.citation,
    size="6,040 users, 3,706 films, 1,000,209 ratings",
    holds="Ratings with their seconds; films with title, year and genres; people with age, gender and occupation",
    page="https://grouplens.org/datasets/movielens/1m/",
    convert=convert_1m,
    by_hand="ml-1m.zip",
    downloads=(
        Download(
            url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            checksum="md5:c4d9eecfca2ab87c1945afe126590906",
        ),
    ),
)

ML_20M = PublicSource(
    title="MovieLens 20M",
    licence=_LICENCE,
    citation=movielens_100k.SOURCE.citation,
    size="138,493 users, 27,278 films, 20,000,263 ratings",
    holds="Ratings with their seconds; films with title, year and genres. Left out: tags and their genome",
    page="https://grouplens.org/datasets/movielens/20m/",
    convert=convert_csv,
    by_hand="ml-20m.zip",
    downloads=(
        Download(
            url="https://files.grouplens.org/datasets/movielens/ml-20m.zip",
            checksum="md5:cd245b17a1ae2cc31bb14903e1204af3",
        ),
    ),
)

ML_LATEST_SMALL = PublicSource(
    title="MovieLens latest, small",
    licence=_LICENCE,
    citation=movielens_100k.SOURCE.citation,
    size="about 610 users, 9,700 films, 100,000 ratings; changes with time, so not for published results",
    holds="Ratings with their seconds; films with title, year and genres. Left out: tags",
    page="https://grouplens.org/datasets/movielens/latest/",
    convert=convert_csv,
    by_hand="ml-latest-small.zip",
    downloads=(Download(url="https://files.grouplens.org/datasets/movielens/ml-latest-small.zip"),),
)
