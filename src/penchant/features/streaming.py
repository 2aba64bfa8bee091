# SPDX-License-Identifier: Apache-2.0
"""Features of more events than memory holds: vocabularies, and aggregates as of each event, part by part.

What comes out is, to the last bit, what the same events give in one piece: `penchant.features.aggregates.state` is
the definition here too. In memory are a part, the one after it, and what is kept for each user and item.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from penchant.features.aggregates.chunk import chunk_of
from penchant.features.aggregates.state import Aggregates
from penchant.features.numbering import Numbering
from penchant.features.vocabulary import Vocabulary
from penchant.schema import ITEM, TYPE, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Ints
    from penchant.features.aggregates.measures import Plan
    from penchant.features.aggregates.state import AsOf

T = TypeVar("T")

CHUNK = 2**16
"""Events that are looked at at once, so that what is computed of them stays in the cache: it changes no result."""
_BEGUN = 2
"""Chunks that are worked on beyond the one that is given out, so that neither side waits for the other."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Some events in log order, and what was known just before each of them.

    Attributes:
        events: E canonical events, all columns.
        users: [E] int64, the row of each one's user (see `as_of_parts`).
        items: [E] int64, the row of its item among those that were given.
        before: of its user and of its item, [E, A] each, in the order of `Plan.columns`.
    """

    events: pl.DataFrame
    users: Ints
    items: Ints
    before: AsOf


def fit_vocabularies(events: pl.LazyFrame) -> tuple[Vocabulary, Vocabulary, Vocabulary]:
    """Those of items, users and types, as `FeatureSpace.fit` makes them, of events that are never held at once.

    Args:
        events: what training may see, such as `Split.scan("train")`.
    """
    items, users, types = (
        Vocabulary.fit(events.select(column).unique().collect(engine="streaming").to_series())
        for column in (ITEM, USER, TYPE)
    )
    return items, users, types


def as_of_parts(
    parts: Iterable[pl.DataFrame], plan: Plan, items: pl.Series, users: pl.Series | None = None
) -> Iterator[Stretch]:
    """What was known just before each event, whatever the number of events.

    Users and items are taken up side by side in two threads, while a third reads the part after.

    Args:
        parts: canonical events in log order, such as `Dataset.event_parts()`; they are asked for one ahead.
        plan: what is counted.
        items: the ids of the catalogue; an event of any other counts nowhere, and is left out.
        users: users whose rows come first, such as those of a vocabulary; any others get rows as they come. Which
            row somebody has changes no number.

    Yields:
        the events in their order, a chunk at a time.

    Raises:
        DataError: an event is earlier than one before it.
    """
    things = Numbering(items)
    people = Numbering(pl.Series(USER, [], dtype=pl.Int64) if users is None else users)
    state = Aggregates(plan, len(people), len(things))

    def read(part: pl.DataFrame) -> tuple[pl.DataFrame, Chunk]:
        rows = things.rows(part[ITEM])
        here = rows >= 0
        if not here.all():
            part, rows = part.filter(pl.Series(here)), rows[here]
        return part, chunk_of(part, people.grow(part[USER]), rows, plan)

    with _worker("reads") as reader, _worker("users") as left, _worker("items") as right:
        for events, whole in _one_ahead(map(read, parts), reader):
            begun: deque[tuple[pl.DataFrame, Chunk, Callable[[], AsOf]]] = deque()
            start = 0
            for chunk in whole.cut(CHUNK):
                begun.append((events.slice(start, len(chunk)), chunk, state.begin(chunk, left, right)))
                start += len(chunk)
                if len(begun) > _BEGUN:
                    yield _ended(*begun.popleft())
            while begun:
                yield _ended(*begun.popleft())


def _ended(events: pl.DataFrame, chunk: Chunk, wait: Callable[[], AsOf]) -> Stretch:
    return Stretch(events=events, users=chunk.users, items=chunk.items, before=wait())


def _worker(name: str) -> ThreadPoolExecutor:
    """One thread that does one thing after the other."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"as-of-{name}")


def _one_ahead(made: Iterator[T], pool: Executor) -> Iterator[T]:
    """The same, each made in `pool` while the one before it is worked on."""
    coming = pool.submit(next, made, None)
    while (ready := coming.result()) is not None:
        coming = pool.submit(next, made, None)
        yield ready
