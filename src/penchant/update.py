# SPDX-License-Identifier: Apache-2.0
"""Learning on: a bundle that has learned from what a service's log holds, if it is better than the one before.

1. The newest part of what is new in the log is set aside. A candidate learns from everything before it: a learned
   model goes on from the weights that answer now, on the users who did something since, or on all where others are
   part of what answers; one with a closed form is solved anew.
2. Both are asked what comes in the part that was set aside, knowing the same histories.
3. If the candidate is better, it learns from the rest as well, and becomes the current bundle once it has been
   opened and has answered its golden requests. Else nothing changes.

The feature space grows: new items, users and types of event get indices behind the known ones, so that every
weight keeps its meaning. Columns and encoders stay as they were fitted; `penchant train` fits them anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import torch

from penchant import runs
from penchant.bundle import current
from penchant.bundle.bundle import find, open_bundle, write_bundle
from penchant.bundle.manifest import LogMark
from penchant.config import RunConfig
from penchant.data.dataset import Dataset
from penchant.errors import ConfigError, DataError
from penchant.evaluate.bootstrap import paired
from penchant.evaluate.protocol import Cut, EvaluateConfig, Question
from penchant.features.events import more_columns
from penchant.features.growing import grown
from penchant.models.recommender import Learned
from penchant.recommend.pipeline import Pipeline
from penchant.schema import EVENT_COLUMNS, ITEM, TIME, USER
from penchant.serve.eventtable import SEQUENCE, canonical
from penchant.serve.itemstore import ItemStore
from penchant.serve.people import People
from penchant.serve.stock import Stock
from penchant.serve.userstore import UserStore
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig
from penchant.workbench import metric_k

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from penchant.bundle.bundle import Bundle
    from penchant.evaluate.bootstrap import Difference
    from penchant.evaluate.metrics import Floats
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.serve.eventlog import EventLog


class UpdateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is learned, and what it is judged by.

    Attributes:
        epochs: of a learned model, over the users who did something since.
        newest: share of the new events that is set aside to judge by.
        least: fewer new events than this are not worth it.
    """

    epochs: int = 3
    newest: float = 0.2
    least: int = 100


@dataclass(frozen=True, kw_only=True)
class Updated:
    """What became of it.

    Attributes:
        metric: what was compared.
        before: of the bundle that answers now.
        after: of the candidate.
        difference: of the same users, with its interval.
        events: how many new ones there were.
        bundle: the new bundle, which is current now; None where the candidate was no better.
    """

    metric: str
    before: float
    after: float
    difference: Difference
    events: int
    bundle: Path | None


def update(
    artefacts: Path,
    log: EventLog,
    config: UpdateConfig | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Updated:
    """Learn on from a log, and serve what came of it if it is better.

    Args:
        artefacts: the folder of data sets, runs and bundles.
        log: what a service of these bundles wrote.
        config: how much is learned.
        tell: told, in words, what begins.

    Raises:
        DataError: too little is new, or nothing of it can be judged by.
        ConfigError: the run that the bundle came from is not here.
        BundleError: the current bundle, or the new one, does not hold what it should.
    """
    config = config or UpdateConfig()
    bundles = artefacts / "bundles"
    old = open_bundle(find(bundles))
    if old.pipeline.second is not None:
        raise ConfigError(f"{old.manifest.id} has a second stage, which learns only with the rest: penchant train")
    run = _run_of(artefacts, old)
    tables, last = _tables(old, log)
    fresh = tables.fresh
    if fresh.height < config.least:
        raise DataError(
            f"The log {log.url} holds {fresh.height:,} new events of known items: at least {config.least:,} are "
            "needed to learn from and to judge by (--least)"
        )
    aside = max(int(fresh.height * config.newest), 1)
    before, newest = fresh.head(fresh.height - aside), fresh.tail(aside)
    tell(f"Learning on from {before.height:,} new events; {newest.height:,} are set aside")
    known = pl.concat([tables.base, before], how="diagonal").sort(TIME, maintain_order=True)
    candidate = _learn(old, run, tables, known, before, config)
    tell("Asking both what came then")
    judged = Cut(known, known, newest)
    train = run.read(TrainConfig, "train")
    asked = [_ask(pipeline, run, train.metric, judged, tables.users) for pipeline in (tables.pipeline, candidate)]
    if len(asked[0]) != len(asked[1]):
        raise DataError("The two bundles were asked about different users: train anew (penchant train)")
    difference = paired(asked[1], asked[0])
    found = Updated(
        metric=train.metric,
        before=float(asked[0].mean()),
        after=float(asked[1].mean()),
        difference=difference,
        events=fresh.height,
        bundle=None,
    )
    if difference.mean <= 0:
        return found
    tell("It is better: learning from the rest as well")
    everything = pl.concat([tables.base, fresh], how="diagonal").sort(TIME, maintain_order=True)
    final = _learn(old, run, tables, everything, fresh, config)
    place = write_bundle(
        bundles,
        final,
        name=old.manifest.name,
        kind=old.manifest.kind,
        users=tables.users,
        events=everything,
        metrics={f"newest {train.metric}": found.after},
        root=old.root,
        parent=old.manifest.id,
        learned_from=f"{old.manifest.id} and {fresh.height:,} events of the log since",
        log=LogMark(identity=log.identity, events=last),
        make_current=False,
    )
    open_bundle(place)
    current.point(bundles, place.name)
    return Updated(
        metric=found.metric,
        before=found.before,
        after=found.after,
        difference=difference,
        events=found.events,
        bundle=place,
    )


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """What is known now.

    Attributes:
        base: the bundle's events.
        fresh: canonical events of the log that the bundle does not hold, sorted by time.
        items: the table of items with what was said of them.
        users: the table of users with what was said of them.
        pipeline: what answers now, over these items.
    """

    base: pl.DataFrame
    fresh: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    pipeline: Pipeline


def _run_of(artefacts: Path, bundle: Bundle) -> RunConfig:
    """The run file that a bundle, or one that it came from, was trained by."""
    chain = [bundle.manifest.id]
    parent = bundle.manifest.parent
    while parent:
        chain.append(parent)
        path = artefacts / "bundles" / parent / "manifest.json"
        parent = msgspec.json.decode(path.read_bytes()).get("parent") if path.is_file() else None
    for one in reversed(runs.all_runs(artefacts)):
        if one.state.bundle in chain:
            text = (one.path / "run.toml").read_text(encoding="utf-8")
            found = RunConfig.parse(text, one.path / "run.toml")
            return found.override(model=one.state.model, seed=one.state.seed)
    place = artefacts / "runs"
    raise ConfigError(f"{place} holds no run that made {chain[-1]}: train there (penchant train run.toml)")


def _tables(bundle: Bundle, log: EventLog) -> tuple[_Tables, int]:
    """What is known now, and the number of the last event of the log that was looked at."""
    schema = bundle.pipeline.space.schema
    pipeline = Stock(bundle, ItemStore(log.engine)).view.pipeline
    more = more_columns(schema)
    wanted = [name for name in (*EVENT_COLUMNS, *more) if name in bundle.events.columns]
    held = bundle.manifest.held(log.identity)
    before, now = (one.ids.implode() for one in (bundle.pipeline.catalogue, pipeline.catalogue))
    parts, last = [], 0
    for frame in log.replay():
        last = int(frame[SEQUENCE][-1])
        later = canonical(frame.filter(pl.col(SEQUENCE) > held), schema.user_id, schema.item_id, more)
        # Of items that the bundle did not hold then, and that are here now.
        early = canonical(frame.filter(pl.col(SEQUENCE) <= held), schema.user_id, schema.item_id, more)
        parts += [early.filter(~pl.col(ITEM).is_in(before)), later]
    empty = bundle.events.select(wanted).clear()
    fresh = pl.concat([empty, *parts], how="diagonal_relaxed").filter(pl.col(ITEM).is_in(now))
    tables = _Tables(
        base=bundle.events.select(wanted),
        fresh=fresh.sort(TIME, maintain_order=True),
        items=pipeline.catalogue.frame,
        users=People(bundle, UserStore(log.engine)).table,
        pipeline=pipeline,
    )
    return tables, last


def _learn(
    old: Bundle, run: RunConfig, tables: _Tables, events: pl.DataFrame, fresh: pl.DataFrame, config: UpdateConfig
) -> Pipeline:
    """A model that has learned from `events`; one with weights goes on from its own, on those of `fresh`."""
    space = grown(old.pipeline.space, events)
    dataset = Dataset(
        name=old.manifest.name, schema=space.schema, events=events, items=tables.items, users=tables.users
    )
    train = run.read(TrainConfig, "train")
    model = make(old.manifest.kind, old.manifest.config, space.sizes, train.seed)
    people = events
    if isinstance(model, Learned):
        carry(old.pipeline.model.state(), model)
        people = events if model.remembers else fresh
    seen = tables.items.join(events.select(ITEM).unique(), on=ITEM, how="semi", maintain_order="left")
    users = space.training_users(people[USER].unique().sort(), events, space.catalogue(seen), dataset.users)
    fit(model, users, msgspec.structs.replace(train, epochs=config.epochs))
    return Pipeline(model, space, _catalogue(space, tables))


def _catalogue(space: FeatureSpace, tables: _Tables) -> Catalogue:
    """Every item with its content as it was encoded already: pictures need not be there."""
    return space.catalogue(tables.items, tables.pipeline.catalogue.items.content)


def carry(state: Mapping[str, Tensor], model: Learned) -> None:
    """Let a model begin where another ended whose vocabularies were a beginning of its own.

    Weights are carried, and single numbers such as how many steps there were; what else a state holds, such as who
    did what, is made anew by `Learned.begin`.

    Args:
        state: of the other model.
        model: freshly made; rows that the other does not have stay as they are.
    """
    whole, weights = {}, dict(model.named_parameters())
    for name, fresh in model.state().items():
        known = state.get(name)
        if known is None or known.ndim != fresh.ndim or known.shape[1:] != fresh.shape[1:]:
            whole[name] = fresh
        elif known.ndim == 0:
            whole[name] = known
        else:
            whole[name] = torch.cat([known[: len(fresh)], fresh[len(known) :]]) if name in weights else fresh
    model.load_state(whole)


def _ask(pipeline: Pipeline, run: RunConfig, metric: str, judged: Cut, users: pl.DataFrame) -> Floats:
    """[B] the metric of each user who has something to find."""
    evaluate = msgspec.structs.replace(
        run.read(EvaluateConfig, "evaluate"), ks=(metric_k(metric, run.path),), cold_items=False
    )
    question = Question.prepare(pipeline.space, pipeline.catalogue, judged, users, config=evaluate)
    return question.ask(pipeline).per_user[metric]
