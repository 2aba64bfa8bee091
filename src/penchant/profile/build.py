# SPDX-License-Identifier: Apache-2.0
"""A data set's profile: every number of it, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penchant.drawing.versions import library_versions
from penchant.profile import counts, rhythm, suspicious
from penchant.profile.coverage import coverage
from penchant.profile.describe import columns
from penchant.profile.drift import drift, newcomers
from penchant.profile.facts import Fallen, Profile
from penchant.profile.view import SAMPLE, View
from penchant.schema import ITEM, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from penchant.data.dataset import Dataset


def profile(
    dataset: Dataset,
    parts: Mapping[str, pl.LazyFrame],
    split: str,
    report: Mapping[str, Any] | None = None,
    *,
    sample: int = SAMPLE,
) -> Profile:
    """Look at a data set from all sides.

    Args:
        dataset: the clean tables.
        parts: the events of "train", "validation" and "test", which together are all of them.
        split: how they were divided, in words.
        report: what ingestion wrote beside the data set, for what fell.
        sample: rows that distributions are taken from; counts are always of all rows.
    """
    view = View(dataset=dataset, parts=parts, split=split, report=report or {}, sample=sample)
    sized = counts.sizes(view)
    bins, unit = counts.over_time(view, sized)
    people, things = counts.tail(view, USER), counts.tail(view, ITEM)
    described, covered, new = columns(view), coverage(view), newcomers(view)
    tables = {name: table for name, table in view.report.items() if "rows" in table}
    findings = [
        *suspicious.of_users(people, things, sized),
        *suspicious.of_split(new, sized),
        *suspicious.of_reading(tables),
        *rhythm.of_days(view, sized),
        *rhythm.of_clock(view, sized),
        *rhythm.of_speed(view, sized),
        *suspicious.of_columns(described),
        *suspicious.of_ids(view),
        *suspicious.of_content(covered, sized),
        *rhythm.of_popularity(view, sized),
    ]
    return Profile(
        name=dataset.name,
        clock=dataset.schema.has_time,
        split=view.split,
        sizes=sized,
        over_time=bins,
        time_unit=unit,
        hours=counts.hours(view, sized),
        users=people,
        items=things,
        types=counts.types(view),
        columns=described,
        coverage=covered,
        rows_in={name: int(table["rows"]) for name, table in tables.items()},
        kept={name: int(table["kept"]) for name, table in tables.items()},
        fallen=tuple(_fallen(tables)),
        newcomers=new,
        drift=drift(view),
        findings=tuple(sorted(findings, key=lambda one: one.level != "warn")),
        versions=library_versions(),
    )


def _fallen(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[Fallen]:
    """What fell, by table and rule, the rule that took most first."""
    for name, table in tables.items():
        for rule, said in sorted(table["refused"].items(), key=lambda pair: -int(pair[1]["count"])):
            yield Fallen(
                table=name, rule=rule, count=said["count"], share=said["count"] / max(int(table["rows"]), 1),
                file=str(said["file"]), row=int(said["row"]), reason=str(said["reason"]),
                reasons=said.get("reasons", {}),
            )  # fmt: skip
