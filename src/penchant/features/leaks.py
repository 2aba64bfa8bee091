# SPDX-License-Identifier: Apache-2.0
"""Columns that know the future are refused before anything learns from them.

A column of the item or user table is static: what it says of an item, it says in training too. One that was made
from all events, a total, a mean rating, the date of the last sale, tells training what comes after it, and every
measured number is then too good. It gives itself away: it foretells the *hidden* part (validation and test) much
better than everything that training itself knows.

The check: how often each item occurs in the hidden part, and its mean value there, is foretold twice, by least
squares on ranks and quantile bins: once from what training knows (counts, early and late, first event, mean
value), once with the column beside it, in five folds, each judged on rows that it did not learn from. The share of
the remaining error that the column takes away is the leak. It must be large, beyond doubt (its lower confidence
bound counts), so a year or a genre, which tell a little, pass. A moment that is a later event's own is a leak too.

The hidden part is used here to refuse and for nothing else: nothing is fitted on it that any model sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.errors import DataError
from penchant.features.columnset import column_of
from penchant.features.context_leaks import context_leaks
from penchant.features.moments import DAY
from penchant.features.transforms import squeeze
from penchant.schema import ITEM, TIME, USER, VALUE, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from penchant.data.dataset import Dataset
    from penchant.schema import Column

Floats = NDArray[np.float64]
Events = pl.DataFrame | pl.LazyFrame
"""Canonical events in the order of time; read in passes, never all at once, where they are lazy."""

LIMITS = {Kind.NUMBER: 0.25, Kind.TIME: 0.25, Kind.CATEGORY: 0.4, Kind.TAGS: 0.4}
"""Share of the remaining error: a column that takes away more of it, beyond doubt, is refused. Words may take
more: where sales follow the seasons, a plain category tells up to a third. So a mere flag may slip through."""

FEWEST = 300
"""Rows; of fewer nothing can be said."""
MOST = 5_000
"""Rows that are looked at; more would say the same."""

# What training and the hidden part know of a row; the names cannot be those of a table's columns.
_COUNTS = ("\0count", "\0late", "\0latest", "\0first", "\0last")
_MEAN, _LATER_COUNT, _LATER_MEAN = "\0mean", "\0later count", "\0later mean"

_BINS = 10
_DOUBT = 2.6
"""Standard errors below the measured share; what is left must be above the limit."""
_COPIES = 0.5
"""Share of moments that are those of later events beyond which a column is refused."""
_FOLDS = 5
_LEVEL = 0.03
"""Deviation of ranks below which nearly all rows are alike: then there is nothing to foretell."""
_RIDGE = 1.0
_LINE = 30.0
"""How much larger straight lines are written, so that the ridge hardly bends them."""
_WORDS = 100


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that tells what comes later.

    Attributes:
        table: "items", "users" or "events".
        column: its name.
        what: what it foretells, in words.
        share: how much of what training leaves open it tells, 0 to 1.
    """

    table: str
    column: str
    what: str
    share: float

    def __str__(self) -> str:
        return f"column {self.column!r} of {self.table} tells {self.what} ({self.share:.0%} of what was open)"


def refuse_leaks(
    dataset: Dataset,
    known: Events,
    hidden: Events,
    *,
    leave_out: Collection[str] = (),
    trust: Collection[str] = (),
) -> None:
    """Refuse columns that tell the future.

    Args:
        dataset: the tables and their schema.
        known: the training events, in the order of time.
        hidden: all that comes after them; looked at only to refuse.
        leave_out: columns that models do not see: they may know what they like.
        trust: columns that somebody vouches for.

    Raises:
        DataError: names each such column, how much it tells, and the way out.
    """
    passed = {*leave_out, *trust}
    schema = dataset.schema
    found = [
        *static_leaks("items", dataset.items, schema.items, ITEM, known, hidden, passed),
        *static_leaks("users", dataset.users, schema.users, USER, known, hidden, passed),
        *(Leak(table="events", column=name, what=what, share=share)
          for name, what, share in context_leaks(known, schema.context, passed)),
    ]  # fmt: skip
    if found:
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(leak.column for leak in found))
        raise DataError(
            f"{dataset.name}: {'; '.join(map(str, found))}. It was probably made from later events, and "
            f"what learns from it would look better than it is. Write [features] leave_out = [{names}]; or, if "
            f"you know that it was known at the time, [features] trust = [{names}]"
        )


def static_leaks(
    table: str,
    rows: pl.DataFrame,
    columns: Mapping[str, Column],
    key: str,
    known: Events,
    hidden: Events,
    passed: Collection[str] = (),
) -> Iterator[Leak]:
    """The columns of one table that tell the hidden part; arguments as in `refuse_leaks`.

    Only rows with a training event are looked at: of a new item, its date tells rightly that it is new.
    """
    asked = [name for name, one in columns.items() if one.kind in LIMITS and name not in passed]
    if not asked:
        return
    facts = _facts(rows, key, known.lazy(), hidden.lazy())
    for name in asked:
        if columns[name].kind is Kind.TIME:
            share = _copied(column_of(facts, name), facts[key], hidden.lazy())
            if share > _COPIES:
                yield Leak(table=table, column=name, what="when something happens later", share=share)
    for outcome, what, given in (
        (_LATER_COUNT, "how much comes later", _COUNTS),
        (_LATER_MEAN, "which values come later", (*_COUNTS, _MEAN)),
    ):
        there = facts.filter(pl.col(outcome).is_not_null() & pl.all_horizontal(pl.col(given).is_not_null()))
        target = _ranks(there[outcome])
        if there.height < FEWEST or target.std() < _LEVEL:
            continue
        base = np.hstack([np.ones((there.height, 1)), *(_shape(there[name], Kind.NUMBER) for name in given)])
        fold = np.random.default_rng(0).permutation(there.height) % _FOLDS
        without = _errors(base, target, fold)
        if without.mean() < _LEVEL**2:  # training knows it all: there is nothing left to tell
            continue
        for name in asked:
            beside = np.hstack([base, _shape(column_of(there, name), columns[name].kind, base)])
            gained = without - _errors(beside, target, fold)
            share = gained.mean() / without.mean()
            doubt = _DOUBT * gained.std() / np.sqrt(len(gained)) / without.mean()
            if share - doubt > LIMITS[columns[name].kind]:
                yield Leak(table=table, column=name, what=what, share=float(share))


def _facts(rows: pl.DataFrame, key: str, known: pl.LazyFrame, hidden: pl.LazyFrame) -> pl.DataFrame:
    """Rows that training has events of (a fair sample where there are very many), with what training knows."""
    events = known.select(key, VALUE).with_row_index("at")
    at, size = pl.col("at"), known.select(pl.len()).collect().item()
    counts = (pl.len(), (at >= 0.8 * size).sum(), (at >= 0.95 * size).sum(), at.min(), at.max())
    facts = events.group_by(key).agg(
        *(fact.cast(pl.Float64).alias(name) for fact, name in zip(counts, _COUNTS, strict=True)),
        pl.col(VALUE).mean().alias(_MEAN),
    )
    later = hidden.group_by(key).agg(
        pl.len().cast(pl.Float64).alias(_LATER_COUNT), pl.col(VALUE).mean().alias(_LATER_MEAN)
    )
    facts = facts.join(later, on=key, how="left").with_columns(pl.col(_LATER_COUNT).fill_null(0))
    whole = facts.collect(engine="streaming").sort(key).join(rows, on=key, how="inner", maintain_order="left")
    return whole.sample(MOST, seed=0) if whole.height > MOST else whole


def _copied(moments: pl.Series, keys: pl.Series, hidden: pl.LazyFrame) -> float:
    """Share of the moments (of rows that occur later at all) that are those of their own hidden events."""
    asked = pl.DataFrame({keys.name: keys, TIME: moments.cast(pl.Int64)}).drop_nulls()
    own = hidden.select(keys.name, TIME).join(asked.lazy(), on=keys.name, how="semi").collect(engine="streaming")
    asked = asked.join(own, on=keys.name, how="semi")
    # Moments that are whole days are compared by the day.
    grain = DAY if (asked[TIME] % DAY == 0).all() else 1
    asked, later = (one.with_columns(pl.col(TIME) // grain) for one in (asked, own))
    return asked.join(later, on=[keys.name, TIME], how="semi").height / asked.height if asked.height else 0.0


def _errors(inputs: Floats, target: Floats, fold: NDArray[np.int64]) -> Floats:
    """[n]: the squared error of each row by least squares over the other folds."""
    parts = [(inputs[fold == number], target[fold == number]) for number in range(_FOLDS)]
    products = [(some.T @ some, some.T @ wanted) for some, wanted in parts]
    # Bins of one column may be copies of another's, and words are rare: hence the ridge.
    whole = sum(product for product, _ in products) + _RIDGE * np.eye(inputs.shape[1])
    both = sum(product for _, product in products)
    errors = np.empty(len(target))
    for number, ((some, wanted), (own, other)) in enumerate(zip(parts, products, strict=True)):
        errors[fold == number] = (wanted - some @ np.linalg.solve(whole - own, both - other)) ** 2
    return errors


def _shape(values: pl.Series, kind: Kind, base: Floats | None = None) -> Floats:
    """[n, k]: a column as inputs of least squares; whatever it says, also that it says nothing.

    Of a number, given what training knows (`base`), also what it says beyond that: a total less the training count
    is the hidden count.
    """
    if kind in (Kind.NUMBER, Kind.TIME):
        numbers = values.cast(pl.Float64).fill_nan(None)
        missing = numbers.is_null().to_numpy()[:, None].astype(np.float64)
        filled = numbers.fill_null(numbers.median() if numbers.null_count() < len(numbers) else 0.0)
        level = squeeze(filled.to_numpy())[:, None]
        level = (level - level.mean()) / max(level.std(), 1e-12)
        parts = [_LINE * level, *_curve(filled), missing]
        if base is not None:
            normal = base.T @ base + _RIDGE * np.eye(base.shape[1])
            beyond = level - base @ np.linalg.solve(normal, base.T @ level)
            parts += [_LINE * beyond / max(beyond.std(), 1e-12), *_curve(pl.Series(beyond[:, 0].round(9)))]
        return np.hstack(parts)
    words = values.cast(pl.List(pl.String)) if kind is Kind.TAGS else values.cast(pl.String)
    exploded = words.rename("word").to_frame().with_row_index("row")
    if kind is Kind.TAGS:
        exploded = exploded.explode("word")
    frequent = exploded.drop_nulls().group_by("word").len().sort("len", "word", descending=[True, False])
    places = frequent.head(_WORDS).select("word").with_row_index("place")
    found = exploded.join(places, on="word")
    inputs = np.zeros((len(values), _WORDS + 1))
    inputs[found["row"].to_numpy(), found["place"].to_numpy()] = 1.0
    inputs[words.is_null().to_numpy(), _WORDS] = 1.0
    return inputs[:, inputs.any(axis=0)]


def _curve(values: pl.Series) -> tuple[Floats, Floats]:
    """([n, 1] ranks, [n, k] which bin of them): a straight line and whatever bends it."""
    ranks = _ranks(values)
    bins = np.minimum((ranks * _BINS).astype(np.int64), _BINS - 1)
    return _LINE * ranks[:, None], np.eye(_BINS)[bins]


def _ranks(values: pl.Series) -> Floats:
    """[n]: average ranks, from above 0 to 1."""
    return values.rank("average").to_numpy() / max(len(values), 1)
