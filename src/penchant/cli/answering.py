# SPDX-License-Identifier: Apache-2.0
"""`penchant recommend` and `penchant serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, BundleOption, EventsDb, bundle_path
from penchant.cli.say import complain, examples, out
from penchant.errors import ConfigError

if TYPE_CHECKING:
    from penchant.config import RunConfig

RECOMMEND = examples(
    "penchant recommend --users all --k 100 --out recs.parquet",
    "penchant recommend --users users.txt --k 10 --out recs.csv --include-seen",
    "penchant recommend --run run.toml --users all --out recs.parquet   as measured: never saw the test part",
)
SERVE = examples(
    "penchant serve",
    "penchant serve --bundle artefacts/bundles --host 0.0.0.0 --port 80",
    "penchant serve --keys keys.toml --rate 50    only for who brings a key, and not too often",
    "penchant serve --run-file run.toml           host, port and the rest from its table for serving",
)


def recommend(
    users: Annotated[
        str,
        typer.Option(
            metavar="all|FILE", help="Everyone, or a file: Parquet or CSV with user_id, or one id a line."
        ),
    ],
    out_file: Annotated[Path, typer.Option("--out", help="A .parquet, .csv or .jsonl file.")],
    k: Annotated[int, typer.Option(help="The longest list.")] = 10,
    bundle: BundleOption = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Instead of a bundle: a run (id, folder or run file) as it was measured. Its weights never saw "
            "the test part, and histories end where that begins.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --run: one of its baselines instead of the model.")
    ] = None,
    include_seen: Annotated[bool, typer.Option(help="Also recommend what a user already had.")] = False,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Write the best items of many users into a file: user_id, item_id, rank (from 1), score.

    A user who is not known is answered as a stranger.
    """
    from penchant.bundle import offline
    from penchant.bundle.bundle import open_bundle

    if run and bundle:
        raise ConfigError("Say --run or --bundle, not both")
    offline.check_k(k)
    offline.check_ending(out_file)
    opened = open_bundle(_measured(run, model, artefacts) if run else bundle_path(bundle, artefacts))
    asked = offline.everyone(opened) if users == "all" else offline.read_users(Path(users), opened)
    strangers = offline.unknown(opened, asked)
    if len(strangers):
        complain(f"{len(strangers):,} of {len(asked):,} users are not known, and are answered as strangers "
                 f"(the first: {strangers[0]!r})")  # fmt: skip
    lists = offline.recommend_to(opened, asked, k, include_seen=include_seen)
    rows = offline.write(out_file, lists)
    out().print(f"{rows:,} rows for {len(asked):,} users: {out_file}", markup=False, soft_wrap=True)


def _measured(run: str, model: str | None, artefacts: Path) -> Path:
    from penchant import runs
    from penchant.errors import nearest

    place = runs.find_run(artefacts, run)
    kinds = place.state.kinds
    name = model or next(iter(kinds))
    if name not in kinds:
        raise ConfigError(f"The run {place.path.name} measured no model {name!r}{nearest(name, kinds)}")
    return place.measured(name)


def serve(
    bundle: BundleOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; 0.0.0.0 for all. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(help="0 takes any free one. [default: 8000]")] = None,
    events_db: EventsDb = None,
    keys: Annotated[
        str | None, typer.Option(metavar="FILE", help="Answer only who brings a key (penchant keys new).")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="The most requests a second of each key or address. [default: any]")
    ] = None,
    impressions: Annotated[
        bool | None, typer.Option("--impressions", help="Write down every list that is given.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer; more than one show no page. [default: 1]")
    ] = None,
    run_file: Annotated[
        Path | None, typer.Option(help="Take what is not said here from its table [serve].")
    ] = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Answer over HTTP, and show the page where people can try it, until Ctrl-C.

    Events that come in change the next answer at once, and are on disk before they are acknowledged.
    """
    from penchant.config import RunConfig

    run = RunConfig.load(run_file) if run_file else None
    serve_bundle(
        bundle_path(bundle, artefacts), run,
        host=host, port=port, events=events_db, keys=keys, rate=rate, impressions=impressions, workers=workers,
    )  # fmt: skip


def serve_bundle(
    bundle: Path,
    run: RunConfig | None,
    **options: str | float | None,
) -> None:
    """Serve with the page mounted; `options` are keys of `[serve]`, and where None those of the run file hold."""
    from penchant import registry
    from penchant.console.mount import mount
    from penchant.serve.run import ServeConfig
    from penchant.serve.run import run as serve_until_stopped

    said = {key: value for key, value in options.items() if value is not None}
    config = registry.read_config(
        ServeConfig, {**(run.tables.get("serve", {}) if run else {}), **said}, "penchant serve"
    )
    console = out()
    serve_until_stopped(
        bundle,
        config,
        extend=mount if config.workers == 1 else None,
        ready=lambda address, _: console.print(f"Serving at {address} (Ctrl-C stops it)", markup=False),
    )
