# SPDX-License-Identifier: Apache-2.0
"""Train a model of Penchant and print the seconds of each epoch as JSON. Run by the speed benchmarks.

`--variant` is the model's kind and, after a space, the run file's `[model]` and `[train]` as JSON:
`sasrec {"model": {"dropout": 0.2}, "train": {"batch_size": 128}}`. What is not said is as it comes.
"""

from __future__ import annotations

import json

from common import WARM_UP, Clock, arguments, report

from penchant.config import RunConfig
from penchant.data.ingest import DataConfig, ingest
from penchant.data.sources import run_file
from penchant.data.splits import split
from penchant.train.callbacks import Callback
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig
from penchant.workbench import Workbench

SPLIT = '\n[data.split]\nkind = "leave_last_out"\n'


class Seconds(Clock, Callback):
    """A clock that the trainer knows: nothing but training happens between two epochs here."""

    def on_start(self, *_: object) -> None:
        self.on_train_epoch_start()

    def on_epoch(self, *_: object) -> None:
        self.on_train_epoch_end()
        self.on_train_epoch_start()


def main() -> None:
    wanted = arguments()
    kind, _, text = wanted.variant.partition(" ")
    chosen = json.loads(text or "{}")
    run = RunConfig.parse(run_file(wanted.data) + SPLIT, wanted.data / "run.toml")
    config = run.read(DataConfig, "data")
    dataset = ingest(config, run.base).dataset
    bench = Workbench.prepare(run, dataset, split(dataset, config.split).train)
    train = TrainConfig(epochs=WARM_UP + wanted.epochs, **chosen.get("train", {}))
    clock = Seconds()
    fit(make(kind, chosen.get("model", {}), bench.space.sizes), bench.users, train, callbacks=[clock])
    report(
        clock.seconds,
        users=len(bench.users),
        items=bench.events["item_id"].n_unique(),
        events=bench.events.height,
    )


if __name__ == "__main__":
    main()
