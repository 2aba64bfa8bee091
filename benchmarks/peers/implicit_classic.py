# SPDX-License-Identifier: Apache-2.0
"""Fit a model of implicit 0.7.3 and list the best items of each user; called by `classic.py`."""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy import sparse

MODELS = {
    "als": AlternatingLeastSquares,
    "bpr": BayesianPersonalizedRanking,
    "cosine": CosineRecommender,
    "bm25": BM25Recommender,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=MODELS, required=True)
    parser.add_argument("--choices", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--k", type=int, required=True)
    wanted = parser.parse_args()
    with np.load(wanted.data) as data:
        users, items, asked = data["users"], data["items"], data["asked"]
    shape = (int(users.max()) + 1, int(items.max()) + 1)
    matrix = sparse.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape=shape)
    choices: dict[str, Any] = {"num_threads": wanted.threads} | wanted.choices
    model = MODELS[wanted.kind](**choices)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(matrix, show_progress=False)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    step = 1024
    lists = [
        model.recommend(some, matrix[some], N=wanted.k, filter_already_liked_items=True)[0]
        for some in np.split(asked, range(step, len(asked), step))
    ]
    np.save(wanted.out, np.concatenate(lists).astype(np.int64))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
