# SPDX-License-Identifier: Apache-2.0
"""`penchant backup` and `penchant restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, EventsDb
from penchant.cli.say import examples, out

BACKUP = examples(
    "penchant backup monday.tar",
    "penchant backup monday.tar --events-db postgresql://shop:secret@db.example/shop",
)
RESTORE = examples("penchant restore monday.tar --artefacts elsewhere")


def backup(
    out_file: Annotated[Path, typer.Argument(metavar="OUT.TAR", help="The file to write.")],
    events_db: EventsDb = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Write all state into one file: bundles, how they were trained, events, items, users, impressions.

    The service may run meanwhile.
    """
    from penchant.serve.backup import backup as write
    from penchant.serve.run import beside

    head = write(artefacts, events_db or beside(artefacts / "bundles"), out_file)
    _say(f"{out_file}: {len(head.files):,} files", head.rows)


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP.TAR", help="What penchant backup wrote.")],
    events_db: EventsDb = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Put all state back, into a folder without bundles and a database without events."""
    from penchant.serve.backup import restore as put_back
    from penchant.serve.run import beside

    head = put_back(source, artefacts, events_db or beside(artefacts / "bundles"))
    _say(f"{artefacts}: as it was at {head.created}", head.rows)


def _say(what: str, rows: dict[str, int]) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count)
    out().print(f"{what} ({counts or 'no rows'})", markup=False, soft_wrap=True)
