# SPDX-License-Identifier: Apache-2.0
"""RePlay's SASRec 0.22 for `zoo.py`: its own network, loss and optimiser under Lightning, asked between epochs.

It is the one that RePlay calls deprecated: the faster of its two (`sasrec_speed.py`), with the same loss.
"""

from __future__ import annotations

import logging
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import pandas as pd
import torch
from learning import MOST_EPOCHS, Learning
from replay.data.nn import PandasSequentialDataset
from replay.models.nn.optimizer_utils import FatOptimizerFactory
from replay.models.nn.sequential.sasrec import SasRec, SasRecTrainingDataset
from replay_schema import described
from torch.utils.data import DataLoader
from zoo import best, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo import Fitted, Job

BATCH = 128


class Told(lightning.Callback):
    """Tells `Learning` of every epoch, and stops when it says so."""

    learning: Learning

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        trainer.should_stop = self.learning.epoch_done()
        module.train()


def fit(job: Job, settings: dict[str, Any]) -> Fitted:
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    epochs = settings.pop("epochs", None)
    rate, length = settings.pop("learning_rate", 1e-3), settings["max_seq_len"]
    ids, items = np.unique(job.items, return_inverse=True)
    padding = len(ids)
    schema = described(padding, settings["hidden_size"])
    frame = pd.DataFrame({"user_id": job.users, "item_id": items})
    sequences = frame.groupby("user_id")["item_id"].agg(list).reset_index()
    sequential = PandasSequentialDataset(schema, "user_id", "item_id", sequences)
    loader = DataLoader(
        SasRecTrainingDataset(sequential, max_sequence_length=length),
        batch_size=BATCH,
        shuffle=True,
        num_workers=0,
    )
    histories = dict(zip(sequences["user_id"], sequences["item_id"], strict=True))
    optimiser = FatOptimizerFactory(learning_rate=rate)
    model = SasRec(schema, loss_type="CE", optimizer_factory=optimiser, **settings)

    def recommend(asked: np.ndarray) -> np.ndarray:
        model.eval()
        past = [histories.get(user, []) for user in asked]
        given = np.full((len(asked), length), padding)
        for row, history in enumerate(past):
            given[row, length - min(len(history), length) :] = history[-length:]
        given = torch.from_numpy(given)
        with torch.no_grad():
            found = model.predict({"feature_tensor": {"item_id": given}, "padding_mask": given != padding})
        rows = np.repeat(np.arange(len(asked)), [len(one) for one in past])
        seen = np.concatenate([*past, []]).astype(np.int64)
        lists = best(found.numpy().copy(), (rows, seen), job.k)
        return np.where(lists >= 0, ids[lists], -1)

    def keep() -> Callable[[], object]:
        held = deepcopy(model.state_dict())
        return lambda: model.load_state_dict(held)

    told = Told()
    told.learning = Learning(job, recommend, keep, epochs)
    trainer = lightning.Trainer(
        max_epochs=MOST_EPOCHS if epochs is None else epochs, accelerator="cpu", precision="32-true",
        callbacks=[told], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with told.learning:
        trainer.fit(model, loader)
    return told.learning.fitted()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    work(fit)
