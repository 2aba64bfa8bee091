# SPDX-License-Identifier: Apache-2.0
"""What `penchant off-policy` does: read the log, take the policy, judge it, and the model of rewards with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from penchant.artefact import write_text
from penchant.errors import ConfigError, DataError
from penchant.evaluate import scores
from penchant.evaluate.bootstrap import Interval, intervals
from penchant.evaluate.offpolicy import estimators, impressions
from penchant.evaluate.offpolicy import rewards as model

if TYPE_CHECKING:
    from penchant.evaluate.metrics import Floats
    from penchant.evaluate.offpolicy.estimators import OffPolicy
    from penchant.evaluate.offpolicy.impressions import Columns, Impressions
    from penchant.evaluate.scores import Reliability

UNIFORM = "uniform"


class Quality(NamedTuple):
    """How good the cross-fitted model of rewards is; `auc` is None where all rewards are alike."""

    auc: float | None
    log_loss: float
    reliability: Reliability


class WhatIf(NamedTuple):
    """One policy judged on the log of another.

    Attributes:
        log: the log's name.
        policy: the policy's.
        result: the estimates.
        measured: what the policy's own log earned, where it has one: the truth that estimates are held against.
        quality: of the model of rewards, where rewards are 0 and 1 and there is one.
        level: probability inside the intervals.
        created: when, UTC, ISO 8601.
    """

    log: str
    policy: str
    result: OffPolicy
    measured: Interval | None
    quality: Quality | None
    level: float
    created: str


def judge(
    path: Path,
    columns: Columns,
    *,
    policy: str | None = None,
    policy_column: str | None = None,
    clip: float | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> WhatIf:
    """Estimate what a policy would have earned in place of the one that wrote a log.

    Args:
        path: the log.
        columns: which of its columns is which; the same names hold for the policy's log.
        policy: the log that the judged policy wrote, or "uniform": every item of the log alike.
        policy_column: or the column of the log with the judged policy's probability of what was shown. There is
            no doubly robust estimate then, which needs the probabilities of everything else as well.
        clip: the largest weight.
        resamples: draws of the bootstrap.
        level: probability inside the intervals.
        seed: of draws and folds.

    Raises:
        ConfigError: neither or both of `policy` and `policy_column` are given.
        DataError: a log cannot be used; names file, column and row.
    """
    if (policy is None) == (policy_column is None):
        raise ConfigError("Say which policy: --policy with its log or uniform, or --policy-column")
    if policy_column is not None:
        log = impressions.read(path, columns, policy_column)
        target = _probabilities(log, path, policy_column)
        shown = impressions.encode(log, *impressions.ids(log))
        result = estimators.judge(shown, target, clip=clip, resamples=resamples, level=level, seed=seed)
        return WhatIf(path.stem, policy_column, result, None, None, level, _now())
    log = impressions.read(path, columns)
    other = None if policy == UNIFORM else impressions.read(Path(str(policy)), columns)
    items, positions = impressions.ids(log, *([] if other is None else [other]))
    shown = impressions.encode(log, items, positions, columns.context)
    measured = None
    if other is None:
        table = impressions.uniform(len(positions), len(items))
    else:
        theirs = impressions.encode(other, items, positions)
        table = impressions.policy_of(theirs)
        measured = _mean(theirs, resamples, level, seed)
    _check_positions(table, shown, positions, path, str(policy))
    foretold = model.foretell(shown, table, seed=seed)
    target, unseen = table[shown.positions, shown.items], _unseen(table, shown)
    result = estimators.judge(
        shown, target, foretold, unseen=unseen, clip=clip, resamples=resamples, level=level, seed=seed
    )
    log_name, policy_name = _names(path, None if other is None else Path(str(policy)))
    return WhatIf(log_name, policy_name, result, measured, _quality(foretold.logged, shown.rewards), level, _now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _names(log: Path, policy: Path | None) -> tuple[str, str]:
    """What the two are called: their files' names, or their folders' where those are the same."""
    if policy is None:
        return log.stem, UNIFORM
    if log.stem != policy.stem:
        return log.stem, policy.stem
    return str(log.resolve().parent.name), str(policy.resolve().parent.name)


def write_page(found: WhatIf, path: Path) -> None:
    """Put it at `path` as one page."""
    from penchant.evaluate.offpolicy import page  # noqa: PLC0415 - the page knows this file's types

    write_text(path, page.render(found))


def _probabilities(log: pl.DataFrame, path: Path, column: str) -> Floats:
    values = log[column].cast(pl.Float64, strict=False)
    wrong = (~values.is_between(0, 1)).fill_null(value=True).arg_true()
    if len(wrong):
        raise DataError(f"{path}, row {wrong[0] + 1}: {column!r} is no probability ({len(wrong):,} such rows)")
    return values.to_numpy()


def _check_positions(table: Floats, shown: Impressions, positions: pl.Series, path: Path, policy: str) -> None:
    empty = np.flatnonzero((table.sum(axis=1) == 0) & (np.bincount(shown.positions, minlength=len(table)) > 0))
    if len(empty):
        raise DataError(
            f"{path} has rows at position {positions[int(empty[0])]!r}, which {policy} never fills: leave those "
            "rows out, or give a log of the policy that has them"
        )


def _unseen(table: Floats, shown: Impressions) -> float:
    """How often, on average over the log's rows, the policy shows what the log never does at that position."""
    counts = np.zeros(table.shape)
    np.add.at(counts, (shown.positions, shown.items), 1)
    lost = np.where(counts == 0, table, 0.0).sum(axis=1)
    return float(lost @ counts.sum(axis=1) / counts.sum())


def _mean(shown: Impressions, resamples: int, level: float, seed: int) -> Interval:
    (found,) = intervals(shown.rewards[None], resamples=resamples, seed=seed, level=level)
    return found


def _quality(foretold: Floats, rewards: Floats) -> Quality | None:
    if not np.isin(rewards, (0.0, 1.0)).all():
        return None
    order = scores.auc(foretold, rewards) if np.ptp(rewards) else None
    return Quality(order, scores.log_loss(foretold, rewards), scores.reliability(foretold, rewards))
