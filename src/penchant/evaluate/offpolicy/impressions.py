# SPDX-License-Identifier: Apache-2.0
"""Logged impressions: what was shown where, with which probability, and what came of it; and policies out of them.

A row is one decision: an item was put at a position. A policy is a table of probabilities over items for each
position; whatever else it looked at when it chose has been averaged over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from penchant.errors import DataError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.evaluate.metrics import Floats, Ints

ITEM, POSITION, REWARD, PROPENSITY, UNIT = "_item", "_position", "_reward", "_propensity", "_unit"
_TOTAL = 1e-3
"""How far from 1 the probabilities of a policy may lie in all, and still be meant to be 1."""


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of a log is which.

    Attributes:
        item: what was shown.
        position: where; None where there is but one place.
        reward: what came of it, a number: 1 for a click, 0 for none.
        propensity: probability with which the logging policy showed it there.
        context: what was known when it was shown; a reward model learns from it.
        unit: whose rows belong together when rows are drawn (a user, a session); None: each stands alone.
    """

    item: str = "item_id"
    position: str | None = "position"
    reward: str = "click"
    propensity: str = "propensity"
    context: tuple[str, ...] = ()
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Impressions:
    """A log in numbers. n rows, A items, P positions.

    Attributes:
        items: [n] int64, 0 to A - 1.
        positions: [n] int64, 0 to P - 1.
        rewards: [n] float64.
        propensities: [n] float64, above 0 and at most 1.
        units: [n] int64, whose row it is.
        context: [n] rows of the context columns.
        n_items: A.
        n_positions: P.
    """

    items: Ints
    positions: Ints
    rewards: Floats
    propensities: Floats
    units: Ints
    context: pl.DataFrame
    n_items: int
    n_positions: int


def read(path: Path, columns: Columns, *extra: str) -> pl.DataFrame:
    """The columns of a log under the names of this file, checked; `extra` ones beside them.

    Raises:
        DataError: names the file, the column, and where a value is at fault the first such row.
    """
    try:
        whole = _scan(path)
        known = whole.collect_schema().names()
        places = [columns.position] if columns.position else []
        units = [columns.unit] if columns.unit else []
        for name in (columns.item, *places, columns.reward, columns.propensity, *columns.context, *units, *extra):
            if name not in known:
                raise DataError(f"{path}: there is no column {name!r}{nearest(name, known)}")
        log = whole.select(
            pl.col(columns.item).cast(pl.String).alias(ITEM),
            (pl.col(columns.position).cast(pl.String) if columns.position else pl.lit("1")).alias(POSITION),
            pl.col(columns.reward).cast(pl.Float64, strict=False).alias(REWARD),
            pl.col(columns.propensity).cast(pl.Float64, strict=False).alias(PROPENSITY),
            (pl.col(columns.unit).cast(pl.String) if columns.unit else pl.lit("")).alias(UNIT),
            *(pl.col(name) for name in dict.fromkeys((*columns.context, *extra))),
        ).collect()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} is not a table: {error}") from error
    if log.is_empty():
        raise DataError(f"{path} has no rows")
    _refuse(log, path, columns.item, pl.col(ITEM).is_null(), "is missing")
    _refuse(log, path, columns.position or "", pl.col(POSITION).is_null(), "is missing")
    number = pl.col(REWARD).is_finite().fill_null(value=False)
    _refuse(log, path, columns.reward, ~number, "is not a number")
    likely = ((pl.col(PROPENSITY) > 0) & (pl.col(PROPENSITY) <= 1)).fill_null(value=False)
    _refuse(log, path, columns.propensity, ~likely, "is not above 0 and at most 1")
    return log


def encode(
    log: pl.DataFrame, items: pl.Series, positions: pl.Series, context: tuple[str, ...] = ()
) -> Impressions:
    """A log in numbers, by the ids of items and positions that it and the policy have between them."""
    found = log.select(
        _place(ITEM, items), _place(POSITION, positions), pl.col(UNIT).rank("dense").cast(pl.Int64).alias(UNIT) - 1
    )
    alone = log[UNIT].n_unique() == 1
    return Impressions(
        items=found[ITEM].to_numpy(),
        positions=found[POSITION].to_numpy(),
        rewards=log[REWARD].to_numpy(),
        propensities=log[PROPENSITY].to_numpy(),
        units=np.arange(log.height) if alone else found[UNIT].to_numpy(),
        context=log.select(context),
        n_items=len(items),
        n_positions=len(positions),
    )


def ids(*logs: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """(items [A], positions [P]) that occur in any of the logs, ascending."""
    items, positions = (pl.concat([log[name] for log in logs]).unique().sort() for name in (ITEM, POSITION))
    return items, positions


def uniform(n_positions: int, n_items: int) -> Floats:
    """[P, A]: every item alike."""
    return np.full((n_positions, n_items), 1 / n_items)


def policy_of(shown: Impressions) -> Floats:
    """[P, A]: the policy that wrote a log, as probabilities of the items at each position.

    Where the log's own propensities of an item at a position never change and add up to 1 over the items, they are
    taken as they are. Elsewhere it is how often the item stood there: a policy that changed over time, or looked
    at the user, is averaged over both, so the log to be judged must be of the same time and the same users.
    A position that the log does not have gets no probability at all.
    """
    cell = shown.positions * shown.n_items + shown.items
    size, shape = shown.n_positions * shown.n_items, (shown.n_positions, shown.n_items)
    counts = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, cell, shown.propensities)
    np.maximum.at(high, cell, shown.propensities)
    said = np.where(counts > 0, low.reshape(shape), 0.0)
    steady = ((high - low).reshape(shape) <= 1e-9 * high.reshape(shape)) | (counts == 0)
    exact = steady.all(axis=1) & (np.abs(said.sum(axis=1) - 1) < _TOTAL)
    often = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    found: Floats = np.where(exact[:, None], said / np.maximum(said.sum(axis=1, keepdims=True), 1e-300), often)
    return found


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    if path.suffix == ".csv":
        return pl.scan_csv(path)
    if path.suffix == ".jsonl":
        return pl.scan_ndjson(path)
    raise DataError(f"{path}: a log must be .parquet, .csv or .jsonl")


def _place(name: str, known: pl.Series) -> pl.Expr:
    return pl.col(name).replace_strict(known, pl.int_range(len(known), eager=True), return_dtype=pl.Int64)


def _refuse(log: pl.DataFrame, path: Path, column: str, broken: pl.Expr, what: str) -> None:
    rows = log.select(broken.arg_true()).to_series()
    if len(rows):
        raise DataError(f"{path}, row {rows[0] + 1}: {column!r} {what} ({len(rows):,} such rows)")
