# SPDX-License-Identifier: Apache-2.0
"""A tiny model that sees nothing but signals, and a world in which nothing else tells what comes next."""

import numpy as np
import polars as pl
import torch
from torch import nn
from torch.nn import functional

import worlds
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.models.recommender import Learned, ModelConfig
from penchant.recommend.pipeline import Pipeline
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, IdType, Schema
from penchant.train.fit import fit
from penchant.train.trainer import TrainConfig

AGGREGATES = ("events", "types", "value", "recency", "trend", "distinct")
HOUR = 60 * worlds.MINUTE
DAYS, PER_DAY, ITEMS, USERS = 24, 60, 24, 80


class Bandwagon(Learned):
    """Tells events of type `buy` from others by the signals of user and item; scores items by it."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """No choices."""

    uses_signals = True
    cold_items = True

    def __init__(self, config, sizes):
        super().__init__(config, sizes)
        self.of_item = nn.Linear(sizes.item_signals, 1)
        self.of_user = nn.Linear(sizes.user_signals, 1, bias=False)

    def loss(self, batch):
        past = batch.users.history
        logits = self.of_item(past.item_signals) + self.of_user(past.user_signals)
        # 2 is the first type, "buy".
        return {"bought": functional.binary_cross_entropy_with_logits(logits[:, 0], (past.actions == 2).float())}

    def score(self, users, items):
        return self.of_user(users.signals) + self.of_item(items.signals)[:, 0]

    def affinity(self, given, wanted):  # noqa: ARG002
        return None


def dataset(seed=0):
    """Each day one item is the rage: who views it buys it; who views any other does not.

    Which item it is changes from day to day, each item once: an id tells nothing of tomorrow, but what was bought
    in the last hours does.
    """
    random = np.random.default_rng(seed)
    total = DAYS * PER_DAY
    day = np.repeat(np.arange(DAYS), PER_DAY)
    raging = random.random(total) < 0.5
    items = np.where(raging, day % ITEMS, random.integers(0, ITEMS, total))
    events = pl.DataFrame(
        {
            USER: random.integers(0, USERS, total),
            ITEM: items,
            TIME: worlds.START + np.arange(total) * 24 * HOUR // PER_DAY,
            TYPE: np.where(items == day % ITEMS, "buy", "view"),
            VALUE: pl.Series([None] * total, dtype=pl.Float64),
        }
    )
    schema = Schema(user_id=IdType.INTEGER, item_id=IdType.INTEGER, event_types=("buy", "view"), has_value=True)
    tables = (pl.DataFrame({ITEM: np.arange(ITEMS)}), pl.DataFrame({USER: np.arange(USERS)}))
    return worlds.Dataset(name="rage", schema=schema, events=events, items=tables[0], users=tables[1])


def pipeline(data, aggregates=AGGREGATES, **choices):
    """The model, trained on everything in `data`; `choices` of `[features]`."""
    config = FeatureConfig(aggregates=aggregates, half_lives=(0.2, 5.0), **choices)
    space = FeatureSpace.fit(data, data.events, config)
    catalogue = space.catalogue(data.items)
    torch.manual_seed(0)
    model = Bandwagon(Bandwagon.Config(), space.sizes)
    users = space.training_users(data.events[USER].unique().sort(), data.events, catalogue, data.users)
    fit(model, users, TrainConfig(epochs=40, learning_rate=0.05, warmup_steps=5, precision="float32"))
    return Pipeline(model, space, catalogue)
