# SPDX-License-Identifier: Apache-2.0
"""`penchant data report`: what a data set holds, on a page to pass around and in a short table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts
from penchant.cli.say import examples, grid, out

if TYPE_CHECKING:
    from polars import LazyFrame

    from penchant.data.splits import SplitConfig
    from penchant.profile.facts import Profile
    from penchant.recipe import Data

REPORT = examples(
    "penchant data report run.toml",
    "penchant data report artefacts/datasets/shop-0123456789abcdef --out shop.html",
)
_SPLITS = {
    "time": "by global time",
    "leave_last_out": "into each user's last event (test), the one before it (validation) and the rest",
    "given": "as the source gave it",
}


def report(
    what: Annotated[
        Path, typer.Argument(metavar="RUN.toml|FOLDER", help="A run file, or the folder of a data set.")
    ],
    to: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("report.html"),
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Look at a data set from all sides: sizes, time, long tail, columns, content, what fell, drift, what is odd.

    A run file is read and cleaned first, as penchant train does it. The folder of a data set that was cleaned
    before is taken as it is, and divided by time unless its source gave parts.
    """
    from penchant.artefact import write_text
    from penchant.data.dataset import PART
    from penchant.profile.build import profile
    from penchant.profile.facts import PARTS
    from penchant.profile.html import render

    data, divided = _opened(what) if what.is_dir() else _ingested(what, artefacts)
    kind = divided.kind
    if kind == "auto":
        kind = "given" if PART in data.dataset.event_columns else "time"
    parts: dict[str, LazyFrame] = {name: data.split.scan(name) for name in PARTS}
    found = profile(data.dataset, parts, _SPLITS[kind], data.report)
    write_text(to, render(found))
    _show(found)
    out().print(f"The page: {to}", markup=False, soft_wrap=True)


def _ingested(path: Path, artefacts: Path) -> tuple[Data, SplitConfig]:
    from penchant import recipe
    from penchant.config import RunConfig
    from penchant.data.config import DataConfig

    run = RunConfig.load(path)
    return recipe.ingest(run, artefacts), run.read(DataConfig, "data").split


def _opened(folder: Path) -> tuple[Data, SplitConfig]:
    import msgspec

    from penchant.data.dataset import Dataset
    from penchant.data.splits import SplitConfig, split
    from penchant.errors import DataError
    from penchant.recipe import Data

    dataset, config = Dataset.open(folder), SplitConfig()
    try:
        said = msgspec.json.decode((folder / "report.json").read_bytes(), type=dict[str, dict[str, object]])
    except FileNotFoundError:
        said = {}
    except msgspec.DecodeError as error:
        raise DataError(f"{folder / 'report.json'} is damaged: {error}") from error
    return Data(dataset=dataset, split=split(dataset, config), folder=folder, report=said), config


def _show(found: Profile) -> None:
    """The short table."""
    from penchant.profile import words

    sizes = found.sizes
    rows = [
        ["events", words.count(sizes.events)],
        ["users", f"{words.count(sizes.users)} (median {found.users.quantiles[2]:g} events)"],
        ["items", f"{words.count(sizes.items)} (median {found.items.quantiles[2]:g} events)"],
        ["density", words.density(sizes.density)],
    ]
    if sizes.first is not None and sizes.last is not None:
        ends = f"{words.moment(sizes.first)} to {words.moment(sizes.last)}"
        rows.append(["time", f"{ends} ({words.span(sizes.first, sizes.last)})"])
    rows.append(["types", ", ".join(f"{one.name} {words.count(one.events)}" for one in found.types[:6])])
    for table, count in found.rows_in.items():
        fell = count - found.kept[table]
        lost = "all kept" if not fell else f"{words.count(fell)} fell ({words.share(fell / count)})"
        rows.append([f"rows of {table}", f"{words.count(count)}, {lost}"])
    if found.newcomers:
        new = found.newcomers
        rows.append(["new in test", f"{words.share(new.users)} of users, {words.share(new.items)} of items"])
    out().print(grid(found.name, ["", ""], rows))
    if found.fallen:
        fell_rows = [[one.table, words.rule(one.rule), words.count(one.count), one.reason] for one in found.fallen]
        out().print(grid("What fell", ["table", "rule", "rows", "why (first example)"], fell_rows))
    for one in found.findings:
        colour = "yellow" if one.level == "warn" else "cyan"
        out().print(f"[{colour}]{one.level}[/] {_plain(one.title)}: {_plain(one.words)}", soft_wrap=True)


def _plain(text: str) -> str:
    """Text in which square brackets are no markup."""
    return text.replace("[", "\\[")
