# SPDX-License-Identifier: Apache-2.0
"""Drift: how what is tested differs from what was learned from.

Two numbers, both 0 where nothing differs:

* **PSI** (population stability index), for words: the sum over words of (test share - train share) times the
  logarithm of their ratio. It grows when a share is multiplied, wherever it stands. By custom below 0.1 is
  alike, above 0.25 different.
* **KS** (Kolmogorov and Smirnov), for numbers: the largest gap between the two cumulative distributions, at
  most 1. As samples are large, any gap is significant; the size of the gap is what matters: below 0.1 alike,
  above 0.2 different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from penchant.data.dataset import PART
from penchant.profile.counts import HOUR
from penchant.profile.describe import histogram
from penchant.profile.facts import Drift, Newcomers
from penchant.profile.view import run
from penchant.schema import ITEM, SESSION, TIME, TYPE, USER, VALUE, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penchant.profile.view import View
    from penchant.schema import Column

TRAIN, TEST = "train", "test"
LIMITS = {"PSI": (0.1, 0.25), "KS": (0.1, 0.2)}
MOST_WORDS = 20
"""Words of a column that are told apart; the rest counts as one, so that rare words do not make a drift."""
_FEWEST = 50
"""Rows on either side below which a difference is mostly chance."""
_WORDS = (Kind.CATEGORY, Kind.TAGS, Kind.ID)
_FLOOR = 1e-4


def newcomers(view: View) -> Newcomers | None:
    """How much of the test part is of users or items that train never saw; None without a test part."""
    train, test = view.parts[TRAIN], view.parts[TEST]
    shares: dict[str, tuple[float, float]] = {}
    for column in (USER, ITEM):
        seen = train.select(column).unique().with_columns(pl.lit(True).alias("_seen"))
        asked = test.group_by(column).agg(pl.len().alias("n"))
        new = pl.col("_seen").is_null()
        found = run(
            asked.join(seen, on=column, how="left").select(
                all=pl.len(), events=pl.col("n").sum(), new=new.sum(), theirs=pl.col("n").filter(new).sum()
            )
        ).row(0, named=True)
        if not found["all"]:
            return None
        shares[column] = (found["new"] / found["all"], found["theirs"] / found["events"])
    users, items = shares[USER], shares[ITEM]
    return Newcomers(users=users[0], user_events=users[1], items=items[0], item_events=items[1])


def drift(view: View) -> tuple[Drift, ...]:
    """Each thing that can be compared, the one that differs most first."""
    train, test = (view.some.filter(pl.col(PART) == part) for part in (TRAIN, TEST))
    if min(train.height, test.height) < _FEWEST:
        return ()
    found = list(_compared(view, train, test))
    severity = {"different": 0, "shifted": 1, "alike": 2}
    return tuple(sorted(found, key=lambda one: (severity[one.verdict], -one.value)))


def _compared(view: View, train: pl.DataFrame, test: pl.DataFrame) -> Iterator[Drift]:
    schema = view.dataset.schema
    yield from _words("event type", train[TYPE], test[TYPE])
    kinds = dict.fromkeys([VALUE, *schema.extras], Kind.NUMBER)
    kinds |= {name: column.kind for name, column in schema.context.items()} | {SESSION: Kind.TEXT}
    for name, kind in kinds.items():
        if name in train.columns:
            yield from _compare(name, kind, train[name], test[name])
    if schema.has_time:
        hour = (pl.col(TIME) // HOUR % 24).cast(pl.String)
        yield from _words("hour of the day", train.select(hour).to_series(), test.select(hour).to_series(), 24)
    yield from _of_table("items' ", view.dataset.items, ITEM, schema.items, train, test)
    yield from _of_table("users' ", view.dataset.users, USER, schema.users, train, test)


def _of_table(
    whose: str,
    table: pl.DataFrame,
    key: str,
    columns: Mapping[str, Column],
    train: pl.DataFrame,
    test: pl.DataFrame,
) -> Iterator[Drift]:
    """The columns of items or users, as events meet them."""
    for name, column in columns.items():
        if column.kind is Kind.NUMBER or column.kind in _WORDS:
            met = table.select(key, pl.col(name).alias("_met"))
            sides = [side.select(key).join(met, on=key, how="left")["_met"] for side in (train, test)]
            yield from _compare(whose + name, column.kind, *sides)


def _compare(name: str, kind: Kind, train: pl.Series, test: pl.Series) -> Iterator[Drift]:
    if kind is Kind.NUMBER:
        yield from _numbers(name, train, test)
    elif kind in _WORDS:
        yield from _words(name, train, test)


def _numbers(name: str, train: pl.Series, test: pl.Series) -> Iterator[Drift]:
    sides = [side.cast(pl.Float64).drop_nulls().to_numpy() for side in (train, test)]
    if min(map(len, sides)) >= _FEWEST and np.ptp(np.concatenate(sides)) > 0:
        yield of_numbers(name, *sides)


def _words(name: str, train: pl.Series, test: pl.Series, most: int = MOST_WORDS) -> Iterator[Drift]:
    train, test = (side.explode() if isinstance(side.dtype, pl.List) else side for side in (train, test))
    train, test = (side.drop_nulls().cast(pl.String) for side in (train, test))
    if min(len(train), len(test)) >= _FEWEST and pl.concat([train, test]).n_unique() > 1:
        yield of_words(name, train, test, most)


def of_words(name: str, train: pl.Series, test: pl.Series, most: int = MOST_WORDS) -> Drift:
    """PSI between two columns of words without nulls, neither of them empty."""
    train, test = train.alias("word"), test.alias("word")
    counted = [train.value_counts(name="n"), test.value_counts(name="m")]
    both = pl.concat(counted, how="diagonal").group_by("word").sum()
    both = both.sort(pl.col("n") + pl.col("m"), "word", descending=[True, False])
    rest = both[most:].select(pl.lit("(others)").alias("word"), pl.col("n", "m").sum())
    kept = pl.concat([both.head(most), rest]) if both.height > most else both
    p, q = (kept[c].to_numpy() / max(kept[c].sum(), 1) for c in ("n", "m"))
    value = psi(p, q)
    shares = tuple(zip(kept["word"].to_list(), map(float, p), map(float, q), strict=True))
    return Drift(name=name, measure="PSI", value=value, verdict=verdict("PSI", value), shares=shares)


def of_numbers(name: str, train: np.ndarray, test: np.ndarray) -> Drift:
    """KS between two columns of finite numbers, neither of them empty."""
    value = ks(train, test)
    edges = np.asarray(histogram(np.concatenate([train, test])).starts)
    inner = np.append(edges[:-1], np.inf)
    inner[0] = -np.inf
    counts = [np.histogram(side, inner)[0] / len(side) for side in (train, test)]
    words = [f"{edge:.4g}" for edge in edges[:-1]]
    shares = tuple(zip(words, map(float, counts[0]), map(float, counts[1]), strict=True))
    return Drift(name=name, measure="KS", value=value, verdict=verdict("KS", value), shares=shares)


def psi(train: np.ndarray, test: np.ndarray) -> float:
    """Population stability index of two distributions over the same words: [n] each, summing to 1.

    A share of 0 counts as one in ten thousand, as a logarithm needs something.
    """
    p, q = np.maximum(train, _FLOOR), np.maximum(test, _FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def ks(train: np.ndarray, test: np.ndarray) -> float:
    """The largest gap between the cumulative distributions of two samples: [n] and [m]."""
    train, test = np.sort(train), np.sort(test)
    at = np.concatenate([train, test])
    below = (np.searchsorted(side, at, side="right") / len(side) for side in (train, test))
    return float(np.abs(np.subtract(*below)).max())


def verdict(measure: Literal["PSI", "KS"], value: float) -> Literal["alike", "shifted", "different"]:
    """The number in a word."""
    low, high = LIMITS[measure]
    if value < low:
        return "alike"
    return "shifted" if value < high else "different"
