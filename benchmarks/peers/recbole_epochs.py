# SPDX-License-Identifier: Apache-2.0
"""Train a model of RecBole and print the seconds of each epoch as JSON. Run by the speed benchmarks.

`--variant` is the model's name and, after a space, its settings as JSON: `LightGCN {"n_layers": 3}`. The clock
runs around the loop over batches of RecBole's own trainer; numbers are float32, the optimiser is Adam.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from common import EMBEDDING, WARM_UP, Clock, arguments, report
from events import train_events

if TYPE_CHECKING:
    import pandas as pd

from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

NAME = "events"
FEW = 100
"""Rows that stand as validation and test part, which RecBole must have and nobody asks."""


def write(events: pd.DataFrame, folder: Path) -> None:
    """The events in RecBole's form, already split."""
    (folder / NAME).mkdir()
    columns = {"user_id": "user_id:token", "item_id": "item_id:token", "timestamp": "timestamp:float"}
    rows = events[list(columns)].rename(columns=columns)
    for part, some in (("train", rows), ("valid", rows[:FEW]), ("test", rows[:FEW])):
        some.to_csv(folder / NAME / f"{NAME}.{part}.inter", sep="\t", index=False)


def settings(chosen: dict[str, Any], folder: Path, epochs: int) -> dict[str, Any]:
    """What RecBole is told; `chosen` has the last word."""
    return {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "epochs": WARM_UP + epochs,
        "eval_step": 0,
        "use_gpu": False,
        "show_progress": False,
        "state": "ERROR",
        "embedding_size": EMBEDDING,
    } | chosen


def main() -> None:
    wanted = arguments()
    name, _, chosen = wanted.variant.partition(" ")
    events = train_events(wanted.data)
    clock = Clock()
    with tempfile.TemporaryDirectory() as place:
        write(events, Path(place))
        # RecBole leaves logs wherever it is started.
        os.chdir(place)
        config = Config(
            model=name,
            dataset=NAME,
            config_dict=settings(json.loads(chosen or "{}"), Path(place), wanted.epochs),
        )
        init_seed(config["seed"], config["reproducibility"])
        torch.set_num_threads(wanted.threads)
        dataset = create_dataset(config)
        train, _, _ = data_preparation(config, dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(
            config, get_model(config["model"])(config, train.dataset)
        )
        one_epoch = trainer._train_epoch  # noqa: SLF001 - no hook of it tells when an epoch begins

        def timed(*given: Any, **named: Any) -> Any:
            clock.on_train_epoch_start()
            found = one_epoch(*given, **named)
            clock.on_train_epoch_end()
            return found

        trainer._train_epoch = timed  # noqa: SLF001
        trainer.fit(train, saved=False, verbose=False, show_progress=False)
        assert torch.get_num_threads() == wanted.threads
        # RecBole counts its padding as a user and as an item.
        users, items = dataset.user_num - 1, dataset.item_num - 1
        report(clock.seconds, users=users, items=items, events=len(train.dataset.inter_feat))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    main()
