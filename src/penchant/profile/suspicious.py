# SPDX-License-Identifier: Apache-2.0
"""Things in the tables that look wrong, each looked for by a function that says nothing where it finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from penchant.profile.facts import Finding
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penchant.profile.facts import ColumnFacts, Coverage, Newcomers, Sizes, Tail
    from penchant.profile.view import View

NAMED = 3
"""Examples that are named."""
_MUCH = 0.05
_ABOVE = 10
_FEW_EVENTS = 1000
_TINY = 200
_UNREAD = {
    "numbers_unread": "numbers",
    "times_unread": "times",
    "vectors_unread": "vectors",
    "paths_refused": "paths inside the table's folder",
}
"""Keys of an ingestion's report, and what their cells are not."""
_FEW_ROWS = 50


def of_users(users: Tail, items: Tail, sizes: Sizes) -> Iterator[Finding]:
    """Most have one event, or one has very many."""
    if users.once > 0.5:
        yield Finding(
            level="warn",
            title="Most users have a single event",
            words=f"{users.once:.0%} of {sizes.users:,} users: no history to learn from, and nothing to test.",
            advice="Is the user id the person's, and not the visit's? min_user_events in [data.checks] leaves "
            "rare users out.",
        )
    for who, tail, count in (("user", users, sizes.users), ("item", items, sizes.items)):
        name, most = tail.leaders[0]
        fair = sizes.events / count
        if most > max(_MUCH * sizes.events, _ABOVE * fair) and sizes.events > _FEW_EVENTS:
            yield Finding(
                level="warn",
                title=f"One {who} has much of all",
                words=f"{name} has {most:,} of {sizes.events:,} events ({most / sizes.events:.0%}).",
                advice="Is it what it seems, or does it stand for what is not known? missing_users and "
                "not_products in [data.checks.rules] take such ids out.",
            )
    if items.once > 0.5:
        yield Finding(
            level="note",
            title="Most items have a single event",
            words=f"{items.once:.0%} of {sizes.items:,} items: only their content can say what they are like.",
            advice="Give the item table columns that models can learn from.",
        )


def of_columns(columns: Sequence[ColumnFacts]) -> Iterator[Finding]:
    """Columns that say nothing, or that name every row."""
    facts = [one for one in columns if one.kind not in ("image", "audio", "vector") and one.rows > 1]
    if constant := [one for one in facts if one.distinct == 1 and not one.missing]:
        yield Finding(
            level="note",
            title="Columns with one value",
            words=f"{_names(constant)}: every row has the same.",
            advice="They say nothing; leave them out.",
        )
    if empty := [one for one in facts if one.missing >= 0.9 * one.rows]:
        yield Finding(
            level="note",
            title="Columns that are nearly empty",
            words=f"{_names(empty)}: at least 90 % of the rows have nothing.",
        )
    entities = [one for one in facts if one.table in ("items", "users") and one.kind == "category"]
    if unique := [one for one in entities if one.rows > _FEW_ROWS and one.distinct >= 0.95 * one.rows]:
        yield Finding(
            level="warn",
            title="Categories that name every row",
            words=f"{_names(unique)}: nearly every row has a value of its own, as an id has.",
            advice='Nothing can be learned from such a category. Is it text (kind = "text"), or a number?',
        )


def of_ids(view: View) -> Iterator[Finding]:
    """Columns that repeat the id, and items that share a title."""
    dataset = view.dataset
    tables = ((dataset.items, ITEM, dataset.schema.items), (dataset.users, USER, dataset.schema.users))
    for table, key, named in tables:
        kinds = {name: table.schema[name] for name in named if name in table.columns}
        plain = [name for name, kind in kinds.items() if not kind.is_nested() and kind != pl.Binary]
        if table.height <= 1 or not plain:
            continue
        ids = pl.col(key).cast(pl.String)
        # A number column holds 17 as 17.0.
        cells = {name: pl.col(name).cast(pl.String).str.strip_suffix(".0") for name in plain}
        same = table.select(**{name: (cell == ids).mean() for name, cell in cells.items()}).row(0, named=True)
        if repeated := [name for name, share in same.items() if (share or 0) > 0.95]:
            yield Finding(
                level="warn",
                title="A column repeats the id",
                words=f"{', '.join(repeated)} equals {key}.",
                advice="It teaches a model ids, not content; leave it out.",
            )
    yield from _titles(view)


def _titles(view: View) -> Iterator[Finding]:
    title, items = view.dataset.schema.title, view.dataset.items
    if title is None:
        return
    plain = pl.col(title).str.strip_chars().str.to_lowercase()
    named = items.select(plain.alias("title")).drop_nulls().filter(pl.col("title") != "")
    twice = named.group_by("title").len().filter(pl.col("len") > 1).sort("len", "title", descending=[True, False])
    if twice.is_empty():
        return
    doubled = int(twice["len"].sum())
    shown = ", ".join(
        f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK} ({count})"
        for name, count in twice.head(NAMED).iter_rows()
    )
    yield Finding(
        level="warn" if doubled > _MUCH * items.height else "note",
        title="Items that share a title",
        words=f"{doubled:,} of {items.height:,} items share {twice.height:,} titles: {shown}.",
        advice="Variants of one thing, or one thing under several ids? The latter splits its history.",
    )


def of_content(coverage: Sequence[Coverage], sizes: Sizes) -> Iterator[Finding]:
    """Files that are not there or broken, and items that nobody touched."""
    for one in coverage:
        if one.absent:
            yield Finding(
                level="warn",
                title=f"Files of {one.column} are not there",
                words=f"{one.absent:,} of {one.present:,}. First: {one.examples[0]}.",
                advice="Paths are relative to the folder of the item table.",
            )
        if one.broken:
            yield Finding(
                level="warn",
                title=f"Files of {one.column} are broken",
                words=f"{one.broken:,} of {one.looked:,} looked at: {'; '.join(one.examples)}.",
                advice="They count as absent.",
            )
    if sizes.catalogue > sizes.items:
        never = sizes.catalogue - sizes.items
        yield Finding(
            level="note",
            title="Items without events",
            words=f"{never:,} of {sizes.catalogue:,} items of the table were never touched.",
            advice="They can be recommended by their content alone.",
        )


def of_reading(report: Mapping[str, Any]) -> Iterator[Finding]:
    """Cells that hold something, but nothing of their column's kind."""
    for table, said in report.items():
        for key, what in _UNREAD.items():
            for column, note in (said.get(key) or {}).items():
                example = f"such as {note['example']!r}"
                yield Finding(
                    level="warn",
                    title=f"Cells of {table}.{column} could not be read",
                    words=f"{note['count']:,} cells are no {what}, {example}. They count as empty.",
                    advice="Another kind, another separator, or another writing of the file would save them.",
                )


def of_split(new: Newcomers | None, sizes: Sizes) -> Iterator[Finding]:
    """A test part that is empty, tiny, or full of what nobody has seen."""
    if new is None:
        yield Finding(level="note", title="There is no test part", words="Nothing can be measured.")
        return
    if sizes.parts["test"] < _TINY:
        yield Finding(
            level="warn",
            title="The test part is tiny",
            words=f"It has {sizes.parts['test']:,} events; intervals will be wide.",
        )
    advice = {
        "users": "What helps strangers (context, content, popularity of late) matters here.",
        "items": "Measurements leave them out unless cold_items is on in [evaluate]; live, they will come.",
    }
    for who, share, events in (("users", new.users, new.user_events), ("items", new.items, new.item_events)):
        if share > 0.3:
            yield Finding(
                level="warn",
                title=f"Many {who} of the test part are new",
                words=f"{share:.0%} of them, with {events:.0%} of its events, are not in train.",
                advice=advice[who],
            )


def _names(columns: Sequence[ColumnFacts]) -> str:
    words = [f"{one.table}.{one.name}" for one in columns]
    return ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")
