# SPDX-License-Identifier: Apache-2.0
"""From what each user got to what a report says: intervals, segments, the long tail, model against model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from penchant.errors import DataError
from penchant.evaluate.bootstrap import intervals, pairs
from penchant.evaluate.identity import differences, identity
from penchant.evaluate.metrics import ABSENT, headline
from penchant.evaluate.report import Comparison, Measure, Report, Result, Segment
from penchant.evaluate.segments import Slice, slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penchant.evaluate.metrics import Floats, Ints
    from penchant.evaluate.protocol import EvaluateConfig, Evaluation, Question

TENTHS = 10


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
    evaluations = [entry.evaluation for entry in entries.values()]
    question = evaluations[0].question
    asked = identity(question)
    for name, other in zip(entries, evaluations, strict=True):
        if other.question is question:
            continue
        apart = [
            *differences(asked, identity(other.question)),
            *(["config"] * (other.question.config != question.config)),
        ]
        if apart:
            first = next(iter(entries))
            raise DataError(f"model {name!r} was asked another question than {first!r}: {', '.join(apart)} differ")
    whole = _measures([one.per_user for one in evaluations], question.config)
    cut = _segments([slices(one) for one in evaluations], question.config)
    return Report(
        run=run,
        protocol=f"{split}\n{question.describe()}",
        users=len(question.ids),
        items=len(question.candidates),
        events=question.n_known,
        ks=question.ks,
        results=tuple(
            Result(
                model=name,
                kind=entry.kind,
                measures=measures | {key: Measure(mean=value) for key, value in entry.evaluation.overall.items()},
                segments=segments,
                popularity=_recommended(entry.evaluation),
                timings=dict(entry.timings),
            )
            for (name, entry), measures, segments in zip(entries.items(), whole, cut, strict=True)
        ),
        comparisons=comparisons(
            {name: entry.evaluation.per_user for name, entry in entries.items()}, question.ks, question.config
        ),
        popularity=_shares(_tenths(question), question.popularity[question.candidates].astype(np.float64)),
        level=question.config.level,
        question=asked,
    )


def comparisons(
    scores: Mapping[str, Mapping[str, Floats]], ks: Sequence[int], config: EvaluateConfig
) -> tuple[Comparison, ...]:
    """Every model against every other by NDCG, the best ones first.

    Args:
        scores: by model and metric, [B] of the same users.
        ks: lengths of list that were measured.
        config: how often users are drawn, with which seed, and how sure an interval is.
    """
    key, names = f"ndcg@{headline(ks)}", list(scores)
    if len(names) < 2:
        return ()
    values = np.stack([scores[name][key] for name in names])
    found = pairs(values, resamples=config.bootstrap, seed=config.seed, level=config.level)
    return tuple(
        Comparison(
            metric=key, better=names[one.better], worse=names[one.worse], holm=one.holm, **one.difference._asdict()
        )
        for one in found
    )


def _measures(systems: Sequence[Mapping[str, Floats]], config: EvaluateConfig) -> list[dict[str, Measure]]:
    """The interval of every metric of each system, all of them on the same draws of the same users."""
    rows = np.concatenate([np.stack(list(system.values())) for system in systems])
    found = iter(intervals(rows, resamples=config.bootstrap, seed=config.seed, level=config.level))
    return [{key: Measure(**next(found)._asdict()) for key in system} for system in systems]


def _segments(systems: Sequence[Sequence[Slice]], config: EvaluateConfig) -> list[tuple[Segment, ...]]:
    """The segments of each system; systems that were asked one question have the same parts."""
    columns = []
    for same in zip(*systems, strict=True):
        part, users = same[0].part, int(same[0].members.sum())
        measured = _measures([one.per_user for one in same], config)
        columns.append([Segment(by=part.by, name=part.name, users=users, measures=one) for one in measured])
    return [tuple(column[n] for column in columns) for n in range(len(systems))]


def _tenths(question: Question) -> Ints:
    """[M] int64: the tenth of the competing items, by popularity, that each falls into; 0 is the most popular."""
    order = np.argsort(-question.popularity[question.candidates], kind="stable")
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
    return _shares(_tenths(question)[places], np.ones(len(places)))
