# SPDX-License-Identifier: Apache-2.0
"""Train RePlay's SASRec and print the seconds of each epoch as JSON. Run by `sasrec_speed.py`.

RePlay 0.22 has two of them: `legacy`, which is deprecated, and `new`, which takes its place. Both have a
feed-forward part of d to d, 100 positions, and a softmax over all items; logits are computed for padding too.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import pandas as pd
    from replay.data.nn import TensorSchema

import lightning
import torch
from replay.data.nn import PandasSequentialDataset
from replay.models.nn.sequential.sasrec import SasRec, SasRecTrainingDataset
from replay.nn.lightning import LightningModule
from replay.nn.sequential import SasRec as NewSasRec
from replay_schema import described
from torch.utils.data import DataLoader, default_collate


class Timer(Clock, lightning.Callback):
    """A clock that Lightning knows."""


def new_form(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch of the deprecated dataset as the new model wants it."""
    batch = default_collate(rows)
    return {
        "feature_tensors": batch["feature_tensor"],
        "padding_mask": batch["padding_mask"],
        "positive_labels": batch["positive_labels"][..., None],
        "negative_labels": None,
        "target_padding_mask": batch["target_padding_mask"][..., None],
    }


def prepared(events: pd.DataFrame, items: int) -> tuple[TensorSchema, SasRecTrainingDataset]:
    """The schema and the dataset that serves both models."""
    schema = described(items, EMBEDDING)
    sequences = events.groupby("user_id")["item_id"].agg(list).reset_index()
    sequential = PandasSequentialDataset(schema, "user_id", "item_id", sequences)
    return schema, SasRecTrainingDataset(sequential, max_sequence_length=LENGTH)


def main() -> None:
    wanted = arguments()
    events = train_events(wanted.data)
    items = int(events["item_id"].max()) + 1
    schema, dataset = prepared(events, items)
    if wanted.variant == "new":
        network = NewSasRec.from_params(
            schema,
            embedding_dim=EMBEDDING,
            num_heads=HEADS,
            num_blocks=BLOCKS,
            max_sequence_length=LENGTH,
            dropout=DROPOUT,
        )
        model: lightning.LightningModule = LightningModule(network)
        loader = DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=0, collate_fn=new_form)
    else:
        model = SasRec(
            schema,
            block_count=BLOCKS,
            head_count=HEADS,
            hidden_size=EMBEDDING,
            max_seq_len=LENGTH,
            dropout_rate=DROPOUT,
            loss_type="CE",
        )
        loader = DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=0)
    timer = Timer()
    trainer = lightning.Trainer(
        max_epochs=WARM_UP + wanted.epochs,
        accelerator="cpu",
        precision="32-true",
        callbacks=[timer],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, loader)
    assert torch.get_num_threads() == wanted.threads
    report(timer.seconds, users=events["user_id"].nunique(), items=items, events=len(events))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    main()
