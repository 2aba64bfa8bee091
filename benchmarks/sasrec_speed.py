# SPDX-License-Identifier: Apache-2.0
"""Seconds of one epoch of SASRec on MovieLens-100K: Penchant, RePlay 0.22.0 and RecTools 0.19.0, in turn.

    python benchmarks/sasrec_speed.py --out sasrec_speed.json

How they take turns, and what is timed, is said in `turns.py`.

The same for all: events (each user's last two left out), d = 64, 2 blocks, 2 heads, feed-forward d to d, the last
101 events of a user (100 inputs, 100 targets), a softmax over all items, 128 users a batch, dropout 0.2, Adam,
float32. Every user comes once an epoch.

What differs, because it is how each is made: the peers pad every history to 100 steps and compute logits for the
padding; Penchant puts histories of similar length together and computes logits where there is a target. The peers
also drop attention weights and the inside of the feed-forward part; Penchant drops the two sums of a block.
Penchant does one step more for each user (a learned start, which foretells the first event), and for each batch
clips the gradient and averages the weights, which the peers do not.
RecTools' softmax has one class more (padding).

The row `penchant, default` is not equal work: it is what a user gets who chooses nothing: all that is known of
items, users and events, a wider feed-forward part, smaller batches, and bfloat16 where the processor is faster
with it.
"""

from __future__ import annotations

import json

from peers.common import BATCH, BLOCKS, DROPOUT, EMBEDDING, HEADS, LENGTH
from turns import Contender, race

EQUAL = {
    "model": {
        "embedding_size": EMBEDDING,
        "blocks": BLOCKS,
        "heads": HEADS,
        "inner_size": EMBEDDING,
        "history_length": LENGTH,
        "dropout": DROPOUT,
        "use_time": False,
        "use_action": False,
        "use_value": False,
        "use_item_features": False,
        "use_user_features": False,
        "ahead": [1.0],
    },
    "train": {"batch_size": BATCH, "precision": "float32"},
}

CONTENDERS = {
    "penchant, equal work": Contender(runner="penchant_epochs", variant=f"sasrec {json.dumps(EQUAL)}"),
    "penchant, default": Contender(runner="penchant_epochs", variant="sasrec"),
    "replay": Contender(runner="replay_sasrec", peer="replay", variant="legacy"),
    "replay, new": Contender(runner="replay_sasrec", peer="replay", variant="new"),
    "rectools": Contender(runner="rectools_sasrec", peer="rectools"),
}

if __name__ == "__main__":
    race("SASRec on MovieLens-100K", CONTENDERS)
