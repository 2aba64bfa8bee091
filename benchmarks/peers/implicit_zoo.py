# SPDX-License-Identifier: Apache-2.0
"""Models of implicit 0.7.3 for `zoo.py`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy import sparse
from zoo import Fitted, work

if TYPE_CHECKING:
    from zoo import Job

MODELS = {
    "als": partial(AlternatingLeastSquares, random_state=0),
    "bpr": partial(BayesianPersonalizedRanking, random_state=0),
    "cosine": CosineRecommender,
    "bm25": BM25Recommender,
}


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    matrix = sparse.csr_matrix((np.ones(len(job.users), np.float32), (job.users, job.items)), shape=job.shape)
    matrix.data[:] = 1.0  # pairs that came more than once were summed
    model = MODELS[job.wanted["kind"]](num_threads=job.threads, **settings)
    model.fit(matrix, show_progress=False)

    def recommend(asked: np.ndarray) -> np.ndarray:
        found, _ = model.recommend(asked, matrix[asked], N=job.k, filter_already_liked_items=True)
        return found

    return Fitted(recommend)


if __name__ == "__main__":
    work(fit)
