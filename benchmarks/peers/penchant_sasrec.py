# SPDX-License-Identifier: Apache-2.0
"""Train Penchant's SASRec and print the seconds of each epoch as JSON. Run by `sasrec_speed.py`.

Two variants: `equal` sees item ids alone, as the peers do, with their feed-forward part of d to d, in float32;
`default` is what a user gets who chooses nothing: all that is known of items, users and events, a wider
feed-forward part, smaller batches, and bfloat16 where the processor is faster with it.
"""

from __future__ import annotations

from common import BATCH, BLOCKS, DROPOUT, EMBEDDING, HEADS, LENGTH, WARM_UP, arguments, report

from penchant.config import RunConfig
from penchant.data.ingest import DataConfig, ingest
from penchant.data.sources import run_file
from penchant.data.splits import split
from penchant.train.callbacks import Callback, EpochReport
from penchant.train.fit import fit, make
from penchant.train.runtime import Precision
from penchant.train.trainer import TrainConfig
from penchant.workbench import Workbench

SPLIT = '\n[data.split]\nkind = "leave_last_out"\n'

EQUAL_MODEL = {
    "embedding_size": EMBEDDING,
    "blocks": BLOCKS,
    "heads": HEADS,
    "inner_size": EMBEDDING,
    "history_length": LENGTH,
    "dropout": DROPOUT,
    "use_time": False,
    "use_action": False,
    "use_value": False,
    "use_item_features": False,
    "use_user_features": False,
    "ahead": [1.0],
}


class Seconds(Callback):
    """Keeps what each epoch took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_epoch(self, report: EpochReport) -> None:
        self.seconds.append(report.seconds)


def main() -> None:
    wanted = arguments()
    run = RunConfig.parse(run_file(wanted.data) + SPLIT, wanted.data / "run.toml")
    config = run.read(DataConfig, "data")
    dataset = ingest(config, run.base).dataset
    bench = Workbench.prepare(run, dataset, split(dataset, config.split).train)
    epochs = WARM_UP + wanted.epochs
    if wanted.variant == "default":
        choices, train = {}, TrainConfig(epochs=epochs)
    else:
        choices = EQUAL_MODEL
        train = TrainConfig(epochs=epochs, batch_size=BATCH, precision=Precision.FLOAT32)
    clock = Seconds()
    fit(make("sasrec", choices, bench.space.sizes), bench.users, train, callbacks=[clock])
    report(
        clock.seconds,
        users=len(bench.users),
        items=bench.events["item_id"].n_unique(),
        events=bench.events.height,
    )


if __name__ == "__main__":
    main()
