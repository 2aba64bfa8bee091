# SPDX-License-Identifier: Apache-2.0
"""From what each user got to what a report says: intervals, segments, the long tail, model against model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from penchant.errors import DataError
from penchant.evaluate.bootstrap import intervals, paired
from penchant.evaluate.metrics import ABSENT, headline
from penchant.evaluate.report import Comparison, Measure, Report, Result, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.evaluate.metrics import Bools, Floats, Ints
    from penchant.evaluate.protocol import Evaluation, Question

TENTHS = 10
LENGTHS = ((1, 5), (6, 20), (21, 100), (101, None))
"""Bounds, both included, of the segments of users by known events."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One model's answers, and what the report says of it besides.

    Attributes:
        kind: its row in the table of models.
        evaluation: its answers.
        timings: seconds by what was done.
    """

    kind: str
    evaluation: Evaluation
    timings: dict[str, float] = {}


def report(run: str, split: str, entries: Mapping[str, Entry]) -> Report:
    """The report on some models that were asked the same question.

    Args:
        run: the run's name.
        split: in words, how known and hidden events were told apart; the rest of the protocol is added.
        entries: by the name that a model has in the report.

    Raises:
        DataError: there is no model, or two were asked different questions.
    """
    if not entries:
        raise DataError("there is no model to report on")
    first = next(iter(entries.values())).evaluation
    question = first.question
    for name, entry in entries.items():
        if not _same(entry.evaluation.question, question):
            raise DataError(f"model {name!r} was asked another question than {next(iter(entries))!r}")
    return Report(
        run=run,
        protocol=f"{split}\n{question.describe()}",
        users=len(question.ids),
        items=len(question.candidates),
        events=question.n_known,
        ks=question.ks,
        results=tuple(_result(name, entry) for name, entry in entries.items()),
        comparisons=_comparisons({name: entry.evaluation for name, entry in entries.items()}),
        popularity=_shares(_tenths(question.popularity), question.popularity.astype(np.float64)),
        level=question.config.level,
    )


def segments(lengths: Ints) -> dict[str, Bools]:
    """Which users are new, warm, and of which length of history, where there are any: [B] bool each.

    Args:
        lengths: [B] how many events are known of each user.
    """
    parts = {"new": lengths == 0, "warm": lengths > 0}
    if not parts["new"].any():
        parts = {}
    for low, high in LENGTHS:
        name = f"{low} to {high}" if high else f"over {low - 1}"
        parts[name] = (lengths >= low) & (lengths <= (high or np.inf))
    return {name: members for name, members in parts.items() if members.any()}


def _same(a: Question, b: Question) -> bool:
    return (
        a.config == b.config
        and a.ids.equals(b.ids)
        and np.array_equal(a.relevant.rows, b.relevant.rows)
        and np.array_equal(a.candidates, b.candidates)
    )


def _result(name: str, entry: Entry) -> Result:
    evaluation = entry.evaluation
    question = evaluation.question
    everyone = np.ones(len(question.ids), dtype=np.bool_)
    lengths = question.users.history.lengths.numpy()
    coverage = {key: Measure(mean=value) for key, value in evaluation.coverage.items()}
    return Result(
        model=name,
        kind=entry.kind,
        measures=_measures(evaluation, everyone) | coverage,
        segments=tuple(
            Segment(name=part, users=int(members.sum()), measures=_measures(evaluation, members))
            for part, members in segments(lengths).items()
        ),
        popularity=_recommended(evaluation),
        timings=dict(entry.timings),
    )


def _measures(evaluation: Evaluation, members: Bools) -> dict[str, Measure]:
    config = evaluation.question.config
    values = np.stack(list(evaluation.per_user.values()))[:, members]
    found = intervals(values, resamples=config.bootstrap, seed=config.seed, level=config.level)
    return {
        key: Measure(mean=interval.mean, low=interval.low, high=interval.high)
        for key, interval in zip(evaluation.per_user, found, strict=True)
    }


def _comparisons(evaluations: Mapping[str, Evaluation]) -> tuple[Comparison, ...]:
    """The best model by NDCG against each of the others, the nearest first."""
    question = next(iter(evaluations.values())).question
    key, config = f"ndcg@{headline(question.ks)}", question.config
    scores = {name: evaluation.per_user[key] for name, evaluation in evaluations.items()}
    best, *others = sorted(scores, key=lambda name: -float(scores[name].mean()))
    found = []
    for other in others:
        gap = paired(scores[best], scores[other], resamples=config.bootstrap, seed=config.seed, level=config.level)
        found.append(Comparison(metric=key, better=best, worse=other, **gap._asdict()))
    return tuple(found)


def _tenths(popularity: Ints) -> Ints:
    """[M] int64: the tenth of the items, by popularity, that each falls into; 0 is the most popular."""
    order = np.argsort(-popularity, kind="stable")
    tenths = np.empty(len(order), dtype=np.int64)
    tenths[order] = np.arange(len(order)) * TENTHS // len(order)
    return tenths


def _shares(tenths: Ints, weights: Floats) -> tuple[float, ...]:
    """The share of the weights that lies in each tenth."""
    totals = np.bincount(tenths, weights=weights, minlength=TENTHS)
    return tuple((totals / max(float(totals.sum()), 1e-12)).tolist())


def _recommended(evaluation: Evaluation) -> tuple[float, ...]:
    """The share of the first places of all lists that goes to each tenth of the competing items."""
    question: Question = evaluation.question
    shown = evaluation.ranked[:, : headline(question.ks)]
    # Lists hold candidates only, and candidates ascend, so a row's place among them is its index there.
    places = np.searchsorted(question.candidates, shown[shown != ABSENT])
    tenths = _tenths(question.popularity)
    return _shares(tenths[places], np.ones(len(places)))
