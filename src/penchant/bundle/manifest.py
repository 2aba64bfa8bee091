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
    fingerprints: dict[str, str] = {}
    """Of the data and of the feature space."""
    libraries: dict[str, str] = {}
    files: dict[str, str] = {}
    """SHA-256 of every other file."""


def libraries() -> dict[str, str]:
    """Versions of what an answer may depend on."""
    names = ("torch", "numpy", "polars", "scikit-learn", "scipy")
    return {
        "python": platform.python_version(),
        "penchant": __version__,
        **{name: version(name) for name in names},
    }
