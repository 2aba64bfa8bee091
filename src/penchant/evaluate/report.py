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
    """The same metrics for a part of the users."""

    name: str
    users: int
    measures: dict[str, Measure]


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model's numbers.

    Attributes:
        model: its name in this report; no two results share one.
        kind: its row in the table of models.
        measures: by metric and k: "ndcg@10".
        segments: users by how much was known of them.
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
    """The mean of `better` - `worse` over the same users (see `bootstrap.paired`)."""

    metric: str
    better: str
    worse: str
    mean: float
    low: float
    high: float
    p: float


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
    report: Report, path: Path, curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> None:
    """Put the report at `path` as one page that asks the network for nothing.

    Args:
        report: what to show.
        path: the file to make.
        curves: by model, the rows of its `metrics.jsonl`, for the training curves.
    """
    artefact.write_text(path, page.render(report, curves or {}))


def combine(reports: Sequence[Report]) -> Report:
    """Reports of the same users and hidden events as one, to compare their models.

    Raises:
        DataError: there is none, they answer different questions, or two models share a name.
    """
    if not reports:
        raise DataError("there is no report to combine")
    first = reports[0]
    for other in reports[1:]:
        for field in ("protocol", "users", "items", "events", "ks", "level"):
            a, b = getattr(first, field), getattr(other, field)
            if a != b:
                raise DataError(f"{first.run!r} and {other.run!r} cannot be compared: {field} is {a!r} and {b!r}")
    results = tuple(result for report in reports for result in report.results)
    names = [result.model for result in results]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"two results are named {min(twice)!r}; rename one of the runs' models")
    comparisons = tuple(comparison for report in reports for comparison in report.comparisons)
    return msgspec.structs.replace(first, results=results, comparisons=comparisons)
