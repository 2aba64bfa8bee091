# SPDX-License-Identifier: Apache-2.0
"""What an evaluation found, as one JSON file and one page.

A report says enough to be read alone, years later: the numbers, how sure they are, who was asked, what was
hidden from the models, and with which versions it was made. It knows no model and no data set.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penchant import artefact
from penchant.drawing.versions import library_versions
from penchant.errors import DataError
from penchant.evaluate import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mean over users, and its interval; coverage, which belongs to no user, has none."""

    mean: float
    low: float | None = None
    high: float | None = None


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accuracy for a part of what was to be found (see `segments`), over the users who had any of it.

    Attributes:
        by: the aspect: "history", "popularity" or "time".
        name: the part, in words.
        users: how many they are.
        measures: as in `Result`.
    """

    by: str = "history"
    name: str
    users: int
    measures: dict[str, Measure]


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model's numbers.

    Attributes:
        model: its name in this report; no two results share one.
        kind: its row in the table of models.
        measures: by metric and k: "ndcg@10".
        segments: parts of the question, aspect by aspect.
        popularity: share of the recommended places that went to each tenth of the catalogue, most popular
            tenth first; empty where it was not measured.
        timings: seconds by what was done: {"fit": 12.3, "evaluate": 0.8}.
    """

    model: str
    kind: str
    measures: dict[str, Measure]
    segments: tuple[Segment, ...] = ()
    popularity: tuple[float, ...] = ()
    timings: dict[str, float] = {}


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mean of `better` - `worse` over the same users (see `bootstrap.pairs`).

    Attributes:
        metric: which.
        better, worse: two models of the report, the one with the higher mean first.
        mean, low, high: of the difference.
        p: how likely chance alone goes as far.
        holm: the same, corrected for all pairs of the report; null in reports that looked at one pair only.
    """

    metric: str
    better: str
    worse: str
    mean: float
    low: float
    high: float
    p: float
    holm: float | None = None

    @property
    def corrected(self) -> float:
        """The p to judge by."""
        return self.p if self.holm is None else self.holm


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One evaluation: some models, the same users, the same hidden events.

    Attributes:
        run: the run's name.
        protocol: in words, who was asked and what was hidden.
        users: how many were asked.
        items: how many could be recommended.
        events: how many were known to the models.
        ks: the cut-offs, ascending.
        results: one per model.
        comparisons: between models, user by user.
        popularity: share of the known events in each tenth of the catalogue, most popular first.
        level: probability inside the intervals.
        question: fingerprints of who was asked, what was hidden and what competed (see `identity`).
        versions: of the program, Python and the libraries.
        created: UTC, ISO 8601.
    """

    run: str
    protocol: str
    users: int
    items: int
    events: int
    ks: tuple[int, ...]
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...] = ()
    popularity: tuple[float, ...] = ()
    level: float = 0.95
    question: dict[str, str] = {}
    versions: dict[str, str] = msgspec.field(default_factory=library_versions)
    created: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def write_json(report: Report, path: Path) -> None:
    """Put the report at `path`, in one step."""
    artefact.write_json(path, report)


def read_json(path: Path) -> Report:
    """What `write_json` wrote.

    Raises:
        DataError: the file is not there or is not a report.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path} is not an evaluation report that Penchant wrote: {error}") from error


def write_html(
    report: Report,
    path: Path,
    curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    runs: Sequence[Report] = (),
) -> None:
    """Put the report at `path` as one page that asks the network for nothing.

    Args:
        report: what to show.
        path: the file to make.
        curves: by model, the rows of its `metrics.jsonl`, for the training curves.
        runs: the reports that this one was put together from, if it was.
    """
    artefact.write_text(path, page.render(report, curves or {}, runs))


def keep(report: Report, folder: Path) -> None:
    """Write `report.json` and `report.html` into a run's folder, with the training curve that lies there.

    Seconds of an earlier report there stay for what this one did not do anew: asking again takes no fitting.
    """
    path, lines = folder / "report.json", folder / "metrics.jsonl"
    try:
        earlier = {result.model: result.timings for result in read_json(path).results}
    except DataError:
        earlier = {}
    results = tuple(
        msgspec.structs.replace(result, timings={**earlier.get(result.model, {}), **result.timings})
        for result in report.results
    )
    report = msgspec.structs.replace(report, results=results)
    write_json(report, path)
    rows = [msgspec.json.decode(row) for row in lines.read_bytes().splitlines()] if lines.exists() else []
    write_html(report, folder / "report.html", {results[0].model: rows} if rows else {})
