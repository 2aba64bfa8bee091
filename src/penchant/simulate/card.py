# SPDX-License-Identifier: Apache-2.0
"""What lies beside the tables for people: a README that says simulated, and a run file that is ready to train."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penchant.simulate.records import Record

_RUN = """\
# A simulated shop: nothing in it was done by people, so say "simulated" wherever a number from it is shown.
#
#     penchant train run.toml

[data]
name = "simulated-shop"

# What people did. Impressions are most of the log; to read them too: path = "events/*.parquet".
[data.events]
path = "events/actions-*.parquet"
time = "time"
type = "type"
dwell = "dwell"
amount = "amount"
quantity = "quantity"
session = "session"
position = "position"
propensity = "propensity"

[data.events.context]
device = { kind = "category" }
page = { kind = "category" }
discount = { kind = "number" }

[data.events.types]
impression = { meaning = "impression", strength = 0.0, sign = 0 }
click = { meaning = "click", strength = 0.3 }
cart = { meaning = "cart", strength = 0.6 }
purchase = { meaning = "purchase", strength = 1.0 }
return = { meaning = "return", strength = 0.5, sign = -1 }

[data.items]
path = "items.parquet"
title = "title"

[data.items.columns]
title = { kind = "text" }
description = { kind = "text" }
category = { kind = "category" }
tags = { kind = "tags" }
price = { kind = "number" }
seller = { kind = "id" }
launched = { kind = "time" }
"""
_PICTURE = 'picture = { kind = "image" }\n'
_SOUND = 'sound = { kind = "audio" }\n'
_REST = """
[data.users]
path = "users.parquet"

[data.users.columns]
age = { kind = "number" }
gender = { kind = "category" }
region = { kind = "category" }
joined = { kind = "time" }

[data.reviews]
path = "reviews.parquet"
rating = "rating"
time = "time"

[data.social]
path = "social.parquet"
weight = "weight"

[data.split]
kind = "time"

[model]
kind = "sasrec"

[[baselines]]
kind = "popularity"

[[baselines]]
kind = "item_knn"

[train]
epochs = 20
metric = "ndcg@10"
"""

_CARD = """\
# A simulated shop

**Everything here is simulated.** No person clicked or bought anything; the reviews are made of ready phrases,
pictures are drawn and sounds synthesised by Penchant. Say so wherever a number from it is shown. It is made for
tests, load tests and for judging recommenders against a known truth; what is good here need not be good among
people.

| what | rows |
|---|---|
{rows}

* `events/`: `actions-*.parquet` holds what people did, `impressions-*.parquet` what they were shown; each is
  sorted by time, and both have the same columns. `type` is impression, click, cart, purchase or return.
  `position` is the place in the list (from 1), `propensity` the exact probability with which the logging policy
  showed the item there; `dwell` in seconds; `amount` = quantity x price x (1 - `discount`), negative for a
  return. `device`, `page` (home, or a category) and `discount` are known when an event begins.
* `items.parquet`, `users.parquet`, `social.parquet` (each friendship from both sides), `reviews.parquet`.
  Descriptions, ages, genders, pictures and sounds are missing here and there on purpose.
* `truth/`: what no shop knows: true tastes, item vectors, price sensitivities. A recommender must not read it.
  `penchant.Truth.open(folder).expected(user_ids, item_ids, time)` answers with it.
* `simulation.json`: all choices and the seed. The same choices give the same shop.
* `run.toml`: `penchant train run.toml`.
"""


def run_file(*, pictures: bool, sounds: bool) -> str:
    """The run file of a shop, which lies beside its tables."""
    return _RUN + _PICTURE * pictures + _SOUND * sounds + _REST


def readme(record: Record) -> str:
    """The README of a shop."""
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in record.counts.items())
    return _CARD.format(rows=rows)
