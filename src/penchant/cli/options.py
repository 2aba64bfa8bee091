# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Artefacts = Annotated[
    Path, typer.Option(envvar="PENCHANT_ARTEFACTS", help="Folder of data sets, runs and bundles.")
]
DEFAULT_ARTEFACTS = Path("artefacts")

DataDir = Annotated[Path, typer.Option("--data", help="Folder that public data sets are kept in.")]
DEFAULT_DATA = Path("data")

BundleOption = Annotated[
    str | None, typer.Option("--bundle", help="A bundle's folder or id; the current one if not given.")
]


EventsDb = Annotated[
    str | None,
    typer.Option("--events-db", metavar="URL", help="Database of events. [default: events.db beside the bundles]"),
]


def bundle_path(named: str | None, artefacts: Path) -> Path:
    """The folder of a bundle, or of bundles whose current one is meant."""
    bundles = artefacts / "bundles"
    if named is None:
        return bundles
    return bundles / named if (bundles / named).is_dir() else Path(named)
