# SPDX-License-Identifier: Apache-2.0
"""The page that tells people what a bundle is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penchant.bundle.manifest import Manifest


def card(manifest: Manifest) -> str:
    """Markdown."""
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

## Serve it

    penchant serve --bundle {manifest.id}
"""
