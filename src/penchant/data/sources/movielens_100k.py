# SPDX-License-Identifier: Apache-2.0
"""MovieLens-100K: two archives that carry it, and one normal form, in CSV files."""

from __future__ import annotations

import csv
import io
import shutil
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.sources.runfile import CATEGORY, IMAGE, NUMBER, TEXT, models
from penchant.data.sources.source import Download, Package, PublicSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

EVENTS = ("user_id", "item_id", "rating", "timestamp")
USERS = ("user_id", "age", "gender", "occupation", "zip_code")
GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""In the order of the flags in the publisher's `u.item`."""

_PUBLISHER = ("u.data", "u.user", "u.item")
_WHEEL = tuple(f"recbole/dataset_example/ml-100k/ml-100k.{ending}" for ending in ("inter", "user", "item"))
_NORMAL = ("interactions.csv", "users.csv", "items.csv")

_COMMA = {"kind": "tags", "separator": ","}
_ITEM_COLUMNS = {
    "genres": {"kind": "tags", "separator": "|"},
    "year": NUMBER,
    "director": _COMMA,
    "actors": _COMMA,
    "language": _COMMA,
    "country": _COMMA,
    "plot": TEXT,
    "poster": IMAGE,
}
"""Of which a copy has those that its source has."""


def convert(raw: Raw, out: Path) -> Run:
    """From the publisher's archive, RecBole's wheel, or a folder in the normal form, posters or not."""
    normal = raw.find(*_NORMAL)
    if _NORMAL[0] in normal:
        for name, path in zip(_NORMAL, raw.need(*_NORMAL), strict=True):
            shutil.copyfile(path, out / name)
        posters = normal[_NORMAL[0]].parent / "posters"
        if posters.is_dir():
            shutil.copytree(posters, out / "posters")
    else:
        tables = _from_wheel(raw) if raw.find(_WHEEL[0]) else _from_archive(raw)
        for name, table in tables.items():
            table.write_csv(out / name)
    return run(out)


def run(folder: Path) -> Run:
    """The run file for a folder in the normal form, with the columns that its items have."""
    with (folder / "items.csv").open(encoding="utf-8", newline="") as file:
        have = next(csv.reader(file), [])
    events = {"path": "interactions.csv", "time": "timestamp", "time_unit": "s", "value": "rating"}
    people = {"age": NUMBER, "gender": CATEGORY, "occupation": CATEGORY}
    return {
        "data": {
            "events": {**events, "default_type": "rating"},
            "items": {
                "path": "items.csv",
                "title": "title",
                "columns": {name: kind for name, kind in _ITEM_COLUMNS.items() if name in have},
            },
            "users": {"path": "users.csv", "columns": people},
            "split": {"kind": "leave_last_out"},
        },
        **models(),
    }


def _from_archive(raw: Raw) -> dict[str, pl.DataFrame]:
    """The tables of the publisher's `ml-100k.zip`, all cells as text."""
    events, users, items = raw.need(*_PUBLISHER)
    heads = ["item_id", "title", "released", "on_video", "address", *GENRES]
    flags = _table(items.read_text("latin1"), "|", heads)
    words = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES]
    table = flags.select(
        "item_id",
        "title",
        pl.col("title").str.extract(r"\((\d{4})\)").alias("year"),
        pl.concat_str(words, separator="|", ignore_nulls=True).alias("genres"),
    )
    tables = (_table(events.read_text("utf-8"), "\t", EVENTS), _table(users.read_text("utf-8"), "|", USERS), table)
    return dict(zip(_NORMAL, tables, strict=True))


def _from_wheel(raw: Raw) -> dict[str, pl.DataFrame]:
    """The tables in the wheel of RecBole, whose titles stand apart from their years."""
    events, users, items = (path.read_text("utf-8").partition("\n")[2] for path in raw.need(*_WHEEL))
    parts = _table(items, "\t", ["item_id", "title", "year", "genres"])
    year = pl.col("year").str.extract(r"^(\d{4})$")
    titled = pl.when(year.is_null()).then("title").otherwise(pl.format("{} ({})", "title", "year"))
    table = parts.select("item_id", titled.alias("title"), year, pl.col("genres").str.replace_all(" ", "|"))
    return dict(zip(_NORMAL, (_table(events, "\t", EVENTS), _table(users, "\t", USERS), table), strict=True))


def _table(text: str, separator: str, heads: Sequence[str]) -> pl.DataFrame:
    """A headless table, all cells as text; these files know no quotes."""
    return pl.read_csv(
        io.BytesIO(text.encode()),
        separator=separator,
        has_header=False,
        new_columns=list(heads),
        infer_schema=False,
        quote_char=None,
    )


SOURCE = PublicSource(
    title="MovieLens 100K",
    licence=(
        "Free for research with acknowledgement; no redistribution and no commercial use without permission of "
        "GroupLens, University of Minnesota"
    ),
    citation=(
        "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
        "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
    ),
    size="943 users, 1,682 films, 100,000 ratings",
    holds="Ratings with their seconds; films with title, year and genres; people with age, gender and occupation",
    page="https://grouplens.org/datasets/movielens/100k/",
    convert=convert,
    by_hand="ml-100k.zip",
    downloads=(
        Download(
            url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            checksum="md5:0e33842e24a9c977be4e0107933c0723",
        ),
    ),
    package=Package(
        requirement="recbole==1.2.1",
        checksum="sha256:9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    ),
    checksums={
        "interactions.csv": "sha256:010fac14271cf92527353173e77ddb19b9168a476d99c55c2f4bd55d93d4c205",
        "users.csv": "sha256:f0666955a899ab27004d413eec2d92e393f5050879597e126ede637390e5a238",
    },
)
