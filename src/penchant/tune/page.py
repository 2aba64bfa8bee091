# SPDX-License-Identifier: Apache-2.0
"""A study as one page: the best settings, the best trials, what mattered, in plots, with nothing to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.drawing import frame
from penchant.drawing.markup import add, node
from penchant.drawing.versions import library_versions
from penchant.tune import plots
from penchant.tune.space import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from penchant.tune.trials import StudyState, Trial

MOST_ROWS = 10
"""Trials of the table."""
HOW = (
    "Trial 0 are the run file's own settings, the next ones were drawn at random, those after them proposed by "
    "TPE from what the earlier ones reached. A trial whose best metric was below the median of the others at the "
    "same epoch was given up (pruned). All fitted on the same prepared training part and were asked for the "
    "validation part; the test part was not read. The best number was chosen for being the best, and so promises "
    "too much: measure the settings with penchant train."
)


def render(
    name: str, state: StudyState, trials: Sequence[Trial], best: Trial, mattered: Mapping[str, float]
) -> str:
    """The whole document.

    Args:
        name: the data set's.
        state: what was tuned.
        trials: all of them, in order.
        best: the best of them.
        mattered: each key's share of the differences in score.
    """
    title = f"{name}: {state.kind}"
    main = node("main", frame.header("Penchant tuning", title, state.created), _lead(state, trials, best))
    add(main, _facts(trials), node("h2", "Best trials"), table(state, trials))
    failed = [trial for trial in trials if trial.state == "failed"]
    if failed:
        rows = [frame.row(f"{trial.number}", trial.reason, _values(trial)) for trial in failed]
        more = node("details", node("summary", f"{len(failed)} failed"))
        add(main, add(more, frame.grid(["Trial", frame.wordy("Why"), frame.wordy("Settings")], rows)))
    charts = plots.figures(state, trials, best, mattered)
    add(main, node("h2", "Plots"), node("div", *charts, class_="plots"))
    add(main, node("h2", "How it was done"), node("p", HOW, class_="protocol"))
    add(main, frame.made_with(library_versions()))
    return frame.document(f"{title}: tuning", main)


def ranking(trials: Sequence[Trial]) -> list[Trial]:
    """The best trials, the best first, and the run file's own settings even if they are none of those."""
    scored = sorted((one for one in trials if one.score is not None), key=lambda one: -(one.score or 0.0))
    own = [one for one in scored[MOST_ROWS:] if one.number == 0]
    return [*scored[:MOST_ROWS], *own]


def table(state: StudyState, trials: Sequence[Trial]) -> Element:
    """The best trials, with their settings."""
    rows = []
    for place, trial in enumerate(ranking(trials)):
        row = frame.row(
            f"{trial.number}" + (" (the run file's own)" if trial.number == 0 else ""),
            node("strong", f"{trial.score:.4f}"),
            trial.state,
            *(say(trial.values[key.name]) for key in state.keys),
            f"{trial.seconds:,.1f}",
        )
        if place == 0:
            row[1].set("class", "best")
        rows.append(row)
    return frame.grid(["Trial", state.metric, "", *(key.name for key in state.keys), "Seconds"], rows)


def _lead(state: StudyState, trials: Sequence[Trial], best: Trial) -> Element:
    text = node("p", class_="lead")
    reached = node("strong", f"{best.score:.4f}")
    if best.number == 0:
        return add(text, "The run file's own settings stay the best: ", reached, f" {state.metric} on validation.")
    first = trials[0].score
    own = "came to no result" if first is None else f"reached {first:.4f}"
    return add(
        text,
        node("strong", f"Trial {best.number}"),
        f" reaches {state.metric} of ",
        reached,
        f" on the validation part; the run file's own settings {own}.",
    )


def _facts(trials: Sequence[Trial]) -> Element:
    spent = sum(trial.seconds for trial in trials)
    ends = {one: sum(trial.state == one for trial in trials) for one in ("done", "pruned", "stopped", "failed")}
    return frame.facts(
        [
            ("trials", f"{len(trials):,}"),
            *((state, f"{count:,}") for state, count in ends.items() if count),
            ("minutes", f"{spent / 60:,.1f}"),
        ]
    )


def _values(trial: Trial) -> str:
    return ", ".join(f"{name} {say(value)}" for name, value in trial.values.items())
