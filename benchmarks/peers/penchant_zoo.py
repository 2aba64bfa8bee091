# SPDX-License-Identifier: Apache-2.0
"""Penchant's own models for `zoo.py`, on ids and times alone, as the peers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
import torch
from zoo import MOST_EPOCHS, PATIENCE, Fitted, work

from penchant.data.dataset import Dataset
from penchant.features.space import FeatureSpace
from penchant.models.recommender import Learned, Recommender
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, IdType, Schema
from penchant.train.fit import fit as learn
from penchant.train.fit import make
from penchant.train.trainer import TrainConfig, Trainer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zoo import Job


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
        schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, event_types=("event",), has_time=job.dated)
        dataset = Dataset(name="zoo", schema=schema, events=events, items=items, users=people)
        self.space = FeatureSpace.fit(dataset, events)
        self.catalogue = self.space.catalogue(items)
        self.everyone = self.space.training_users(people[USER], events, self.catalogue, people)
        self.asked = self.space.users(pl.Series(USER, job.asked), events, self.catalogue, people)
        self.ids = items[ITEM].to_numpy()


class Bounded(Trainer):
    """A trainer that also stops when the job's time is over."""

    job: Job

    def _stopped(self, done: Any) -> bool:
        return super()._stopped(done) or self.job.late()


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    if not hasattr(job, "world"):
        job.world = World(job)  # type: ignore[attr-defined]
    world: World = job.world  # type: ignore[attr-defined]
    steps = settings.pop("steps", None)
    fields = {field.name for field in msgspec.structs.fields(TrainConfig)}
    training = {key: settings.pop(key) for key in list(settings) if key in fields}
    config = TrainConfig(**{"epochs": MOST_EPOCHS, "patience": PATIENCE, "metric": "score"} | training)
    model = make(job.wanted["kind"], settings, world.space.sizes)

    def recommend_with(found: Recommender, asked: np.ndarray) -> np.ndarray:
        pipeline = Pipeline(found, world.space, world.catalogue)
        places = torch.from_numpy(np.searchsorted(job.asked, asked))
        rows = pipeline.recommend(world.asked.select(places), job.k).rows.numpy()
        return np.where(rows >= 0, world.ids[rows], -1)

    if not isinstance(model, Learned):
        learn(model, world.everyone)
        return Fitted(lambda asked: recommend_with(model, asked))
    if job.final:
        result = learn(model, world.everyone, config, steps=max(int(steps), 1))
        passes = result.steps * config.batch_size / len(world.everyone)
        return Fitted(lambda asked: recommend_with(model, asked), result.steps, passes)

    def validate(found: Recommender) -> Mapping[str, float]:
        return {"score": job.score(lambda asked: recommend_with(found, asked))}

    trainer = Bounded(model, world.everyone, config, validate)
    trainer.job = job
    return Fitted(lambda asked: recommend_with(model, asked), trainer.run().steps)


if __name__ == "__main__":
    work(fit)
