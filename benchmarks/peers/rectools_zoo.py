# SPDX-License-Identifier: Apache-2.0
"""RecTools' SASRec 0.19 for `zoo.py`. It cannot be asked between epochs: their number is one of its settings."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from zoo import Fitted, work

if TYPE_CHECKING:
    from zoo import Job


class UntilLate(lightning.Callback):
    """Ends training after the epoch in which time is over."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        trainer.should_stop = self._job.late()


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    epochs = int(settings.pop("epochs"))
    order = np.arange(len(job.users))
    frame = pd.DataFrame(
        {
            Columns.User: job.users,
            Columns.Item: job.items,
            Columns.Weight: 1.0,
            # Ties keep their order: it is all that the model looks at.
            Columns.Datetime: pd.to_datetime(order, unit="s"),
        }
    )
    dataset = Dataset.construct(frame)
    held: list[lightning.Trainer] = []

    def trainer() -> lightning.Trainer:
        held.append(
            lightning.Trainer(
                max_epochs=epochs, min_epochs=1, accelerator="cpu", precision="32-true",
                callbacks=[] if job.final else [UntilLate(job)], logger=False, enable_checkpointing=False,
                enable_progress_bar=False, enable_model_summary=False,
            )
        )  # fmt: skip
        return held[-1]

    model = SASRecModel(get_trainer_func=trainer, recommend_torch_device="cpu", **settings)
    model.fit(dataset)
    people = set(frame[Columns.User].unique())

    def recommend(asked: np.ndarray) -> np.ndarray:
        known = np.array([user for user in asked if user in people])
        found = model.recommend(known, dataset, k=job.k, filter_viewed=True, on_unsupported_targets="ignore")
        lists = np.full((len(asked), job.k), -1)
        rows = np.searchsorted(asked, found[Columns.User].to_numpy())
        lists[rows, found[Columns.Rank].to_numpy() - 1] = found[Columns.Item].to_numpy()
        return lists

    trained = getattr(held[-1], "current_epoch", epochs) if held else epochs
    return Fitted.after(int(trained), recommend)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    work(fit)
