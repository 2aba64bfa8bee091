# SPDX-License-Identifier: Apache-2.0
"""The whole job on one page: ingest, fit, evaluate, bundle. Read this first.

1. **ingest**: the user's files become clean tables, and events are split into train, validation and test.
2. **fit**: the model, and each baseline beside it, learns from train; validation says when to stop. With
   `refit` every one of them then learns anew, from train and validation, for the steps that were chosen.
3. **evaluate**: each is asked what comes next, knowing train and validation, never test.
4. **bundle**: what is served has learned anew from *all* events for the same number of steps
   (`serve_on="measured"` serves the measured weights instead). Its manifest says which.

So what is measured never saw the test part, and what is served is as fresh as it can be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from penchant import runs
from penchant.artefact import write_json
from penchant.bundle.bundle import open_bundle, write_bundle
from penchant.config import RunConfig
from penchant.content.choices import ContentConfig
from penchant.content.library import Library
from penchant.data.dataset import Dataset
from penchant.data.ingest import DataConfig
from penchant.data.ingest import ingest as read_tables
from penchant.data.splits import WORDS, Split, split
from penchant.errors import DataError
from penchant.evaluate import answers, beyond
from penchant.evaluate.protocol import EvaluateConfig, Question, cut
from penchant.evaluate.report import Report, keep
from penchant.evaluate.summary import Entry
from penchant.evaluate.summary import report as summarise
from penchant.models.recommender import Learned
from penchant.staging import Learning, check_rank, over_catalogue
from penchant.workbench import Workbench, check_columns, check_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from penchant.config import ModelChoice
    from penchant.recommend.pipeline import Pipeline
    from penchant.train.callbacks import Callback

ServeOn = Literal["all", "measured"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Clean tables, divided."""

    dataset: Dataset
    split: Split
    folder: Path
    report: Mapping[str, Mapping[str, object]]

    @property
    def everything(self) -> pl.DataFrame:
        """All events, sorted by time."""
        return self.split.everything


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A model that has learned.

    Attributes:
        choice: which model it is.
        pipeline: the model over the whole catalogue.
        steps: that it was trained for, or that were chosen; None for a model with a closed form.
        seconds: what fitting took.
        learned_from: in words.
    """

    choice: ModelChoice
    pipeline: Pipeline
    steps: int | None
    seconds: float
    learned_from: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `train` made. `report` is None where the split has no test part."""

    folder: Path
    bundle: Path
    report: Report | None


def ingest(run: RunConfig, artefacts: Path | str, *, blind: bool = False) -> Data:
    """Read, check, clean and divide the files that a run file names.

    Args:
        run: the run file.
        artefacts: where the clean tables are kept, under `datasets/<name>-<hash>`.
        blind: leave the test part out, and files of its own unread: what is chosen must not depend on it.

    Raises:
        DataError, ConfigError: name the file, row, column or key, and the way out; also where a column tells
            what comes after training.
    """
    datasets = Path(artefacts) / "datasets"
    config = run.read(DataConfig, "data")
    config = config.blind() if blind else config
    made = read_tables(config, run.base, beside=datasets)
    folder = datasets / f"{made.dataset.name}-{made.fingerprint}"
    if not (folder / "report.json").exists():
        made.dataset.save(folder, {"quarantine": made.refused})
        write_json(folder / "report.json", made.report)
    divided = split(made.dataset, config.split)
    divided = divided.blind() if blind else divided
    check_columns(run, made.dataset, divided)
    check_rank(run, made.dataset.schema)
    return Data(dataset=made.dataset, split=divided, folder=folder, report=made.report)


def reopen(run: RunConfig, folder: Path) -> Data:
    """What `ingest` made, from its folder."""
    dataset = Dataset.open(folder)
    report = msgspec.json.decode((folder / "report.json").read_bytes())
    divided = split(dataset, run.read(DataConfig, "data").split)
    return Data(dataset=dataset, split=divided, folder=folder, report=report)


def fit(
    run: RunConfig,
    data: Data,
    *,
    refit: bool = False,
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Fitted]:
    """Let the model of a run file, and each of its baselines, learn.

    Args:
        run: the run file.
        data: what `ingest` made.
        refit: once validation has chosen the number of steps, learn anew from train and validation for exactly
            as many. A model with a closed form simply learns from both.
        folder: for checkpoints; the main model's lie in it, the others' in folders of their names.
        resume: go on from the newest checkpoints in `folder`.
        callbacks: told of the progress.
        tell: told, in words, what begins.

    Returns:
        by name, the main model first.
    """
    library = open_library(run, data, callbacks)
    bench = Workbench.prepare(run, data.dataset, data.split.train, library)
    full = Workbench.prepare(run, data.dataset, data.split.refit, library) if refit else bench
    fitted: dict[str, Fitted] = {}
    for name, choice in run.models.items():
        tell(f"Fitting {name}")
        place = folder and (folder if not fitted else folder / "baselines" / name)
        if choice == replace(run.model, ranked=False) and run.ranks:
            main = fitted[run.model.kind]
            fitted[name] = replace(main, choice=choice, pipeline=main.pipeline.alone(), seconds=0.0)
            continue
        model = None
        steps = None
        seconds = 0.0
        if not refit or isinstance(bench.make(choice), Learned):
            model, result = bench.fit(
                choice, asked=cut(data.split, "validation"), folder=place, resume=resume, callbacks=callbacks
            )  # fmt: skip
            steps = result.steps if isinstance(model, Learned) else None
            seconds = result.seconds
        if model is None or refit:
            if steps:
                tell(f"Refitting {name} on train and validation")
            again = place and place / "refit"
            model, result = full.fit(choice, steps=steps, folder=again, resume=resume, callbacks=callbacks)
            seconds += result.seconds
        begin = time.perf_counter()
        pipeline = over_catalogue(
            full, Learning(choice=choice, model=model, steps=steps),
            asked=None if refit else cut(data.split, "validation"), callbacks=callbacks, tell=tell,
        )  # fmt: skip
        fitted[name] = Fitted(
            choice=choice,
            pipeline=pipeline,
            steps=steps,
            seconds=seconds + time.perf_counter() - begin,
            learned_from=_learned_from("train and validation" if refit else "train", full, steps),
        )
    if library.report:
        library.report.write(data.folder / "content.parquet")
        for line in library.report.summary():
            tell(f"Content of {line}. All of it: {data.folder / 'content.parquet'}")
    return fitted


def evaluate_models(
    run: RunConfig, data: Data, fitted: Mapping[str, Fitted], folder: Path | None = None
) -> Report:
    """Ask each model what comes after train and validation, and compare the answers with the test part.

    Args:
        run: the run file.
        data: what `ingest` made.
        fitted: the models, by name.
        folder: where report and single answers are kept, if they are.

    Raises:
        DataError: the test part is empty, or leaves nothing to find.
    """
    if data.split.test.is_empty():
        raise DataError(f"{run.path} [data.split]: the test part is empty, so there is nothing to evaluate on")
    asked, config = cut(data.split, "test"), run.read(EvaluateConfig, "evaluate")
    entries: dict[str, Entry] = {}
    questions: dict[int, Question] = {}
    for name, one in fitted.items():
        space = one.pipeline.space
        if id(space) not in questions:
            questions[id(space)] = Question.prepare(
                space, one.pipeline.catalogue, asked, data.dataset.users, config=config
            )
        found = beyond.measure(questions[id(space)].ask(one.pipeline))
        seconds = {"fit": one.seconds} if one.seconds else {}
        entries[name] = Entry(kind=one.choice.kind, evaluation=found, timings=seconds)
    first = next(iter(fitted.values()))
    parts = first.learned_from.partition(" (")[0]
    told = "train and validation" if "test_given" not in data.split.parts else "what is given of each user"
    words = f"{WORDS[data.split.kind]}. Models learned from {parts}, and were asked knowing {told}."
    report = summarise(f"{data.dataset.name}: {next(iter(fitted))}", words, entries)
    if folder:
        answers.write(
            answers.table({name: one.evaluation for name, one in entries.items()}), folder / answers.FILE
        )
        keep(report, folder)
    return report


def make_bundle(
    run: RunConfig,
    data: Data,
    fitted: Fitted,
    bundles: Path | str,
    *,
    report: Report | None = None,
    serve_on: ServeOn = "all",
    folder: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Make the bundle that is served, and let `bundles/CURRENT` name it.

    Args:
        run: the run file.
        data: what `ingest` made.
        fitted: the model, as it was measured.
        bundles: the folder of bundles.
        report: whose numbers the manifest tells.
        serve_on: "all" learns anew from all events for as many steps; "measured" takes the weights that were
            measured. Either way the service knows all events as history.
        folder: for checkpoints.
        resume: go on from the newest checkpoint in `folder`.
        callbacks: told of the progress.
    """
    served = fitted
    if serve_on == "all":
        library = open_library(run, data, callbacks)
        bench = Workbench.prepare(run, data.dataset, data.everything, library)
        model, _ = bench.fit(fitted.choice, steps=fitted.steps, folder=folder, resume=resume, callbacks=callbacks)
        first = Learning(choice=fitted.choice, model=model, steps=fitted.steps)
        served = replace(
            fitted,
            pipeline=over_catalogue(bench, first, like=fitted.pipeline.second, callbacks=callbacks),
            learned_from=_learned_from("all events, test included", bench, fitted.steps),
        )
    return _write(Path(bundles), data, served, data.everything, report)


def train(
    run: RunConfig,
    artefacts: Path | str,
    *,
    refit: bool = False,
    serve_on: ServeOn = "all",
    resume: bool = False,
    model: str | None = None,
    seed: int | None = None,
    callbacks: Sequence[Callback] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Everything that `penchant train` does.

    Args:
        run: the run file.
        artefacts: the folder of data sets, runs and bundles.
        refit: measure models that learned anew from train and validation; as in `fit`.
        serve_on: what the served model learns from; as in `make_bundle`.
        resume: go on with the newest unfinished run of this run file, with the options that it began with. The
            result is the same as that of a run that was never interrupted.
        model: takes the place of the run file's `[model]`.
        seed: takes the place of `[train] seed`.
        callbacks: told of the progress.
        tell: told, in words, what begins.
    """
    artefacts = Path(artefacts)
    if resume:
        place = runs.unfinished(artefacts, run)
        state = place.state
        refit, model, seed = state.refit, state.model, state.seed
        serve_on = "all" if state.serve_on == "all" else "measured"
        run = run.override(model=model, seed=seed)
        tell(f"Going on with {state.id}")
        data = reopen(run, artefacts / state.dataset)
    else:
        run = run.override(model=model, seed=seed)
        check_metric(run)
        tell("Reading and checking the files")
        data = ingest(run, artefacts)
        state = runs.RunState(
            id=runs.new_id(run.model.kind), source=str(run.path.resolve()), model=model, seed=seed,
            refit=refit, serve_on=serve_on, dataset=str(data.folder.relative_to(artefacts)),
            kinds={name: choice.kind for name, choice in run.models.items()},
        )  # fmt: skip
        place = runs.RunFolder.create(artefacts, run, state)
    fitted = fit(run, data, refit=refit, folder=place.path, resume=resume, callbacks=callbacks, tell=tell)
    report = None
    if not data.split.test.is_empty():
        tell("Evaluating on the test part")
        report = evaluate_models(run, data, fitted, place.path)
    known = cut(data.split, "test").known
    for name, one in fitted.items():
        _write(place.measured(name), data, one, known, report, name)
    main = next(iter(fitted.values()))
    tell("Making the bundle" if serve_on == "measured" else "Making the bundle: learning anew from all events")
    bundle = make_bundle(
        run, data, main, artefacts / "bundles",
        report=report, serve_on=serve_on, folder=place.path / "final", resume=resume, callbacks=callbacks,
    )  # fmt: skip
    place.update(finished=True, bundle=bundle.name)
    return Outcome(folder=place.path, bundle=bundle, report=report)


def evaluate_run(place: runs.RunFolder) -> Report:
    """Ask the models of a finished run again, as they were measured, and write its report anew."""
    state = place.state
    text = (place.path / "run.toml").read_text(encoding="utf-8")
    run = RunConfig.parse(text, place.path / "run.toml").override(model=state.model, seed=state.seed)
    data = reopen(run, place.artefacts / state.dataset)
    fitted = {}
    for name, choice in run.models.items():
        bundle = open_bundle(place.measured(name))
        fitted[name] = Fitted(
            choice=choice,
            pipeline=bundle.pipeline,
            steps=None,
            seconds=0.0,
            learned_from=bundle.manifest.learned_from,
        )
    return evaluate_models(run, data, fitted, place.path)


def open_library(run: RunConfig, data: Data, callbacks: Sequence[Callback]) -> Library:
    """Where content is read from; its vectors are kept for every data set and run of these artefacts."""

    def progress(column: str, done: int, total: int) -> None:
        for callback in callbacks:
            callback.on_content(column, done, total)

    kept = data.folder.parent.parent / "content"
    return Library(data.dataset.root, run.read(ContentConfig, "content"), kept, progress)


def _write(
    folder: Path, data: Data, one: Fitted, events: pl.DataFrame, report: Report | None, name: str | None = None
) -> Path:
    results = report.results if report else ()
    result = next((r for r in results if name in (None, r.model)), None)
    return write_bundle(
        folder,
        one.pipeline,
        name=data.dataset.name,
        kind=one.choice.kind,
        users=data.dataset.users,
        events=events,
        metrics={key: measure.mean for key, measure in result.measures.items()} if result else None,
        root=data.dataset.root,
        learned_from=one.learned_from,
    )


def _learned_from(what: str, bench: Workbench, steps: int | None) -> str:
    length = "" if steps is None else f", {steps:,} steps"
    return f"{what} ({bench.events.height:,} events{length})"
