# SPDX-License-Identifier: Apache-2.0
"""`penchant update`."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, EventsDb
from penchant.cli.say import examples, out

UPDATE = examples(
    "penchant update                      learn on from the log; serve what came of it if it is better",
    "penchant update --epochs 1 --least 1000",
    "penchant bundle rollback             the bundle before, within a second or two",
)


def update(
    epochs: Annotated[int, typer.Option(min=1, help="Over the users who did something since.")] = 3,
    newest: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Share of the new events that is set aside to judge by.")
    ] = 0.2,
    least: Annotated[int, typer.Option(min=2, help="Fewer new events are not worth it.")] = 100,
    events_db: EventsDb = None,
    artefacts: Artefacts = DEFAULT_ARTEFACTS,
) -> None:
    """Learn on from what a service has logged, and serve what came of it if it is better.

    Better means: of the newest events, which neither learned from, it foretells more than the bundle that answers
    now. Running services take the new bundle up within a second or two. The exit code is 1 where it is no better.
    """
    from penchant.serve.eventlog import EventLog
    from penchant.serve.run import beside
    from penchant.update import UpdateConfig
    from penchant.update import update as learn_on

    log = EventLog(events_db or beside(artefacts / "bundles"))
    say = out()
    try:
        config = UpdateConfig(epochs=epochs, newest=newest, least=least)
        found = learn_on(artefacts, log, config, tell=lambda words: say.print(words, markup=False, soft_wrap=True))
    finally:
        log.close()
    gain = found.difference
    say.print(
        f"{found.metric} of the newest events: {found.before:.4f} now, {found.after:.4f} after "
        f"({gain.mean:+.4f}, {gain.low:+.4f} to {gain.high:+.4f}, p = {gain.p:.3g})",
        markup=False,
        soft_wrap=True,
    )
    if found.bundle is None:
        say.print("It is no better: the bundle that answers now stays")
        raise typer.Exit(1)
    words = f"{found.bundle.name} is current; back again: penchant bundle rollback"
    say.print(words, markup=False, soft_wrap=True)
