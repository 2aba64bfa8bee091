# SPDX-License-Identifier: Apache-2.0
"""`penchant tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts
from penchant.cli.say import INTERRUPTED, complain, examples, grid, out

if TYPE_CHECKING:
    from penchant.config import RunConfig
    from penchant.tune.study import Tuned

TUNE = examples(
    "penchant tune run.toml                            up to 50 trials of the run file's model",
    "penchant tune run.toml --minutes 30               as many as half an hour allows",
    "penchant tune run.toml --model ease --trials 20   another model, to give a baseline its due",
    "penchant tune run.toml --resume --trials 100      go on, to 100 trials in all",
    "penchant train run.best.toml                      measure what was found",
)

_COLUMNS = 5
"""Keys that get a column each; more share one."""


def tune(
    run_file: Annotated[Path, typer.Argument(metavar="RUN.TOML", help="The run file.")],
    trials: Annotated[
        int | None, typer.Option(min=1, help="The most trials; 50 if neither this nor [tune] says.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.001, help="The most time that trials may take together.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="KIND", help="Instead of the run file's model.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on with its newest study, or start one.")
    ] = False,
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The run file to write, if not run.best.toml.")
    ] = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Search for good settings of a model, and write them as a run file.

    The first trial are the run file's own settings; the search goes on from what the trials reach on the
    validation part. The test part is not read. Each model knows which of its keys are worth tuning and where;
    [tune.space] changes that. A hopeless trial is given up early, a failing one is noted. Ctrl-C loses nothing but
    the trial that runs: --resume goes on.
    """
    from penchant.cli.trying import TrialsBar
    from penchant.config import RunConfig
    from penchant.tune.study import tune as search

    run, bar = RunConfig.load(run_file), TrialsBar(out())
    try:
        with bar:
            tuned = search(
                run, artefacts, trials=trials, minutes=minutes, model=model, resume=resume, out=out_file,
                callbacks=[bar], tell=bar.tell,
            )  # fmt: skip
    except KeyboardInterrupt:
        complain(_stopped(run, artefacts, model, begun=bar.begun or resume))
        raise typer.Exit(INTERRUPTED) from None
    _show(tuned)


def _show(tuned: Tuned) -> None:
    """The best trials, and what was written."""
    from penchant.tune.page import ranking
    from penchant.tune.space import say

    names = [key.name for key in tuned.state.keys]
    heads = names if len(names) <= _COLUMNS else ["settings"]
    rows = []
    for one in ranking(tuned.trials):
        values = [say(one.values[name]) for name in names]
        if heads != names:
            values = [", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))]
        number = f"{one.number}" + (" (as it was)" if one.number == 0 else "")
        rows.append([number, f"{one.score:.4f}", f"{one.seconds:,.1f}", *values])
    console = out()
    title = f"{tuned.state.kind}: the best of {len(tuned.trials)} trials"
    console.print(grid(title, ["trial", tuned.state.metric, "seconds", *heads], rows))
    console.print("The numbers are of the validation part, which chose; penchant train asks the test part.")
    console.print(f"Page: {tuned.page}", markup=False, soft_wrap=True)
    console.print(f"Run file: {tuned.run_file}", markup=False, soft_wrap=True)
    console.print(f"Next: penchant train {tuned.run_file}", markup=False, soft_wrap=True)


def _stopped(run: RunConfig, artefacts: Path, model: str | None, *, begun: bool) -> str:
    """How to go on, if there is a study that can."""
    options = f" --model {model}" if model else ""
    options += "" if artefacts == DEFAULT_ARTEFACTS else f" --artefacts {artefacts}"
    if not begun:
        return f"Stopped before the first trial began: start again with penchant tune {run.path}{options}"
    return f"Stopped. All finished trials are kept: go on with penchant tune {run.path} --resume{options}"
