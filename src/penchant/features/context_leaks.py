# SPDX-License-Identifier: Apache-2.0
"""Columns of events that are no context but an answer: which item it was, what came next, how it ended.

Context is what was known when the event began. Looked at are training events alone. A column is an answer if it is
a copy (it equals the item, the next item, the next time, or orders events as their value or dwell does), or if
each of its words goes with one item (or next item, or type of event) much more than shuffled words would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.schema import DWELL, ITEM, TIME, TYPE, USER, VALUE, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from penchant.schema import Column

LIMIT = 0.8
"""Share of events that a copy equals, of the order that it keeps, or of the uncertainty that words take away."""

FEWEST = 100
"""Events; of fewer nothing can be said."""
MOST = 200_000
"""Events that are looked at: the last ones."""

_WINDOW = 2_000_000
_NEXT_ITEM, _NEXT_TIME = "\0next item", "\0next time"


def context_leaks(
    known: pl.DataFrame | pl.LazyFrame, columns: Mapping[str, Column], passed: Collection[str] = ()
) -> Iterator[tuple[str, str, float]]:
    """(column, what it tells, how much) of each column of events that is an answer.

    Args:
        known: the training events, in the order of time.
        columns: of `Schema.context`.
        passed: columns that are not looked at.
    """
    asked = {name: one.kind for name, one in columns.items() if name not in passed}
    there_are = known.lazy().collect_schema().names() if asked else []
    asked = {name: kind for name, kind in asked.items() if name in there_are}
    if not asked:
        return
    needed = [name for name in (USER, ITEM, TIME, TYPE, VALUE, DWELL) if name in there_are]
    # The last ones: a window over everybody's whole past would cost more than it tells.
    events = (
        known.lazy()
        .select(*needed, *asked)
        .tail(_WINDOW)
        .collect()
        .with_columns(
            pl.col(ITEM).shift(-1).over(USER).alias(_NEXT_ITEM),
            pl.col(TIME).shift(-1).over(USER).alias(_NEXT_TIME),
        )
    )
    for name, kind in asked.items():
        there = events.filter(pl.col(name).is_not_null()).tail(MOST)
        if there.height < FEWEST:
            continue
        worst = max(_tests(there, name, kind), key=lambda test: test[1])
        if worst[1] > LIMIT:
            yield name, worst[0], worst[1]


def _tests(events: pl.DataFrame, name: str, kind: Kind) -> Iterator[tuple[str, float]]:
    """(what, how much) of everything that the column might tell."""
    yield "the item itself", _equal(events, name, ITEM)
    yield "the next item", _equal(events, name, _NEXT_ITEM)
    if kind in (Kind.NUMBER, Kind.TIME):
        yield "when the next event comes", _equal(events, name, _NEXT_TIME)
        for outcome in (VALUE, DWELL):
            if outcome in events.columns:
                yield f"the {outcome} of the event", _same_order(events, name, outcome)
    elif kind in (Kind.CATEGORY, Kind.ID):
        for outcome, what in (
            (ITEM, "the item itself"),
            (_NEXT_ITEM, "the next item"),
            (TYPE, "the type of the event"),
        ):
            yield what, _told(events, name, outcome)
        yield "the value of the event", _told(events, name, VALUE)


def _equal(events: pl.DataFrame, name: str, outcome: str) -> float:
    """Share of events in which the two are the same, written as text."""
    pair = events.select(name, outcome).drop_nulls()
    if pair.height < FEWEST or pair[outcome].n_unique() < 2:
        return 0.0
    if pair[name].dtype.is_numeric() and pair[outcome].dtype.is_numeric():
        same = pair[name].cast(pl.Float64) == pair[outcome].cast(pl.Float64)
    elif pair[name].dtype.is_nested():
        return 0.0
    else:
        same = pair[name].cast(pl.String) == pair[outcome].cast(pl.String)
    return float(same.sum() / len(same))


def _same_order(events: pl.DataFrame, name: str, outcome: str) -> float:
    """Absolute rank correlation."""
    pair = events.select(pl.col(name, outcome).cast(pl.Float64)).drop_nulls().drop_nans()
    if pair.height < FEWEST or pair[name].n_unique() < 2 or pair[outcome].n_unique() < 2:
        return 0.0
    ranks = pair.select(pl.col(name, outcome).rank("average")).to_numpy()
    return float(abs(np.corrcoef(ranks, rowvar=False)[0, 1]))


def _told(events: pl.DataFrame, name: str, outcome: str) -> float:
    """Share of the uncertainty about the outcome that the words take away, of what shuffled words leave."""
    pair = events.select(name, outcome).drop_nulls()
    if pair.height < FEWEST or pair[outcome].n_unique() < 2 or pair[name].n_unique() < 2:
        return 0.0
    whole = _entropy(pair, [outcome])
    shuffled = pair.with_columns(pl.col(name).shuffle(seed=0))
    left, by_chance = (_entropy(one, [name, outcome]) - _entropy(one, [name]) for one in (pair, shuffled))
    return float(max(by_chance - left, 0.0) / by_chance) if by_chance > 0.1 * whole else 0.0


def _entropy(events: pl.DataFrame, names: list[str]) -> float:
    """In nats, of the groups that equal values make."""
    shares = events.group_by(names).len()["len"].to_numpy() / events.height
    return float(-(shares * np.log(shares)).sum())
