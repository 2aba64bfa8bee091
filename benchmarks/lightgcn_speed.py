# SPDX-License-Identifier: Apache-2.0
"""Seconds of one epoch of LightGCN on MovieLens-100K: Penchant and RecBole 1.2.1, in turn.

    python benchmarks/lightgcn_speed.py --out lightgcn_speed.json

How they take turns, and what is timed, is said in `turns.py`.

The same for all: events (each user's last two left out), d = 64, 3 layers, float32, Adam. In the first two rows
also the loss (pairwise, one uniform negative for each event that is foretold), and how often the graph is passed
through: RecBole's batch is 2,048 events, Penchant's 20 users, who have 2,081 on average, so either takes 48 steps.

What differs, because it is how each is made: RecBole's users have vectors of their own, so every layer is a hop
from both sides; Penchant's have none, which halves the hops. RecBole foretells every event; Penchant a random
95 % of them (`given = 0.05`), from the rest. RecBole's hop is a product with a sparse matrix, and its sampler
sees to it that a negative is nothing that the user did; Penchant's only that it is not the very item. Penchant
clips gradients and averages weights.

The row `penchant, default` is not equal work: it is what a user gets who chooses nothing but 128 users a batch:
a softmax over all items, in bfloat16 where the processor is faster with it. `recbole, few steps` has batches as
large.
"""

from __future__ import annotations

import json

from turns import Contender, race

EQUAL = {
    "model": {"loss": "bpr", "negative_count": 1, "shared_negatives": False, "layers": 3, "given": 0.05},
    "train": {"batch_size": 20, "precision": "float32"},
}
DEFAULT = {"train": {"batch_size": 128}}

CONTENDERS = {
    "penchant, equal work": Contender(runner="penchant_epochs", variant=f"lightgcn {json.dumps(EQUAL)}"),
    "recbole": Contender(runner="recbole_epochs", peer="recbole", variant='LightGCN {"n_layers": 3}'),
    "penchant, default": Contender(runner="penchant_epochs", variant=f"lightgcn {json.dumps(DEFAULT)}"),
    "recbole, few steps": Contender(
        runner="recbole_epochs", peer="recbole", variant='LightGCN {"n_layers": 3, "train_batch_size": 13312}'
    ),
}

if __name__ == "__main__":
    race("LightGCN on MovieLens-100K", CONTENDERS)
