# SPDX-License-Identifier: Apache-2.0
"""`penchant tune` on one page: try settings of a run's model, and keep those that are best on the validation part.

1. The files are read **without the test part**; the data is prepared once, and each trial fits on it.
2. Trial 0 are the run file's own settings; what comes next is proposed from what the finished trials reached.
3. A trial ends by itself, or is given up, or cut off when the time is over; one that fails is a line in the log.
4. The best becomes a run file. Its number is of the part that it was chosen on; `penchant train` measures it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penchant import recipe, runs
from penchant.artefact import fingerprint, write_text
from penchant.errors import ConfigError, DataError
from penchant.evaluate.protocol import cut
from penchant.train.trainer import TrainConfig
from penchant.tune import page, runfile
from penchant.tune.advice import Adviser
from penchant.tune.attempt import Attempt
from penchant.tune.config import TuneConfig
from penchant.tune.space import keys
from penchant.tune.trials import TRIES, StudyFolder, StudyState, Trial, TuneCallback, all_studies, best_of
from penchant.workbench import Workbench, metric_k

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penchant.config import RunConfig
    from penchant.tune.attempt import Clock
    from penchant.tune.space import Key

BUDGET = ("trials", "minutes")
"""Keys of `[tune]` that may change while a study goes on."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What tuning came to.

    Attributes:
        folder: the study's.
        state: what was tuned.
        trials: all of them, in order.
        best: the best of them.
        run_file: the run file with its settings.
        page: the page with the plots.
    """

    folder: Path
    state: StudyState
    trials: list[Trial]
    best: Trial
    run_file: Path
    page: Path


def tune(
    run: RunConfig,
    artefacts: Path | str,
    *,
    trials: int | None = None,
    minutes: float | None = None,
    model: str | None = None,
    resume: bool = False,
    out: Path | None = None,
    callbacks: Sequence[TuneCallback] = (),
    tell: Callable[[str], None] = lambda _: None,
    clock: Clock = time.perf_counter,
) -> Tuned:
    """Everything that `penchant tune` does.

    Args:
        run: the run file.
        artefacts: the folder of data sets, runs and studies.
        trials: takes the place of `[tune] trials`; with `resume`, those that were finished count.
        minutes: takes the place of `[tune] minutes`; with `resume`, those that were spent count.
        model: tune this kind in place of the run file's model, within its own space; as in `recipe.train`.
        resume: go on with the newest study of this run file and model. It comes to the same as if it had not been
            interrupted, but for what is up to the clock.
        out: the run file to write; `<name>.best.toml` beside the run file if not given.
        callbacks: told of trials and of the training inside them.
        tell: told, in words, what begins.
        clock: seconds from anywhere.

    Raises:
        ConfigError: a key, range, metric or budget is none; or there is no study to go on with.
        DataError: the validation part is empty; or no trial came to a result.
        MissingExtraError: Optuna is not installed.
        KeyboardInterrupt: as it came, once what is finished has been written.
    """
    artefacts, source = Path(artefacts), run
    run = run.override(model=model)
    own = run.model.kind == source.model.kind
    found = keys(run, own=own)
    config = run.read(TuneConfig, "tune")
    config = msgspec.structs.replace(config, trials=trials or config.trials, minutes=minutes or config.minutes)
    metric = config.metric or run.read(TrainConfig, "train").metric
    metric_k(metric, run.path, "tune" if config.metric else "train")
    target = runfile.target(run, out)
    adviser = Adviser(found, config.seed, prune=config.prune)
    if source.tables.get("tune", {}).get("space") and not own:
        tell(f"[tune.space] is about {source.model.kind}; {run.model.kind} is tuned within its own space")
    comparable = _comparable(run, found, metric)
    if resume:
        place = _newest(artefacts, run, comparable)
        tell(f"Going on with {place.state.id}")
        data = recipe.reopen(run, artefacts / place.state.dataset)
        data = replace(data, split=data.split.blind())
    else:
        tell("Reading and checking the files, without the test part")
        data = recipe.ingest(run, artefacts, blind=True)
        state = StudyState(
            id=runs.new_id(run.model.kind), source=str(run.path.resolve()), kind=run.model.kind, metric=metric,
            seed=config.seed, prune=config.prune, dataset=str(data.folder.relative_to(artefacts)),
            fingerprint=comparable, created=datetime.now(UTC).isoformat(timespec="seconds"),
            keys=list(found.values()),
        )  # fmt: skip
        place = StudyFolder.create(artefacts, state)
    attempt = _prepared(run, data, found, metric, callbacks, clock)
    tell(f"Tuning {', '.join(found)} of {run.model.kind} by {metric} on the validation part")
    try:
        _search(place, attempt, adviser, config)
    except KeyboardInterrupt:
        place.leave()
        if best_of(place.trials()):
            _conclude(place, run, found, adviser, target)
        raise
    return _conclude(place, run, found, adviser, target)


def _prepared(
    run: RunConfig,
    data: recipe.Data,
    found: dict[str, Key],
    metric: str,
    callbacks: Sequence[TuneCallback],
    clock: Clock,
) -> Attempt:
    """What all trials share: the data as models see it, and what the validation part asks of them.

    Raises:
        DataError: the validation part is empty.
    """
    asked = cut(data.split, "validation")
    if asked.hidden.is_empty():
        raise DataError(f"{run.path} [data.split]: the validation part is empty, so nothing can be chosen by it")
    library = recipe.open_library(run, data, callbacks)
    bench = Workbench.prepare(run, data.dataset, data.split.train, library)
    validate = bench.validation(metric, asked)
    return Attempt(
        run=run, bench=bench, keys=found, metric=metric, validate=validate, callbacks=callbacks, clock=clock
    )


def _search(place: StudyFolder, attempt: Attempt, adviser: Adviser, config: TuneConfig) -> None:
    """Trial after trial, until their number or their time is reached."""
    done = place.trials()
    allowed = math.inf if config.minutes is None else 60 * config.minutes
    while len(done) < config.trials:
        left = allowed - sum(trial.seconds for trial in done)
        if left <= 0:
            break
        number, asked = len(done), adviser.ask(done)
        for callback in attempt.callbacks:
            callback.on_trial(number, config.trials, asked.values, best_of(done))
        if place.begin(number) >= TRIES:
            trial = Trial(
                number=number, state="failed", values=asked.values, seconds=0.0,
                reason=f"the process ended {TRIES} times while it ran; out of memory, perhaps",
            )  # fmt: skip
        else:
            trial = attempt.run_one(number, asked, left)
        place.add(trial)
        done.append(trial)
        for callback in attempt.callbacks:
            callback.on_result(trial, best_of(done))


def _conclude(place: StudyFolder, run: RunConfig, found: dict[str, Key], adviser: Adviser, target: Path) -> Tuned:
    """Write the run file and the page."""
    state, trials = place.state, place.trials()
    best = best_of(trials)
    if best is None:
        reasons = [trial.reason for trial in trials if trial.reason]
        why = f"the last one failed: {reasons[-1]}" if reasons else "give it more minutes"
        raise DataError(f"None of {len(trials)} trials came to a result on the validation part; {why}")
    write_text(target, runfile.render(run, found, state, trials, best, place.path, target))
    written = place.path / "tune.html"
    write_text(written, page.render(run.name, state, trials, best, adviser.importance(trials)))
    return Tuned(folder=place.path, state=state, trials=trials, best=best, run_file=target, page=written)


def _comparable(run: RunConfig, found: dict[str, Key], metric: str) -> str:
    """A hash of all that makes two trials comparable."""
    tables = {name: table for name, table in run.tables.items() if name not in ("tune", "baselines", "serve")}
    tuning = {name: value for name, value in run.tables.get("tune", {}).items() if name not in BUDGET}
    return fingerprint(tables, tuning, msgspec.to_builtins(list(found.values())), metric)


def _newest(artefacts: Path, run: RunConfig, comparable: str) -> StudyFolder:
    """The newest study of this run file and model.

    Raises:
        ConfigError: there is none, or the file has been changed since.
    """
    wanted = (str(run.path.resolve()), run.model.kind)
    studies = [one for one in all_studies(artefacts) if (one.state.source, one.state.kind) == wanted]
    if not studies:
        raise ConfigError(
            f"There is no study of {run.path} with the model {run.model.kind} in {artefacts / 'tune'}: "
            "start one without --resume"
        )
    if studies[-1].state.fingerprint != comparable:
        raise ConfigError(
            f"{run.path} is not what it was when {studies[-1].state.id} was started, so its trials cannot be "
            "compared with new ones: start anew without --resume, or put the file back"
        )
    return studies[-1]
