# SPDX-License-Identifier: Apache-2.0
"""Lists for many users at once, out of a bundle, into a file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import torch

from penchant.artefact import writing
from penchant.errors import ConfigError, DataError, RequestError, nearest
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from penchant.bundle.bundle import Bundle

MOST = 10_000
"""The longest list that can be asked for."""

CELLS = 8_000_000
"""Scores (users times items) that are held at once."""

ENDINGS = (".parquet", ".csv", ".jsonl")

RANK = "rank"
SCORE = "score"


def everyone(bundle: Bundle) -> pl.Series:
    """[B] all users that a bundle knows: those who did something, and those of whom anything else is known."""
    return pl.concat([bundle.events[USER], bundle.users[USER]]).unique().sort()


def unknown(bundle: Bundle, users: pl.Series) -> pl.Series:
    """Those of `users` that a bundle does not know; they are answered as strangers."""
    return users.filter(~users.is_in(everyone(bundle).implode()))


def read_users(path: Path, bundle: Bundle) -> pl.Series:
    """[B] distinct user ids from a file, in its order.

    Args:
        path: Parquet or CSV with a column `user_id`, or a text file with one id a line.
        bundle: whose ids they are; they take the type that ids have there.

    Raises:
        DataError: the file cannot be read, lacks the column, or holds what cannot be an id here.
    """
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
        elif path.suffix == ".csv":
            table = pl.read_csv(path, infer_schema=False)
        else:
            lines = path.read_text(encoding="utf-8").splitlines()
            table = pl.DataFrame({USER: [line for line in lines if line.strip()]}, schema={USER: pl.String})
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. --users takes all, or a file with one user id a line") from None
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if USER not in table.columns:
        raise DataError(f"{path} has no column {USER!r}{nearest(USER, table.columns)}")
    given = table[USER].drop_nulls().unique(maintain_order=True)
    wanted = bundle.events.schema[USER]
    ids = given.cast(wanted, strict=False)
    if ids.null_count():
        wrong = given.filter(ids.is_null())[0]
        raise DataError(f"{path}: {wrong!r} is no user id here: ids of {bundle.manifest.name} are whole numbers")
    return ids


def recommend_items(
    bundle: Bundle, users: Iterable[int] | Iterable[str], k: int = 10, *, include_seen: bool = False
) -> pl.DataFrame:
    """The k best items of each user, in one table.

    Args:
        bundle: who answers.
        users: ids, of the type that they have in the data; who is not known is answered as a stranger.
        k: from 1 to `MOST`; lists are shorter where fewer items are left.
        include_seen: whether what a user already had may be recommended.

    Returns:
        user_id, item_id, rank (from 1), score; users in the order that was given.

    Raises:
        RequestError: k is out of bounds, or an id is of the wrong type.
    """
    wanted = bundle.events.schema[USER]
    asked = users if isinstance(users, pl.Series) else pl.Series(USER, list(users))
    if len(asked) and asked.dtype.is_integer() != wanted.is_integer():
        raise RequestError(f"ids of users are {wanted} in {bundle.manifest.name}, not {asked.dtype}")
    asked = asked.drop_nulls().unique(maintain_order=True).cast(wanted)
    empty = pl.DataFrame(
        schema={USER: wanted, ITEM: bundle.pipeline.catalogue.ids.dtype, RANK: pl.Int64(), SCORE: pl.Float32()}
    )
    return pl.concat([empty, *recommend_to(bundle, asked, k, include_seen=include_seen)])


def recommend_to(
    bundle: Bundle, users: pl.Series, k: int, *, include_seen: bool = False
) -> Iterator[pl.DataFrame]:
    """The k best items of each user, in chunks, so that memory does not grow with their number.

    Args:
        bundle: who answers.
        users: [B] distinct ids; who is not known is answered as a stranger.
        k: from 1 to `MOST`; lists are shorter where fewer items are left.
        include_seen: whether what a user already had may be recommended.

    Yields:
        tables of user_id, item_id, rank (from 1), score; users in the order that was given.

    Raises:
        RequestError: k is out of bounds.
    """
    check_k(k)
    pipeline = bundle.pipeline
    step = max(min(CELLS // max(len(pipeline.catalogue), 1), 1024), 1)
    everyone_asked = pipeline.space.users(
        users, bundle.events, pipeline.catalogue, bundle.users, live=bundle.live()
    )
    for start in range(0, len(users), step):
        some = users.slice(start, step)
        batch = everyone_asked.select(torch.arange(start, start + len(some)))
        ranked = pipeline.recommend(batch, k, exclude_seen=not include_seen)
        places = torch.nonzero(ranked.rows >= 0)
        rows = ranked.rows[places[:, 0], places[:, 1]]
        yield pl.DataFrame(
            {
                USER: some.gather(places[:, 0].numpy()),
                ITEM: pipeline.catalogue.ids.gather(rows.numpy()),
                RANK: (places[:, 1] + 1).numpy(),
                SCORE: ranked.scores[places[:, 0], places[:, 1]].numpy(),
            }
        )


def write(path: Path, tables: Iterator[pl.DataFrame], done: Callable[[int], None] = lambda _: None) -> int:
    """Put the tables, one after the other, into one file: Parquet, CSV or JSON lines, by its ending.

    The file is whole or not there; only one table is in memory at a time.

    Args:
        path: the file to make; it replaces an older one.
        tables: what `recommend_to` yields.
        done: told of the rows of each table that is written.

    Returns:
        how many rows were written.

    Raises:
        ConfigError: the ending names no format.
    """
    check_ending(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    with writing(path), tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
        parts = Path(scratch)
        for number, table in enumerate(tables):
            table.write_parquet(parts / f"{number:09}.parquet")
            total += table.height
            done(table.height)
        if not total:
            raise DataError("There is no user to recommend anything to, or nothing is left to recommend")
        whole = pl.scan_parquet(parts / "*.parquet")
        draft = parts / "whole"
        if path.suffix == ".parquet":
            whole.sink_parquet(draft)
        elif path.suffix == ".csv":
            whole.sink_csv(draft)
        else:
            whole.sink_ndjson(draft)
        draft.replace(path)
    return total


def check_k(k: int) -> None:
    """Refuse a length of list that makes no sense.

    Raises:
        RequestError: says what does.
    """
    if not 1 <= k <= MOST:
        raise RequestError(f"k must be from 1 to {MOST:,}, not {k}")


def check_ending(path: Path) -> None:
    """Refuse a file whose ending names no format, before any work.

    Raises:
        ConfigError: names the endings that are known.
    """
    if path.suffix not in ENDINGS:
        raise ConfigError(f"--out {path}: the ending says the format, and {ENDINGS} are known")
