# SPDX-License-Identifier: Apache-2.0
"""What came of showing an item to somebody: the labels of a ranker, out of a log.

Where the log says what was shown, a case is an impression, and what came of it is what the same user did with the
same item until it was shown again. Where it does not, a case is a candidate, and what came of it is what the user
did with the item until the next moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from penchant.errors import ConfigError, nearest
from penchant.schema import ITEM, POSITION, TIME, TYPE, USER, VALUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from penchant.rank.tasks import TaskConfig
    from penchant.schema import Schema

CASE = "case"
"""Which row of the log a case is."""


def types_of(task: TaskConfig, schema: Schema) -> list[str]:
    """The types of event that a task is about.

    Raises:
        ConfigError: the log has no such type, or no such number.
    """
    where = f"[[rank.tasks]] {task.name}"
    for name in task.types:
        if name not in schema.event_types:
            raise ConfigError(f"{where}: types: no event is a {name!r}{nearest(name, schema.event_types)}")
    known = (*schema.extras, *((VALUE,) if schema.has_value else ()))
    if task.of is not None and task.of not in known:
        raise ConfigError(f"{where}: of: the events have no {task.of}{nearest(task.of, known)}")
    # A type that the run file says nothing of leans towards the item, as everywhere.
    leaning = [
        name for name in schema.event_types if name not in schema.meanings or schema.meanings[name].sign > 0
    ]
    return list(task.types) or [name for name in leaning if name not in schema.shown]


def deeds_of(events: pl.DataFrame, tasks: Sequence[TaskConfig], schema: Schema) -> pl.DataFrame:
    """The events that any task is about."""
    wanted = {name for task in tasks for name in types_of(task, schema)}
    return events.filter(pl.col(TYPE).is_in(list(wanted)))


def shown_cases(late: pl.DataFrame, tasks: Sequence[TaskConfig], schema: Schema) -> pl.DataFrame:
    """What was shown and what came of it: one row for each impression of `late`.

    What somebody did belongs to the last impression of that item to them before. Something that none led to was
    shown all the same if it has a position, or if no event has one: many logs write one line, of what came of it.

    Args:
        late: canonical events in log order.
        tasks: whose labels are wanted.
        schema: of the events.

    Returns:
        case (its row in `late`), user_id, item_id, position (0 where none is known), and a label for each task.
    """
    log = late.with_row_index(CASE)
    position = pl.col(POSITION).fill_null(0) if POSITION in late.columns else pl.lit(0)
    log = log.with_columns(position.cast(pl.Int64).clip(lower_bound=0).alias(POSITION))
    shown = log.filter(pl.col(TYPE).is_in(list(schema.shown)))
    deeds = deeds_of(log, tasks, schema)
    led = deeds.join_asof(
        shown.select(USER, ITEM, TIME, pl.col(CASE).alias("led")), on=TIME, by=[USER, ITEM], check_sortedness=False
    )
    alone = pl.col("led").is_null() & ((pl.col(POSITION) > 0) if POSITION in late.columns else pl.lit(value=True))
    led = led.with_columns(pl.when(alone).then(CASE).otherwise("led").alias("led"))
    columns = [CASE, USER, ITEM, POSITION]
    cases = pl.concat([shown.select(columns), led.filter(pl.col("led") == pl.col(CASE)).select(columns)])
    labels = _labels(led.drop_nulls("led").drop(CASE).rename({"led": CASE}), [CASE], tasks, schema)
    return _filled(cases.sort(CASE).join(labels, on=CASE, how="left", maintain_order="left"), tasks)


def outcomes(coming: pl.DataFrame, tasks: Sequence[TaskConfig], schema: Schema) -> pl.DataFrame:
    """What users did with items: user_id, item_id, a label for each task; pairs without a deed are not there."""
    return _filled(_labels(deeds_of(coming, tasks, schema), [USER, ITEM], tasks, schema), tasks)


def spread(keys: npt.NDArray[np.int64], table: pl.DataFrame, found: Tensor, tasks: Sequence[TaskConfig]) -> Tensor:
    """[C, T] labels of cases with the keys `found` [C], out of a table with the keys `keys` [R], each once."""
    labels = torch.tensor([[0.0 if task.kind != "regression" else float("nan") for task in tasks]])
    labels = labels.repeat(len(found), 1)
    if not len(keys):
        return labels
    order = np.argsort(keys)
    place = np.searchsorted(keys[order], found.numpy()).clip(max=len(keys) - 1)
    there = keys[order][place] == found.numpy()
    values = table.select(task.name for task in tasks).to_numpy().astype(np.float32)
    labels[torch.from_numpy(there)] = torch.from_numpy(values[order[place[there]]])
    return labels


def _labels(deeds: pl.DataFrame, keys: Sequence[str], tasks: Sequence[TaskConfig], schema: Schema) -> pl.DataFrame:
    """The labels of each group of deeds, by task."""
    return deeds.group_by(keys).agg(_label(task, types_of(task, schema)).alias(task.name) for task in tasks)


def _label(task: TaskConfig, types: list[str]) -> pl.Expr:
    ours = pl.col(TYPE).is_in(types)
    if task.of is not None:
        return pl.col(task.of).filter(ours).mean().cast(pl.Float64)
    return (ours.any() if task.kind == "binary" else ours.sum()).cast(pl.Float64)


def _filled(table: pl.DataFrame, tasks: Sequence[TaskConfig]) -> pl.DataFrame:
    """Nothing came: 0, and of a regression, no number."""
    return table.with_columns(
        pl.col(task.name).fill_null(float("nan") if task.kind == "regression" else 0.0) for task in tasks
    )
