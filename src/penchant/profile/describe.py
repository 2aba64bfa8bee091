# SPDX-License-Identifier: Apache-2.0
"""Each column of each table: what is missing, how many different values there are, and how they are
distributed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.data.dataset import PART
from penchant.profile.facts import ColumnFacts, Histogram
from penchant.profile.view import distinct, run
from penchant.schema import (
    AMOUNT,
    DWELL,
    FRIEND,
    ITEM,
    POSITION,
    PROPENSITY,
    QUANTITY,
    RATING,
    SESSION,
    TEXT,
    TIME,
    TYPE,
    USER,
    VALUE,
    WEIGHT,
    Kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penchant.profile.view import View

BINS = 20
SKEWED = 5
"""Numbers whose 99 % quantile is so many times their median are shown on a logarithmic scale."""
MOST_VALUES = 12
MOST_COLUMNS = 200
"""Of one table; a page with more would not be read."""
_SHOWN = 40
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_WORDS = {Kind.CATEGORY, Kind.TAGS, Kind.ID}
_GIVEN = {
    USER: "id", ITEM: "id", FRIEND: "id", SESSION: "id", TIME: "time", TYPE: "category", TEXT: "text",
    VALUE: "number", DWELL: "number", AMOUNT: "number", QUANTITY: "number", POSITION: "number",
    PROPENSITY: "number", RATING: "number", WEIGHT: "number",
}  # fmt: skip
"""Kinds of the canonical columns."""
_NEVER = (PART, USER, ITEM, TIME, TYPE)
"""Columns of events that are told of elsewhere."""


def columns(view: View) -> tuple[ColumnFacts, ...]:
    """The columns of all tables, but for ids that are complete by nature."""
    found: list[ColumnFacts] = []
    for table, rows, kinds in _tables(view):
        chosen = dict(list(kinds.items())[:MOST_COLUMNS])
        found.extend(_of_table(table, rows, chosen, view.sample))
    return tuple(found)


def _tables(view: View) -> Iterator[tuple[str, pl.LazyFrame, dict[str, str]]]:
    dataset = view.dataset
    schema = dataset.schema
    have = view.events.collect_schema().names()
    context = {name: column.kind.value for name, column in schema.context.items()}
    events = {n: context.get(n) or _GIVEN.get(n, "text") for n in have if n not in _NEVER}
    if not schema.has_value:
        events.pop(VALUE, None)
    yield "events", view.events, events
    named = {name: column.kind.value for name, column in schema.items.items()}
    title = {schema.title: "text"} if schema.title else {}
    yield "items", dataset.items.lazy(), title | named
    yield "users", dataset.users.lazy(), {name: column.kind.value for name, column in schema.users.items()}
    for table in ("reviews", "social"):
        rows = getattr(dataset, table, None)
        if rows is not None:
            yield table, rows.lazy(), {n: _GIVEN.get(n, "text") for n in rows.columns}


def _of_table(table: str, rows: pl.LazyFrame, kinds: Mapping[str, str], most: int) -> Iterator[ColumnFacts]:
    if not kinds:
        return
    schema = rows.collect_schema()
    height = int(run(rows.select(pl.len())).item())
    if not height:
        return
    gone = {name: _missing(name, schema[name]) for name in kinds}
    missing = run(rows.select(**{name: cell.sum() for name, cell in gone.items()})).row(0, named=True)
    different = distinct(rows, {name: _plain(name, schema[name], cell) for name, cell in gone.items()}, height)
    step = -(-height // most)
    some = run(rows.select(list(kinds)).with_row_index("_n").filter(pl.col("_n") % step == 0).drop("_n"))
    for name, kind in kinds.items():
        cells = some.filter(~gone[name])[name]
        base = ColumnFacts(
            table=table, name=name, kind=kind, rows=height, missing=int(missing[name]), distinct=different[name],
            example=shown(cells), sampled=len(cells),
        )  # fmt: skip
        yield describe(base, cells)


def describe(base: ColumnFacts, cells: pl.Series) -> ColumnFacts:
    """The distribution of a column's cells (none of them missing), as its kind has it."""
    replace = {}
    if base.kind == Kind.NUMBER and cells.dtype.is_numeric() and len(cells):
        numbers = cells.cast(pl.Float64).to_numpy()
        quantiles = tuple(map(float, np.quantile(numbers, _QUANTILES)))
        replace = {"quantiles": quantiles, "histogram": histogram(numbers)}
    elif base.kind in _WORDS and len(cells):
        words = cells.explode() if isinstance(cells.dtype, pl.List) else cells
        top = words.drop_nulls().cast(pl.String).alias("word").to_frame().group_by("word").len()
        top = top.sort("len", "word", descending=[True, False]).head(MOST_VALUES)
        replace = {"values": tuple(top.rows())}
    elif base.kind == Kind.TEXT and cells.dtype == pl.String and len(cells):
        lengths = cells.str.len_chars().cast(pl.Float64).to_numpy()
        replace = {"quantiles": tuple(map(float, np.quantile(lengths, _QUANTILES)))}
    return ColumnFacts(**{field: getattr(base, field) for field in base.__struct_fields__} | replace)


def histogram(numbers: np.ndarray) -> Histogram:
    """Counts in up to `BINS` bins between the 1 and 99 % quantiles; what lies beyond is in the outer bins.

    Bins are of one width, or, where few numbers are far larger than most, each is wider than the last by one
    factor.

    Args:
        numbers: [n], finite; at least one.
    """
    low, high = np.quantile(numbers, [0.01, 0.99])
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) <= BINS:
        # Few values (stars, pieces): one bin for each, so that no bin stands empty between them.
        step = float(np.diff(values).min()) if len(values) > 1 else 1.0
        starts = (*map(float, values), float(values[-1]) + step)
        return Histogram(starts=starts, counts={"all": tuple(map(int, counts))})
    if low == high:
        low, high = float(numbers.min()), float(numbers.max())
    edges = np.geomspace(low, high, BINS + 1) if skewed(numbers) else np.linspace(low, high, BINS + 1)
    counts, _ = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)
    return Histogram(starts=tuple(map(float, edges)), counts={"all": tuple(map(int, counts))})


def skewed(numbers: np.ndarray) -> bool:
    """Whether few are so much larger than most (prices, quantities) that bins should grow with what they hold."""
    low, median, high = np.quantile(numbers, [0.01, 0.5, 0.99])
    return bool(low > 0 and high > SKEWED * median)


def shown(cells: pl.Series) -> str:
    """The first cell, short; "" where there is none."""
    if not len(cells):
        return ""
    first = cells[0]
    if isinstance(first, bytes):
        return f"<{len(first):,} bytes>"
    if isinstance(first, pl.Series):
        first = ", ".join(map(str, first.head(4).to_list())) + (", ..." if len(first) > 4 else "")
    text = f"{first:g}" if isinstance(first, float) else str(first)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _missing(name: str, kind: pl.DataType) -> pl.Expr:
    cell = pl.col(name)
    if isinstance(kind, pl.List):
        return cell.is_null() | (cell.list.len() == 0)
    if kind == pl.String:
        return cell.is_null() | (cell.str.strip_chars() == "")
    return cell.is_null()


def _plain(name: str, kind: pl.DataType, missing: pl.Expr) -> pl.Expr:
    """What is counted of the cells that are there: of lists of words the words, of other lists each as a whole."""
    cells = pl.col(name).filter(~missing)
    if kind == pl.List(pl.String):
        return cells.explode()
    return cells.hash() if kind.is_nested() else cells
