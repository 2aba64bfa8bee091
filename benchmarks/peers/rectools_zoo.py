# SPDX-License-Identifier: Apache-2.0
"""RecTools' SASRec 0.19 for `zoo.py`: its own network, loss and Lightning trainer, asked between epochs."""

from __future__ import annotations

import logging
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch
from learning import MOST_EPOCHS, Learning
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from zoo import work

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo import Fitted, Job


class Told(lightning.Callback):
    """Tells `Learning` of every epoch, and stops when it says so."""

    learning: Learning

    def __deepcopy__(self, memo: dict[int, Any]) -> Told:
        # RecTools copies its trainer, callbacks and all.
        return self

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        trainer.should_stop = self.learning.epoch_done()
        module.train()


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    epochs = settings.pop("epochs", None)
    frame = pd.DataFrame(
        {
            Columns.User: job.users,
            Columns.Item: job.items,
            Columns.Weight: 1.0,
            # Ties keep their order: it is all that the model looks at.
            Columns.Datetime: pd.to_datetime(np.arange(len(job.users)), unit="s"),
        }
    )
    dataset = Dataset.construct(frame)
    people = np.unique(job.users)
    told = Told()

    def trainer() -> lightning.Trainer:
        return lightning.Trainer(
            max_epochs=MOST_EPOCHS if epochs is None else epochs, min_epochs=1, accelerator="cpu",
            precision="32-true", callbacks=[told], logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip

    model = SASRecModel(get_trainer_func=trainer, recommend_torch_device="cpu", **settings)

    def recommend(asked: np.ndarray) -> np.ndarray:
        model.is_fitted = True  # it is asked while its own `fit` has not returned
        known = asked[np.isin(asked, people)]
        found = model.recommend(known, dataset, k=job.k, filter_viewed=True, on_unsupported_targets="ignore")
        lists = np.full((len(asked), job.k), -1)
        rows = np.searchsorted(asked, found[Columns.User].to_numpy())
        lists[rows, found[Columns.Rank].to_numpy() - 1] = found[Columns.Item].to_numpy()
        return lists

    def keep() -> Callable[[], object]:
        held = deepcopy(model.torch_model.state_dict())
        return lambda: model.torch_model.load_state_dict(held)

    told.learning = Learning(job, recommend, keep, epochs)
    with told.learning:
        model.fit(dataset)
    return told.learning.fitted()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    work(fit)
