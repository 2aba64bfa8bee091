# SPDX-License-Identifier: Apache-2.0
"""A small shop with a second stage: people lean towards one of three groups, and buy what they click and is dear.

With `shown`, the log says what was shown to them and where; else it is what they did alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant import recipe
from penchant.config import RunConfig

if TYPE_CHECKING:
    from pathlib import Path

USERS = 90
ITEMS = 45
VISITS = 8
EACH = 6
"""What is shown on a visit."""
DAY = 86_400

RUN = """
[data]
name = "staged"

[data.events]
path = "events.csv"
time = "time"
time_unit = "s"
type = "type"
amount = "amount"
%(position)s

[data.events.types]
seen = { meaning = "impression", strength = 0.0, sign = 0 }
click = { meaning = "click" }
buy = { meaning = "purchase" }

[data.items]
path = "items.csv"

[data.items.columns]
group = { kind = "category" }
price = { kind = "number" }

[model]
kind = "item_knn"

[evaluate]
ks = [5, 10]
bootstrap = 20
repeats = true

[train]
metric = "ndcg@5"
precision = "float32"

[rank]
score = "0.2*click + buy*log1p(price)"
candidates = 20
embedding_size = 8
expert_size = 8
n_experts = 2
history_length = 10
slice = 0.5
moments = 6
epochs = %(epochs)s
batch_size = 8
learning_rate = 0.01
negatives = 20
%(rank)s

[[rank.tasks]]
name = "click"
types = ["click"]

[[rank.tasks]]
name = "buy"
types = ["buy"]
after = "click"

[[rank.tasks]]
name = "spent"
kind = "regression"
types = ["buy"]
of = "amount"

[[rank.sources]]
kind = "popularity"
count = 10

[[rank.sources]]
kind = "content_knn"
count = 5
new = true
"""


def events(*, shown: bool, seed: int = 0) -> pl.DataFrame:
    """The log, in the order of time."""
    random = np.random.default_rng(seed)
    count = USERS * VISITS
    user = np.repeat(np.arange(USERS), VISITS)
    day = random.permutation(count) * 3600 + 1_700_000_000
    item = np.argsort(random.random((count, ITEMS)), axis=1)[:, :EACH]
    place = np.arange(1, EACH + 1)
    near = (item % 3) == (user % 3)[:, None]
    click = random.random(item.shape) < np.where(near, 0.8, 0.1) * place**-0.3
    buy = click & (random.random(item.shape) < np.where(item % 2, 0.7, 0.1))
    parts = []
    for number, (kind, chosen) in enumerate((("seen", np.ones_like(click)), ("click", click), ("buy", buy))):
        at = np.nonzero(chosen)
        parts.append(
            pl.DataFrame(
                {
                    "user_id": user[at[0]] + 1,
                    "item_id": item[at] + 1,
                    "time": day[at[0]] + number * 60 + at[1],
                    "type": kind,
                    "amount": 1.0 + item[at] % 7 if kind == "buy" else None,
                    "position": place[at[1]] if kind == "seen" else None,
                },
                schema_overrides={"amount": pl.Float64, "position": pl.Int64},
            )
        )
    whole = pl.concat(parts).sort("time", "user_id", "item_id")
    return whole if shown else whole.filter(pl.col("type") != "seen").drop("position")


def stock(folder: Path, *, shown: bool = False, rank: str = "", extra: str = "", epochs: int = 12) -> Path:
    """The shop's files and its run file.

    Args:
        folder: where they lie.
        shown: whether the log says what was shown.
        rank: further keys of `[rank]`.
        extra: further tables.
        epochs: of the ranker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events(shown=shown).write_csv(folder / "events.csv")
    items = pl.DataFrame(
        {
            "item_id": np.arange(1, ITEMS + 3),
            "group": [f"g{i % 3}" for i in range(ITEMS + 2)],
            "price": [None if i % 10 == 0 else 2.0 + 6 * (i % 2) for i in range(ITEMS + 2)],
        }
    )
    items.write_csv(folder / "items.csv")
    said = {"position": 'position = "position"' if shown else "", "rank": rank, "epochs": epochs}
    (folder / "run.toml").write_text(RUN % said + extra, encoding="utf-8")
    return folder / "run.toml"


@cache
def fitted(folder: Path, *, shown: bool = False, epochs: int = 12):
    """(run, data, what was fitted), made once for each folder."""
    run = RunConfig.load(stock(folder / "shop", shown=shown, epochs=epochs))
    data = recipe.ingest(run, folder / "artefacts")
    return run, data, recipe.fit(run, data)
