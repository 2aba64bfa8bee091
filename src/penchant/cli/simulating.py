# SPDX-License-Identifier: Apache-2.0
"""`penchant simulate shop`: made data with a known truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from penchant.cli.say import examples, grid, out

if TYPE_CHECKING:
    from penchant.simulate.records import Record

app = typer.Typer(no_args_is_help=True, help="Made data with a known truth, for tests and load tests.")


@app.command(
    "shop",
    epilog=examples(
        "penchant simulate shop --users 2000 --items 500 --events 200000 --seed 1 --out shop",
        "penchant simulate shop --users 2000 --items 500 --events 200000 --out shop --pictures 400 --sounds 300",
    ),
)
def shop(
    users: Annotated[int, typer.Option(help="How many users there are.")],
    items: Annotated[int, typer.Option(help="How many items there are.")],
    events: Annotated[int, typer.Option(help="Rows of the event log, of all types together.")],
    folder: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 0,
    days: Annotated[int, typer.Option(help="How long the shop is watched.")] = 365,
    pictures: Annotated[int, typer.Option(help="Items with a drawn picture; the others miss it.")] = 0,
    sounds: Annotated[int, typer.Option(help="Items with a synthesised sound; the others miss it.")] = 0,
    force: Annotated[bool, typer.Option(help="Replace a shop that was simulated before.")] = False,
) -> None:
    """Simulate a shop: events, items with words, pictures and sounds, users, friends, reviews, and the truth.

    Tastes drift, seasons change, lists have position bias and known propensities, new items arrive, friends
    influence. The folder has a run file that is ready to train, and the truth to judge a recommender by.
    """
    from penchant.simulate.config import ShopConfig
    from penchant.simulate.shop import simulate_shop
    from penchant.simulate.truth import Truth

    config = ShopConfig(
        users=users, items=items, events=events, seed=seed, days=days, pictures=pictures, sounds=sounds
    )
    bars: dict[str, TaskID] = {}
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out()
    )

    def tell(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = progress.add_task(what, total=total)
        progress.update(bars[what], completed=done)

    with progress:
        simulate_shop(config, folder, force=force, tell=tell)
    _show(Truth.open(folder).record)
    out().print(f"Wrote {folder}. Next: penchant train {folder / 'run.toml'}", markup=False, soft_wrap=True)


def _show(record: Record) -> None:
    rows = [[name, f"{count:,}"] for name, count in record.counts.items()]
    title = f"A simulated shop: {record.config.days:,} days, seed {record.config.seed}"
    out().print(title, style="bold", markup=False)
    out().print(grid(None, ["what", "rows"], rows, right=1))
