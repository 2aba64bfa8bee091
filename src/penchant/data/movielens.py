# SPDX-License-Identifier: Apache-2.0
"""MovieLens-100K: two archives that carry it, one normal form, and the run file for it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import polars as pl

from penchant.data.fetch import read_members

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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

_ARCHIVE = ("ml-100k/u.data", "ml-100k/u.user", "ml-100k/u.item")
_WHEEL = tuple(f"recbole/dataset_example/ml-100k/ml-100k.{ending}" for ending in ("inter", "user", "item"))

_ITEM_COLUMNS = {
    "genres": '{ kind = "tags", separator = "|" }',
    "year": '{ kind = "number" }',
    "director": '{ kind = "tags", separator = "," }',
    "actors": '{ kind = "tags", separator = "," }',
    "language": '{ kind = "tags", separator = "," }',
    "country": '{ kind = "tags", separator = "," }',
    "plot": '{ kind = "text" }',
    "poster": '{ kind = "image" }',
}

Tables = dict[str, pl.DataFrame]
"""`interactions`, `users` and `items`, all cells as text."""


def from_archive(archive: Path) -> Tables:
    """The tables of the publisher's `ml-100k.zip`."""
    events, users, items = (read_members(archive, _ARCHIVE)[name] for name in _ARCHIVE)
    heads = ["item_id", "title", "released", "on_video", "address", *GENRES]
    flags = _table(items.decode("latin1"), "|", heads)
    words = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES]
    table = flags.select(
        "item_id",
        "title",
        pl.col("title").str.extract(r"\((\d{4})\)").alias("year"),
        pl.concat_str(words, separator="|", ignore_nulls=True).alias("genres"),
    )
    return {
        "interactions": _table(events.decode(), "\t", EVENTS),
        "users": _table(users.decode(), "|", USERS),
        "items": table,
    }


def from_wheel(wheel: Path) -> Tables:
    """The tables in the wheel of RecBole, whose titles stand apart from their years."""
    events, users, items = (read_members(wheel, _WHEEL)[name].decode().partition("\n")[2] for name in _WHEEL)
    parts = _table(items, "\t", ["item_id", "title", "year", "genres"])
    year = pl.col("year").str.extract(r"^(\d{4})$")
    titled = pl.when(year.is_null()).then("title").otherwise(pl.format("{} ({})", "title", "year"))
    table = parts.select("item_id", titled.alias("title"), year, pl.col("genres").str.replace_all(" ", "|"))
    return {"interactions": _table(events, "\t", EVENTS), "users": _table(users, "\t", USERS), "items": table}


def run_file(folder: Path) -> str:
    """The `[data]` part of a run file for a folder in the normal form, with the columns that it has."""
    with (folder / "items.csv").open(encoding="utf-8", newline="") as file:
        have = next(csv.reader(file), [])
    columns = [f"{name} = {kind}" for name, kind in _ITEM_COLUMNS.items() if name in have]
    paths = {
        name: json.dumps(str(folder.resolve() / f"{name}.csv")) for name in ("interactions", "items", "users")
    }
    return "\n".join(
        [
            "[data]",
            'name = "movielens-100k"',
            "",
            "[data.events]",
            f"path = {paths['interactions']}",
            'time = "timestamp"',
            'time_unit = "s"',
            'value = "rating"',
            'default_type = "rating"',
            "",
            "[data.items]",
            f"path = {paths['items']}",
            'title = "title"',
            "",
            "[data.items.columns]",
            *columns,
            "",
            "[data.users]",
            f"path = {paths['users']}",
            "",
            "[data.users.columns]",
            'age = { kind = "number" }',
            'gender = { kind = "category" }',
            'occupation = { kind = "category" }',
            "",
        ]
    )


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
