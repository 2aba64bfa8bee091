# SPDX-License-Identifier: Apache-2.0
"""All commands in one place."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant import __version__
from penchant.cli import (
    admitting,
    answering,
    bundles,
    datasets,
    doctor,
    experimenting,
    judging,
    keeping,
    showing,
    simulating,
    starting,
    training,
    tuning,
    updating,
)
from penchant.cli.say import Friendly, examples

app = typer.Typer(
    name="penchant",
    cls=Friendly,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Penchant learns what each person leans toward, and answers at once.",
    epilog=examples(
        "penchant demo                                        everything at once, on public data",
        "penchant init --events events.csv --items items.csv  a run file from your own files",
        "penchant train run.toml                              learn, measure, bundle",
        "penchant serve                                       answer over HTTP",
        "penchant recommend --users all --k 10 --out recs.parquet",
    ),
)
app.command("init", epilog=starting.INIT)(starting.init)
app.command("train", epilog=training.TRAIN)(training.train)
app.command("tune", epilog=tuning.TUNE)(tuning.tune)
app.command("evaluate", epilog=training.EVALUATE)(training.evaluate)
app.command("compare", epilog=training.COMPARE)(training.compare)
app.command("off-policy", epilog=judging.OFF_POLICY)(judging.off_policy)
app.command("update", epilog=updating.UPDATE)(updating.update)
app.command("recommend", epilog=answering.RECOMMEND)(answering.recommend)
app.command("serve", epilog=answering.SERVE)(answering.serve)
app.command("backup", epilog=keeping.BACKUP)(keeping.backup)
app.command("restore", epilog=keeping.RESTORE)(keeping.restore)
app.command("demo", epilog=starting.DEMO)(starting.demo)
app.command("doctor", epilog=doctor.DOCTOR)(doctor.doctor)
app.add_typer(datasets.app, name="data")
app.add_typer(bundles.app, name="bundle")
app.add_typer(admitting.app, name="keys")
app.add_typer(experimenting.app, name="experiment")
app.add_typer(showing.app, name="impressions")
app.add_typer(simulating.app, name="simulate")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"penchant {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


def main() -> None:
    """The command `penchant`."""
    app()
