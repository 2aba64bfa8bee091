# SPDX-License-Identifier: Apache-2.0
"""Penchant's own models for `zoo.py`, on ids and times alone, as the peers see them, unless a job brings tags."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
import torch
from learning import MOST_EPOCHS, Learning
from zoo import Fitted, work

from penchant.data.dataset import Dataset
from penchant.features.space import FeatureSpace
from penchant.models.recommender import Learned
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, Column, IdType, Kind, Schema
from penchant.train.fit import fit as learn
from penchant.train.fit import make
from penchant.train.trainer import TrainConfig, Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo import Job

TAGS = "tags"


class World:
    """The data as models see it, prepared once for all trials of a job."""

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(job.threads)
        times = job.times if job.dated else np.arange(len(job.times))
        events = pl.DataFrame({USER: job.users, ITEM: job.items, TIME: times}).with_columns(
            pl.lit("event").alias(TYPE), pl.lit(None, pl.Float64).alias(VALUE)
        )
        items = pl.DataFrame({ITEM: np.unique(job.items)})
        people = pl.DataFrame({USER: np.unique(job.users)})
        columns = {}
        if job.tags is not None:
            tags = pl.DataFrame(dict(zip((ITEM, TAGS), job.tags, strict=True))).group_by(ITEM).agg(TAGS)
            items = items.join(tags, on=ITEM, how="left", maintain_order="left")
            columns[TAGS] = Column(kind=Kind.TAGS)
        schema = Schema(
            user_id=IdType.INTEGER,
            item_id=IdType.INTEGER,
            items=columns,
            event_types=("event",),
            has_time=job.dated,
        )
        dataset = Dataset(name="zoo", schema=schema, events=events, items=items, users=people)
        self.space = FeatureSpace.fit(dataset, events)
        self.catalogue = self.space.catalogue(items)
        self.everyone = self.space.training_users(people[USER], events, self.catalogue, people)
        self.asked = self.space.users(pl.Series(USER, job.asked), events, self.catalogue, people)
        self.ids = items[ITEM].to_numpy()


class Told(Trainer):
    """A trainer that `Learning` asks and stops."""

    learning: Learning

    def _stopped(self, done: Any) -> bool:
        return super()._stopped(done) or self.learning.over

    def _epoch(self, done: Any, most_steps: int | None) -> Any:
        found = super()._epoch(done, most_steps)
        if self.learning.job.final:
            self.learning.epoch_done()
        return found

    def _validate(self) -> dict[str, float]:
        # With the averaged weights, which are those that answer.
        self.model.eval()
        with self._average.applied(self.model):
            self.learning.epoch_done()
        return {}


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    if not hasattr(job, "world"):
        job.world = World(job)  # type: ignore[attr-defined]
    world: World = job.world  # type: ignore[attr-defined]
    steps = settings.pop("steps", None)
    fields = {field.name for field in msgspec.structs.fields(TrainConfig)}
    training = {key: settings.pop(key) for key in list(settings) if key in fields}
    model = make(job.wanted["kind"], settings, world.space.sizes)

    @functools.lru_cache(maxsize=1)
    def pipeline(_epoch: int) -> Pipeline:
        """One for all who are asked: it keeps the items' vectors."""
        return Pipeline(model, world.space, world.catalogue)

    def recommend(asked: np.ndarray, epoch: int = 0) -> np.ndarray:
        places = torch.from_numpy(np.searchsorted(job.asked, asked))
        rows = pipeline(epoch).recommend(world.asked.select(places), job.k).rows.numpy()
        return np.where(rows >= 0, world.ids[rows], -1)

    if not isinstance(model, Learned):
        learn(model, world.everyone)
        return Fitted(recommend)

    def keep() -> Callable[[], None]:
        held = {name: tensor.clone() for name, tensor in model.state().items()}
        return lambda: model.load_state(held)

    config = TrainConfig(**{"epochs": MOST_EPOCHS} | training)
    trainer = Told(model, world.everyone, config, validate=dict)
    per_epoch = len(trainer._sampler)  # noqa: SLF001 - how many steps an epoch has is told to callbacks only
    epochs = None if steps is None else -(-max(int(steps), 1) // per_epoch)
    trainer.learning = Learning(job, lambda asked: recommend(asked, trainer.learning.done), keep, epochs)
    with trainer.learning:
        trainer.run(steps=None if steps is None else max(int(steps), 1))
    model.eval()
    fitted = trainer.learning.fitted()
    return fitted._replace(length=(fitted.length or 0) * per_epoch)


if __name__ == "__main__":
    work(fit)
