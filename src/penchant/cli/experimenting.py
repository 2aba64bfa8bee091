# SPDX-License-Identifier: Apache-2.0
"""`penchant experiment start|show|stop`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, EventsDb
from penchant.cli.say import examples, grid, out

if TYPE_CHECKING:
    from penchant.serve.experiments import Variant
    from penchant.serve.wire import ExperimentCard

app = typer.Typer(no_args_is_help=True, help="Experiments: several bundles, each asked for a share of the users.")

Name = Annotated[str, typer.Argument(help="The experiment's name.")]


@app.command(
    "start",
    epilog=examples(
        "penchant experiment start hstu --variant control=20261118-sasrec --variant hstu=20261125-hstu",
        "penchant experiment start careful --variant old=OLD:0.9 --variant new=NEW:0.1 --type purchase --hours 48",
    ),
)
def start(
    name: Name,
    variant: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=BUNDLE[:SHARE]",
            help="The first one is what the others are compared with. [default share: alike]",
        ),
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="A type of event that counts. [default: all]"),
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.001, help="So long after a user's first list events count.")
    ] = 24.0,
    metric: Annotated[
        str,
        typer.Option(metavar="conversion|count", help="Whether a user did anything that counts, or how often."),
    ] = "conversion",
    alpha: Annotated[float, typer.Option(help="How likely chance alone may be called a difference.")] = 0.05,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Let an experiment begin. Running services take it up within a second or two."""
    from penchant import registry
    from penchant.serve.experiments import Experiment
    from penchant.serve.experiments import start as begin

    said = {
        "name": name, "variants": _variants(variant), "started": time.time_ns() // 1000,
        "types": tuple(kind or ()), "hours": hours, "metric": metric, "alpha": alpha,
    }  # fmt: skip
    experiment = registry.read_config(Experiment, said, "penchant experiment start")
    begin(artefacts / "bundles", experiment)
    out().print(f"{name} runs: {', '.join(f'{one.name} {one.share:.0%}' for one in experiment.variants)}")


@app.command("show", epilog=examples("penchant experiment show", "penchant experiment show hstu"))
def show(
    name: Annotated[str | None, typer.Argument(help="The experiment's name. [default: all]")] = None,
    events_db: EventsDb = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Show what experiments have come to. Look as often as you like: intervals and p hold all the time."""
    from penchant.serve import experiments
    from penchant.serve.eventlog import EventLog
    from penchant.serve.impressions import ImpressionLog
    from penchant.serve.results import results
    from penchant.serve.run import beside

    bundles = artefacts / "bundles"
    known = experiments.read(bundles)
    wanted = known if name is None else [experiments.find(known, name)]
    if not wanted:
        out().print("There are no experiments.")
        return
    log = EventLog(events_db or beside(bundles))
    shown = ImpressionLog(log.engine)
    try:
        for one in reversed(wanted):
            _print(results(log.engine, one, time.time_ns() // 1000))
    finally:
        shown.close()
        log.close()


@app.command(
    "stop", epilog=examples("penchant experiment stop hstu", "penchant experiment stop hstu --winner hstu")
)
def stop(
    name: Name,
    winner: Annotated[
        str | None, typer.Option(metavar="VARIANT", help="Its bundle answers everybody from now on.")
    ] = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Let an experiment end: the current bundle answers everybody again, or the winner's from now on."""
    from penchant.bundle import current
    from penchant.errors import ConfigError, nearest
    from penchant.serve import experiments

    bundles = artefacts / "bundles"
    one = experiments.find(experiments.read(bundles), name)
    known = {each.name: each for each in one.variants}
    if winner is not None and winner not in known:
        raise ConfigError(f"{name} has no variant {winner!r}{nearest(winner, known)}")
    experiments.stop(bundles, name, time.time_ns() // 1000)
    if winner:
        current.point(bundles, known[winner].bundle)
    out().print(f"{name} has ended" + (f"; {known[winner].bundle} answers everybody" if winner else ""))


def _variants(said: list[str]) -> tuple[Variant, ...]:
    from penchant.errors import ConfigError
    from penchant.serve.experiments import Variant

    found = []
    for text in said:
        name, equals, rest = text.partition("=")
        bundle, colon, share = rest.partition(":")
        try:
            size = float(share) if colon else 1 / len(said)
        except ValueError:
            size = -1.0
        if not (name and equals and bundle) or not 0 < size < 1:
            raise ConfigError(
                f"--variant {text!r}: write NAME=BUNDLE or NAME=BUNDLE:SHARE, for example new=ID:0.1"
            )
        found.append(Variant(name=name, bundle=bundle, share=size))
    return tuple(found)


def _print(card: ExperimentCard) -> None:
    begun = datetime.fromtimestamp(card.started / 1e6, UTC).isoformat(" ", "minutes")
    types = ", ".join(card.types) or "any event"
    state = "runs" if card.ended is None else "has ended"
    rows = [
        [one.name, one.bundle, f"{one.share:.0%}", f"{one.counted:,} of {one.users:,}", _number(one.mean),
         _between(one.low, one.high)]
        for one in card.variants
    ]  # fmt: skip
    heads = ["variant", "bundle", "share", "users counted", card.metric, f"{1 - card.alpha:.0%}, at all times"]
    out().print(grid(f"{card.name} {state}, since {begun} UTC: {types} within {card.hours:g} hours", heads, rows))
    for one in card.compared:
        found = f"{one.variant} - {one.control}: {_number(one.difference)} ({_between(one.low, one.high)})"
        out().print(f"{found}, p = {one.p:.3g}", markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "too few users yet" if low is None or high is None else f"{low:.4g} to {high:.4g}"
