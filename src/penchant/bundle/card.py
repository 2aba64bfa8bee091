# SPDX-License-Identifier: Apache-2.0
"""The page that tells people what a bundle is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penchant.bundle.manifest import Manifest
    from penchant.recommend.ranking import SecondStage


def card(manifest: Manifest, second: SecondStage | None = None) -> str:
    """Markdown.

    Args:
        manifest: what the bundle says of itself.
        second: its second stage, if it has one.
    """
    choices = "\n".join(f"| {key} | {value} |" for key, value in sorted(manifest.config.items()))
    measured = "\n".join(f"| {key} | {value:.4f} |" for key, value in sorted(manifest.metrics.items()))
    counts = ", ".join(f"{count:,} {name}" for name, count in manifest.counts.items())
    return f"""# {manifest.name}: {manifest.kind}

Bundle `{manifest.id}`, made {manifest.created}. Holds {counts}.
{f"Learned from {manifest.learned_from}." if manifest.learned_from else ""}

## Measured

{"| metric | value |" if measured else "Nothing was measured."}
{"|---|---|" if measured else ""}
{measured}

## Choices

{"| key | value |" if choices else "None."}
{"|---|---|" if choices else ""}
{choices}
{_ranking(second) if second else ""}
## Serve it

    penchant serve --bundle {manifest.id}
"""


def _ranking(second: SecondStage) -> str:
    others = ", ".join(
        f"{one.kind} ({one.count}{', new items only' if one.new else ''})" for one in second.sources
    )
    rows = "\n".join(
        f"| {task} | {name} | {value:.4f} |"
        for task, found in second.measured.items()
        for name, value in found.items()
    )
    also = f"; others find more: {others}" if others else ""
    return f"""
## Second stage

The model above finds {second.config.candidates} candidates for each user{also}. A ranker foretells the tasks below
of each, and `{second.config.formula.text}` is the score. It was measured on the last moments that it was shown,
each half of those cases calibrated on the other one.

| task | metric | value |
|---|---|---|
{rows}
"""
