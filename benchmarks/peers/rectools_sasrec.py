# SPDX-License-Identifier: Apache-2.0
"""Train RecTools' SASRec and print the seconds of each epoch as JSON. Run by `sasrec_speed.py`.

Its feed-forward part is d to d, it has 100 positions, and its softmax is over all items and the padding token,
whose logits are computed for padding too.
"""

from __future__ import annotations

import logging
import warnings

import pandas as pd
import pytorch_lightning as lightning
import torch
from common import (
    BATCH,
    BLOCKS,
    DROPOUT,
    EMBEDDING,
    HEADS,
    LENGTH,
    WARM_UP,
    Clock,
    arguments,
    report,
)
from events import train_events
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


class Timer(Clock, lightning.Callback):
    """A clock that Lightning knows; RecTools copies its trainer, so times are kept with the class."""

    times: list[float] = []  # noqa: RUF012

    def on_train_epoch_end(self, *_: object) -> None:
        super().on_train_epoch_end()
        self.times.append(self.seconds[-1])


def trainer(epochs: int) -> lightning.Trainer:
    """RecTools' own trainer, without its progress bar, and with a clock."""
    return lightning.Trainer(
        max_epochs=WARM_UP + epochs,
        accelerator="cpu",
        precision="32-true",
        callbacks=[Timer()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def main() -> None:
    wanted = arguments()
    events = train_events(wanted.data)
    items = int(events["item_id"].max()) + 1
    interactions = pd.DataFrame(
        {
            Columns.User: events["user_id"],
            Columns.Item: events["item_id"],
            Columns.Weight: 1.0,
            Columns.Datetime: pd.to_datetime(events["timestamp"], unit="s"),
        }
    )
    model = SASRecModel(
        n_blocks=BLOCKS,
        n_heads=HEADS,
        n_factors=EMBEDDING,
        dropout_rate=DROPOUT,
        session_max_len=LENGTH,
        loss="softmax",
        batch_size=BATCH,
        get_trainer_func=trainer,
        get_trainer_func_kwargs={"epochs": wanted.epochs},
    )
    model.fit(Dataset.construct(interactions))
    assert torch.get_num_threads() == wanted.threads
    report(Timer.times, users=events["user_id"].nunique(), items=items, events=len(events))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main()
