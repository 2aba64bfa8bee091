# SPDX-License-Identifier: Apache-2.0
"""`penchant init` and `penchant demo`: two ways to begin."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.artefact import write_text
from penchant.cli.options import DEFAULT_ARTEFACTS, DEFAULT_DATA, Artefacts, DataDir
from penchant.cli.say import examples, grid, out
from penchant.errors import ConfigError

if TYPE_CHECKING:
    from penchant.data.inspect import Guess

INIT = examples(
    "penchant init --events ratings.csv --items films.csv --users people.csv",
    "penchant init --events events.csv --items items.csv --reviews reviews.csv --social friends.csv",
    "penchant init --events 'logs/*.parquet' --user-column visitor --item-column sku --out shop.toml",
)
DEMO = examples("penchant demo", "penchant demo --no-serve", "penchant demo --port 8080")

DEMO_DATA = "movielens-100k"

Files = Annotated[
    str | None, typer.Option(metavar="FILE", help="A file or a pattern: CSV, JSON lines or Parquet.")
]
Named = Annotated[str | None, typer.Option(metavar="COLUMN", help="Which column it is, if the guess is wrong.")]


def init(
    events: Annotated[str, typer.Option(metavar="FILE", help="Who did what: a file or a pattern.")],
    items: Files = None,
    users: Files = None,
    reviews: Files = None,
    social: Files = None,
    out_file: Annotated[Path, typer.Option("--out", help="The run file to write.")] = Path("run.toml"),
    user_column: Named = None,
    item_column: Named = None,
    time_column: Named = None,
    type_column: Named = None,
    value_column: Named = None,
    title_column: Named = None,
    force: Annotated[bool, typer.Option(help="Replace an existing run file.")] = False,
) -> None:
    """Look at your files, guess what each column is, say what was guessed and why, and write a run file.

    Read the run file, mend what was guessed wrong, and give it to penchant train.
    """
    from penchant.config import RunConfig
    from penchant.data import inspect
    from penchant.data.drafting import write_run_file
    from penchant.data.reading import find_files

    if out_file.exists() and not force:
        raise ConfigError(
            f"{out_file} is already there: choose another name with --out, or replace it with --force"
        )
    said = {
        "user": user_column, "item": item_column, "time": time_column,
        "type": type_column, "value": value_column, "title": title_column,
    }  # fmt: skip
    tables = {"events": events, "items": items, "users": users, "reviews": reviews, "social": social}
    found = {name: find_files(path, Path.cwd()) if path else [] for name, path in tables.items()}
    guess = inspect.guess(**found, overrides={role: column for role, column in said.items() if column})
    text = write_run_file(guess, out_file.resolve().parent) + resource("rest.toml")
    RunConfig.parse(text, out_file)
    write_text(out_file, text)
    _show(guess)
    out().print(f"Wrote {out_file}. Next: penchant train {out_file}", markup=False, soft_wrap=True)


def _show(guess: Guess) -> None:
    rows = [line.split(": ", maxsplit=1) for line in guess.reasons()]
    out().print(grid("What was guessed, and why", ["table", "guess"], rows))


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the table.")] = False,
    port: Annotated[
        int | None, typer.Option(help="Where to serve; 0 takes any free port. [default: 8000]")
    ] = None,
    data: DataDir = DEFAULT_DATA,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Everything at once: get MovieLens-100K, train, measure, bundle, and serve a page to try it on.

    The run file that it writes, movielens-100k.toml in the artefacts, is a good one to start from.
    """
    from penchant.cli.answering import serve_bundle
    from penchant.cli.training import run_training
    from penchant.config import RunConfig
    from penchant.data import sources

    out().print(f"Getting {sources.SOURCES[DEMO_DATA].title}", style="bold")
    out().print(sources.SOURCES[DEMO_DATA].licence, markup=False)
    folder = sources.get(DEMO_DATA, data)
    run_file = artefacts / f"{DEMO_DATA}.toml"
    write_text(run_file, sources.run_file(folder) + resource("demo.toml"))
    run_training(run_file, artefacts)
    if not no_serve:
        serve_bundle(artefacts / "bundles", RunConfig.load(run_file), port=port)


def resource(name: str) -> str:
    """A text that comes with the program."""
    return (resources.files("penchant.cli") / "resources" / name).read_text(encoding="utf-8")
