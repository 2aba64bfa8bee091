# SPDX-License-Identifier: Apache-2.0
"""Models of several runs side by side, user by user: one report out of many, if all answered the same question."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from penchant.drawing.versions import library_versions
from penchant.errors import DataError
from penchant.evaluate import answers
from penchant.evaluate.identity import differences
from penchant.evaluate.protocol import EvaluateConfig
from penchant.evaluate.report import Report, Result, read_json, write_html
from penchant.evaluate.summary import comparisons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from penchant.evaluate.metrics import Floats

RESAMPLES = 10_000
"""Draws of the users. More than for a report, as a p is multiplied by the number of pairs."""


class Run(NamedTuple):
    """What a run left behind.

    Attributes:
        name: its id.
        report: its report.
        scores: by model and metric, [B] float64 of the same users in the same order.
    """

    name: str
    report: Report
    scores: Mapping[str, Mapping[str, Floats]]

    @classmethod
    def open(cls, folder: Path) -> Run:
        """A run's folder.

        Raises:
            DataError: it has no report, or none that could be compared: names the command that writes one.
        """
        report = read_json(folder / "report.json")
        if not report.question:
            raise DataError(
                f"{folder / 'report.json'} does not say what was asked, as it was written by an older version. "
                f"Write it anew: penchant evaluate {folder.name}"
            )
        scores = answers.read(folder / answers.FILE)
        missing = [result.model for result in report.results if result.model not in scores]
        if missing:
            raise DataError(
                f"{folder / answers.FILE} lacks the model {missing[0]!r} of report.json. "
                f"Write both anew: penchant evaluate {folder.name}"
            )
        return cls(folder.name, report, scores)


class Entrant(NamedTuple):
    """One model of one run, under the name that it has in the comparison."""

    run: Run
    result: Result
    name: str


def combine(runs: Sequence[Run]) -> Report:
    """One report on all models of some runs.

    A model that answered every user exactly as one of an earlier run did (a baseline that both have, say) stands
    there once. Two models of one name get the numbers of their runs, in the order given, behind it.

    Raises:
        DataError: there is no run, or two of them answered different questions; says in what they differ.
    """
    if not runs:
        raise DataError("there is no run to compare")
    first, ks = runs[0], _common_ks(runs)
    for other in runs[1:]:
        apart = differences(first.report.question, other.report.question)
        if apart:
            raise DataError(
                f"{first.name} and {other.name} cannot be compared, as they answered different questions. They "
                f"differ in {', '.join(apart)}. Give both the same data, [data.split] and [evaluate]"
            )
        if first.report.level != other.report.level:
            raise DataError(
                f"{first.name} and {other.name} cannot be compared, as their intervals are of level "
                f"{first.report.level} and {other.report.level}. Set one [evaluate] level and evaluate again"
            )
    entrants = list(_entrants(runs))
    scores = {one.name: one.run.scores[one.result.model] for one in entrants}
    return msgspec.structs.replace(
        first.report,
        run=f"{first.report.run.partition(':')[0]}: {len(entrants)} models of {len(runs)} runs",
        protocol="\n".join(dict.fromkeys(line for run in runs for line in run.report.protocol.splitlines())),
        ks=ks,
        results=tuple(msgspec.structs.replace(one.result, model=one.name) for one in entrants),
        comparisons=comparisons(scores, ks, EvaluateConfig(bootstrap=RESAMPLES, level=first.report.level)),
        versions=library_versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_page(report: Report, runs: Sequence[Run], path: Path) -> None:
    """Put what `combine` made of `runs` at `path` as one page."""
    write_html(report, path, runs=[msgspec.structs.replace(run.report, run=run.name) for run in runs])


def _common_ks(runs: Sequence[Run]) -> tuple[int, ...]:
    common = set.intersection(*(set(run.report.ks) for run in runs))
    if not common:
        told = "; ".join(f"{run.name}: {', '.join(map(str, run.report.ks))}" for run in runs)
        raise DataError(
            f"these runs have no length of list in common ({told}). Set one [evaluate] ks for all of them"
        )
    return tuple(sorted(common))


def _entrants(runs: Sequence[Run]) -> Iterator[Entrant]:
    kept: list[tuple[int, Run, Result]] = []
    for number, run in enumerate(runs, 1):
        kept.extend(
            (number, run, result)
            for result in run.report.results
            if not any(
                result.kind == other.kind and _same(run.scores[result.model], earlier.scores[other.model])
                for _, earlier, other in kept
            )
        )
    names = [result.model for _, _, result in kept]
    for number, run, result in kept:
        once = names.count(result.model) == 1
        yield Entrant(run, result, result.model if once else f"{result.model} ({number})")


def _same(a: Mapping[str, Floats], b: Mapping[str, Floats]) -> bool:
    common = a.keys() & b.keys()
    return bool(common) and all(np.array_equal(a[key], b[key]) for key in common)
