# SPDX-License-Identifier: Apache-2.0
"""What an experiment has come to: users of each variant, what they did, and whether more than chance differs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from penchant.schema import TIME, TYPE, USER
from penchant.serve.database import reason_of
from penchant.serve.eventtable import EVENTS, NUMBER, TEXT
from penchant.serve.impressions import ImpressionError
from penchant.serve.impressiontable import LISTS
from penchant.serve.sequential import Sequence, of_difference, of_mean
from penchant.serve.wire import Compared, ExperimentCard, VariantCard

if TYPE_CHECKING:
    from penchant.serve.experiments import Experiment

_KEYS = [USER + NUMBER, USER + TEXT]
_KINDS = {USER + NUMBER: pl.Int64(), USER + TEXT: pl.String()}


def results(engine: sa.Engine, experiment: Experiment, now: int) -> ExperimentCard:
    """What is known of an experiment at a moment.

    Each user counts once, from the first list that they were shown: what they did in the window after it is
    compared, when the window is over. So no user's outcome changes once it has been counted, and looking is free.

    Args:
        engine: of the database that holds events and impressions.
        experiment: running or ended.
        now: microseconds since 1970.

    Raises:
        ImpressionError: the database cannot be read.
    """
    try:
        units = _units(engine, experiment, now)
    except sa.exc.SQLAlchemyError as error:
        raise ImpressionError(f"The experiment cannot be read: {reason_of(error)}") from error
    ripe = units.filter(pl.col(TIME) + experiment.window <= now)
    names = [one.name for one in experiment.variants]
    outcomes = ripe["outcome"].to_numpy()
    arms = ripe["variant"].to_numpy()
    pairs = len(names) - 1
    cards = []
    for one in experiment.variants:
        own = _finite(of_mean(outcomes[arms == one.name], experiment.alpha))
        cards.append(
            VariantCard(
                name=one.name,
                bundle=one.bundle,
                share=one.share,
                users=units.filter(variant=one.name).height,
                counted=int((arms == one.name).sum()),
                mean=own[0],
                low=own[1],
                high=own[2],
            )
        )
    control = experiment.variants[0]
    compared = []
    for one in experiment.variants[1:]:
        both = (arms == one.name) | (arms == control.name)
        found = of_difference(
            outcomes[both],
            arms[both] == one.name,
            one.share / (one.share + control.share),
            experiment.alpha / pairs,
        )
        mean, low, high = _finite(found)
        p = min(1.0, found.p * pairs)
        compared.append(Compared(variant=one.name, control=control.name, difference=mean, low=low, high=high, p=p))
    return ExperimentCard(
        name=experiment.name,
        started=experiment.started,
        ended=experiment.ended,
        metric=experiment.metric,
        types=list(experiment.types),
        hours=experiment.hours,
        alpha=experiment.alpha,
        variants=cards,
        compared=compared,
    )


def _finite(found: Sequence) -> tuple[float | None, float | None, float | None]:
    """Mean and ends; None where nothing can be said, which JSON has no number for."""
    mean, low, high = (value if math.isfinite(value) else None for value in found[:3])
    return mean, low, high


def _units(engine: sa.Engine, experiment: Experiment, now: int) -> pl.DataFrame:
    """Each user's variant, first list and outcome so far, in the order in which they came."""
    end = now if experiment.ended is None else min(now, experiment.ended)
    first = (
        sa.select(LISTS.c[_KEYS[0]], LISTS.c[_KEYS[1]], LISTS.c.variant, sa.func.min(LISTS.c.time))
        .where(LISTS.c.experiment == experiment.name, LISTS.c.time <= end)
        .group_by(LISTS.c[_KEYS[0]], LISTS.c[_KEYS[1]], LISTS.c.variant)
    )
    done = sa.select(EVENTS.c[_KEYS[0]], EVENTS.c[_KEYS[1]], EVENTS.c[TIME]).where(
        EVENTS.c[TIME] >= experiment.started
    )
    if experiment.types:
        done = done.where(EVENTS.c[TYPE].in_(experiment.types))
    with engine.connect() as connection:
        shown = _frame(connection, first, {**_KINDS, "variant": pl.String(), TIME: pl.Int64()})
        events = _frame(connection, done, {**_KINDS, "done": pl.Int64()})
    shown = shown.sort(TIME).unique(_KEYS, keep="first", maintain_order=True).with_row_index("unit")
    pairs = shown.join(events, on=_KEYS, nulls_equal=True)
    after = pl.col("done") - pl.col(TIME)
    counts = pairs.filter((after > 0) & (after <= experiment.window)).group_by("unit").len("outcome")
    outcome = pl.col("outcome").fill_null(0).cast(pl.Float64)
    if experiment.metric == "conversion":
        outcome = outcome.clip(upper_bound=1.0)
    return shown.join(counts, on="unit", how="left", maintain_order="left").with_columns(outcome)


def _frame(connection: sa.Connection, query: sa.Select[Any], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    rows = connection.execute(query).fetchall()
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
