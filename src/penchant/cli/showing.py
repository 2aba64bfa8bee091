# SPDX-License-Identifier: Apache-2.0
"""`penchant impressions export`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, EventsDb
from penchant.cli.say import examples, out

app = typer.Typer(no_args_is_help=True, help="Impressions: the lists that a service has shown.")

_HOUR = 3_600_000_000


@app.command(
    "export",
    epilog=examples(
        "penchant impressions export shown.parquet",
        "penchant impressions export shown.csv --type watched --hours 2 --since 2026-11-01 --confirmed",
        "penchant off-policy shown.parquet --policy uniform",
    ),
)
def export(
    out_file: Annotated[Path, typer.Argument(metavar="OUT", help="A .parquet or .csv file to write.")],
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="A type of event that counts. [default: all]"),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.0, help="So long after it was shown an event counts.")] = 24.0,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only lists from then on, UTC."),
    ] = None,
    confirmed: Annotated[bool, typer.Option(help="Only what was said to have been seen.")] = False,
    events_db: EventsDb = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Write what was shown, with its probability and what came of it, as `penchant off-policy` reads it."""
    from penchant.artefact import writing
    from penchant.errors import ConfigError
    from penchant.serve.eventlog import EventLog
    from penchant.serve.exporting import impressions
    from penchant.serve.run import beside

    if out_file.suffix not in {".parquet", ".csv"}:
        raise ConfigError(f"{out_file}: write to a .parquet or a .csv file")
    begin = int(since.replace(tzinfo=UTC).timestamp()) * 1_000_000 if since else 0
    log = EventLog(events_db or beside(artefacts / "bundles"))
    try:
        rows = impressions(log, types=kind or (), window=int(hours * _HOUR), since=begin, confirmed=confirmed)
    finally:
        log.close()
    with writing(out_file):
        if out_file.suffix == ".csv":
            rows.write_csv(out_file)
        else:
            rows.write_parquet(out_file)
    clicked = int(rows["click"].sum())
    out().print(f"{rows.height:,} impressions, {clicked:,} of them with an event: {out_file}", soft_wrap=True)
