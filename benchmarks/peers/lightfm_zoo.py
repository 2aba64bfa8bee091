# SPDX-License-Identifier: Apache-2.0
"""LightFM-next 1.19 for `zoo.py`: WARP over ids alone."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from learning import learn
from lightfm import LightFM
from scipy import sparse
from zoo import best, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo import Fitted, Job


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    matrix = sparse.coo_matrix((np.ones(len(job.users), np.float32), (job.users, job.items)), shape=job.shape)
    seen = matrix.tocsr()
    epochs = settings.pop("epochs", None)
    model = LightFM(loss="warp", random_state=0, **settings)

    def epoch() -> None:
        model.fit_partial(matrix, epochs=1, num_threads=job.threads)

    def recommend(asked: np.ndarray) -> np.ndarray:
        user_bias, users = model.get_user_representations()
        item_bias, items = model.get_item_representations()
        scores = users[asked] @ items.T + item_bias + user_bias[asked, None]
        return best(scores, seen[asked].nonzero(), job.k)

    def keep() -> Callable[[], None]:
        held = deepcopy(model.__dict__)
        return lambda: model.__dict__.update(held)

    return learn(job, epoch, recommend, keep, epochs)


if __name__ == "__main__":
    work(fit)
