# SPDX-License-Identifier: Apache-2.0
"""Seconds of one epoch of Mult-VAE, or of NeuMF: Penchant and RecBole 1.2.1, in turn.

    python benchmarks/autoencoder_speed.py multvae --out multvae_speed.json
    python benchmarks/autoencoder_speed.py neumf --out neumf_speed.json

How they take turns, and what is timed, is said in `turns.py`. The set is MovieLens-100K, or another by `--set
movielens-1m`.

**Mult-VAE.** The same for all: events (each user's last two left out), the network (600, then a vector of 64
and its variances, 600, all items), dropout of half of the input, Adam, 2,048 users a batch as in RecBole's own
settings, so a whole epoch of MovieLens-100K is one step. What differs: RecBole makes a dense row of all items
for each user; Penchant sums the vectors of what is there, clips gradients and averages weights. `float32` is
the row of equal numbers, as RecBole has no others; `as it comes` is the same work in bfloat16, where the
processor is faster with it. The rows of 128 users a batch do more steps with the same network.

**NeuMF.** The same for all: events, vectors of 64 in either part, layers of 128 and 64, dropout 0.1, one
uniform negative for each event, float32, Adam. RecBole's batch of 2,048 is half negatives, so it takes 96
steps; Penchant's of 10 users takes 95. What differs: RecBole looks up who the user is; Penchant computes it
from the whole history before each event, which is more work. A negative of RecBole's is never something that
the user did; in Penchant such a negative does not count.
"""

from __future__ import annotations

import json
import sys

from turns import Contender, race


def _penchant(kind: str, model: dict[str, float], **train: float | str) -> Contender:
    chosen = json.dumps({"model": model, "train": train})
    return Contender(runner="penchant_epochs", variant=f"{kind} {chosen}")


def _recbole(kind: str, **chosen: object) -> Contender:
    return Contender(runner="recbole_epochs", peer="recbole", variant=f"{kind} {json.dumps(chosen)}")


VAE = {"embedding_size": 64, "hidden_size": 600, "dropout": 0.5}
PAIRS = {"embedding_size": 64, "layers": 2, "dropout": 0.1, "negative_count": 1, "history_length": 1000}

RACES = {
    "multvae": {
        "penchant, float32": _penchant("multvae", VAE, batch_size=2048, precision="float32"),
        "recbole": _recbole("MultiVAE"),
        "penchant, as it comes": _penchant("multvae", VAE, batch_size=2048),
        "penchant, 128 users": _penchant("multvae", VAE, batch_size=128),
        "recbole, 128 users": _recbole("MultiVAE", train_batch_size=128),
    },
    "neumf": {
        "penchant, float32": _penchant("neumf", PAIRS, batch_size=10, precision="float32"),
        "recbole": _recbole("NeuMF"),
        "penchant, as it comes": _penchant("neumf", {}, batch_size=32),
    },
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in RACES:
        raise SystemExit(f"Say which model: {' or '.join(RACES)}")
    race(sys.argv[1], RACES[sys.argv[1]], sys.argv[2:])
