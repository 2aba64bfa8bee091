# SPDX-License-Identifier: Apache-2.0
"""What a bundle says of itself."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import msgspec

from penchant import __version__

FORMAT = 1
"""Raised whenever a bundle written before could no longer be read."""

MAGIC = "penchant-bundle"


class LogMark(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where a bundle's events hold those of a service's log: they are not counted twice."""

    identity: str
    """Of the log."""
    events: int
    """The number of the last event of it that was looked at."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The file `manifest.json`."""

    magic: str
    format: int
    id: str
    name: str
    """The data set's."""
    kind: str
    """The model's, a row of the table of models."""
    config: dict[str, Any]
    """The model's choices."""
    created: str
    """UTC, ISO 8601."""
    root: str | None = None
    """The folder that picture paths are relative to, on the machine that trained."""
    parent: str | None = None
    """The bundle that this one came from."""
    counts: dict[str, int] = {}
    metrics: dict[str, float] = {}
    learned_from: str = ""
    """In words, which events these weights come from; where the metrics were measured on others, it says so."""
    log: LogMark | None = None
    """Up to where its events hold those of a service's log; None for none of them."""
    fingerprints: dict[str, str] = {}
    """Of the data and of the feature space."""
    libraries: dict[str, str] = {}
    files: dict[str, str] = {}
    """SHA-256 of every other file."""

    def held(self, identity: str) -> int:
        """Up to which number the events of a log are among the bundle's; 0 for none of them."""
        return self.log.events if self.log and self.log.identity == identity else 0


def libraries() -> dict[str, str]:
    """Versions of what an answer may depend on."""
    names = ("torch", "numpy", "polars", "scikit-learn", "scipy")
    return {
        "python": platform.python_version(),
        "penchant": __version__,
        **{name: version(name) for name in names},
    }
