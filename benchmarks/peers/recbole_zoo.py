# SPDX-License-Identifier: Apache-2.0
"""Models of RecBole 1.2.1 for `zoo.py`: its own networks, losses, samplers and optimiser, epoch by epoch."""

from __future__ import annotations

import logging
import tempfile
import warnings
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from learning import learn
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, get_trainer, init_seed
from zoo import best, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo import Fitted, Job

NAME = "zoo"
FEW = 100
"""Rows that stand as validation and test part, which RecBole must have and nobody asks."""


def write(job: Job, folder: Path) -> None:
    """The events in RecBole's form."""
    (folder / NAME).mkdir()
    rows = pd.DataFrame({"user_id:token": job.users, "item_id:token": job.items})
    for part, some in (("train", rows), ("valid", rows[:FEW]), ("test", rows[:FEW])):
        some.to_csv(folder / NAME / f"{NAME}.{part}.inter", sep="\t", index=False)


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    epochs = settings.pop("epochs", None)
    with tempfile.TemporaryDirectory() as place:
        write(job, Path(place))
        chosen = {
            "data_path": place,
            "checkpoint_dir": f"{place}/saved",
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "eval_args": {"group_by": "user", "order": "RO", "mode": "full"},
            "epochs": 1,
            "use_gpu": False,
            "show_progress": False,
            "state": "ERROR",
        }
        config = Config(model=job.wanted["kind"], dataset=NAME, config_dict=chosen | settings)
        init_seed(config["seed"], config["reproducibility"])
        torch.set_num_threads(job.threads)
        dataset = create_dataset(config)
        train, _, _ = data_preparation(config, dataset)
        model = get_model(config["model"])(config, train.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    rows = dataset.token2id("item_id", [str(item) for item in np.unique(job.items)])
    items = np.full(dataset.item_num, -1)
    items[rows] = np.unique(job.items)
    known = np.zeros(job.shape[0], np.int64)
    people = np.unique(job.users)
    known[people] = dataset.token2id("user_id", [str(user) for user in people])
    seen = train.dataset.inter_matrix(form="csr")
    done = [0]

    def epoch() -> None:
        model.train()
        trainer._train_epoch(train, done[0])  # noqa: SLF001 - one epoch, as its own `fit` calls it
        done[0] += 1

    def recommend(asked: np.ndarray) -> np.ndarray:
        model.eval()
        ids = known[asked]
        with torch.no_grad():
            if hasattr(model, "restore_item_e"):
                model.restore_user_e = model.restore_item_e = None  # of the epoch before
            users = Interaction({"user_id": torch.from_numpy(ids)})
            try:
                scores = model.full_sort_predict(users).view(len(ids), -1).numpy().copy()
            except NotImplementedError:
                scores = paired(ids)
        scores[:, 0] = -np.inf  # padding
        lists = best(scores, seen[ids].nonzero(), job.k)
        return np.where(lists >= 0, items[lists], -1)

    def paired(ids: np.ndarray) -> np.ndarray:
        """Of a model that scores pairs only."""
        columns = torch.arange(dataset.item_num)
        found = [
            model.predict(
                Interaction({"user_id": torch.full_like(columns, int(user)), "item_id": columns})
            ).numpy()
            for user in ids
        ]
        return np.stack(found)

    def keep() -> Callable[[], None]:
        held = deepcopy(model.state_dict())
        return lambda: model.load_state_dict(held) and None

    return learn(job, epoch, recommend, keep, epochs)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    work(fit)
