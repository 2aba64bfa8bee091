# SPDX-License-Identifier: Apache-2.0
"""`penchant train` and `penchant evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts
from penchant.cli.say import INTERRUPTED, complain, examples, out, show_report

if TYPE_CHECKING:
    from penchant.config import RunConfig
    from penchant.recipe import Outcome

TRAIN = examples(
    "penchant train run.toml                  learn, measure beside the baselines, bundle",
    "penchant train run.toml --refit          measure weights learned from train and validation",
    "penchant train run.toml --model ease     another model, the rest as it is",
    "penchant train run.toml --resume         go on after an interruption",
)
EVALUATE = examples(
    "penchant evaluate                        the newest run, again",
    "penchant evaluate run.toml               the newest run of this run file",
    "penchant evaluate 20250101-120000-042-ease-1a2b",
)
COMPARE = examples(
    "penchant compare one.toml two.toml                 the newest run of each",
    "penchant compare 20250101-120000-042-ease-1a2b 20250102-120000-917-sasrec-3c4d --out compare.html",
)


class ServeOn(StrEnum):
    """What the served model has learned from."""

    ALL = "all"
    MEASURED = "measured"


def train(
    run_file: Annotated[Path, typer.Argument(metavar="RUN.TOML", help="The run file.")],
    resume: Annotated[
        bool, typer.Option(help="Go on with its newest unfinished run, to the same result.")
    ] = False,
    refit: Annotated[
        bool,
        typer.Option(help="Measure models that learned anew from train and validation, for the chosen steps."),
    ] = False,
    model: Annotated[str | None, typer.Option(metavar="KIND", help="Instead of the run file's model.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the run file's seed.")] = None,
    serve_on: Annotated[
        ServeOn,
        typer.Option(help="all: what is served learns anew from all events; measured: it is what was measured."),
    ] = ServeOn.ALL,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Learn from the files that a run file names, measure the model beside its baselines, and make a bundle.

    What is measured never saw the test part. What is served has, unless you say otherwise, learned anew from all
    events for the number of steps that validation chose. Ctrl-C loses nothing: --resume goes on.
    """
    run_training(run_file, artefacts, resume=resume, refit=refit, model=model, seed=seed, serve_on=serve_on)
    out().print("Next: penchant serve, or penchant recommend --users all --k 10 --out recs.parquet")


def run_training(
    run_file: Path,
    artefacts: Path,
    *,
    resume: bool = False,
    refit: bool = False,
    model: str | None = None,
    seed: int | None = None,
    serve_on: ServeOn = ServeOn.ALL,
) -> Outcome:
    """Train with a progress bar, and show the table."""
    from penchant import recipe
    from penchant.cli.progress import Bar
    from penchant.config import RunConfig

    run = RunConfig.load(run_file)
    console = out()
    try:
        with Bar(console) as bar:
            outcome = recipe.train(
                run, artefacts, refit=refit, serve_on=serve_on.value, resume=resume, model=model, seed=seed,
                callbacks=[bar], tell=bar.tell,
            )  # fmt: skip
    except KeyboardInterrupt:
        complain(_stopped(run, artefacts))
        raise typer.Exit(INTERRUPTED) from None
    if outcome.report:
        show_report(outcome.report)
        console.print(f"Report: {outcome.folder / 'report.html'}", markup=False, soft_wrap=True)
    else:
        console.print("The test part is empty, so nothing was measured.")
    console.print(f"Bundle: {outcome.bundle}", markup=False, soft_wrap=True)
    return outcome


def _stopped(run: RunConfig, artefacts: Path) -> str:
    """How to go on, if anything has begun that can."""
    from penchant import runs
    from penchant.errors import ConfigError

    place = "" if artefacts == DEFAULT_ARTEFACTS else f" --artefacts {artefacts}"
    try:
        runs.unfinished(artefacts, run)
    except ConfigError:
        return f"Stopped before training began: start again with penchant train {run.path}{place}"
    return f"Stopped. Nothing is lost: go on with penchant train {run.path} --resume{place}"


def evaluate(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's id or folder, or a run file.")] = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Ask the models of a finished run again, as they were measured, and show the table.

    Writes report.json and report.html into the run's folder.
    """
    from penchant import recipe, runs

    place = runs.find_run(artefacts, run)
    show_report(recipe.evaluate_run(place))
    out().print(f"Report: {place.path / 'report.html'}", markup=False, soft_wrap=True)


def compare(
    named: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs' ids or folders, or run files.")],
    out_file: Annotated[Path, typer.Option("--out", metavar="PAGE", help="The page to write.")] = Path(
        "compare.html"
    ),
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Put the models of several runs side by side, user by user: a table here, and one page with plots.

    The runs must have answered the same question: the same users, hidden events and competing items.
    """
    from penchant import runs
    from penchant.evaluate.compare import Run, combine, write_page

    folders = dict.fromkeys(runs.find_run(artefacts, one).path for one in named)
    opened = [Run.open(folder) for folder in folders]
    report = combine(opened)
    show_report(report)
    write_page(report, opened, out_file)
    out().print(f"Report: {out_file}", markup=False, soft_wrap=True)
