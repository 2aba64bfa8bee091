# SPDX-License-Identifier: Apache-2.0
"""What a training step costs by each loss: processor milliseconds, with everything but the loss the same.

    python benchmarks/loss_speed.py benchmarks/beauty.toml

The model of the run file takes steps on the same few batches of the training part; the median is printed. The test
part is not opened. Take it on one thread (OMP_NUM_THREADS=1): processor time of several is not comparable.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from ablation import blind, changed
from ablation_rows import fewer
from rich.console import Console
from rich.table import Table

from penchant import recipe
from penchant.config import RunConfig
from penchant.train.callbacks import Callback
from penchant.workbench import Workbench

ROWS: dict[str, dict[str, Any]] = {
    "full softmax": {"model.loss": "softmax"},
    "sampled softmax, 1024 mixed": fewer("sampled_softmax", "mixed", 1024),
    "sampled softmax, 256 mixed": fewer("sampled_softmax", "mixed"),
    "gBCE, 256 uniform": fewer("gbce", "uniform"),
    "BPR, 256 uniform": fewer("bpr", "uniform"),
    "256 of each position's own": {**fewer("sampled_softmax", "uniform"), "model.shared_negatives": False},
}


class Clock(Callback):
    """Notes the processor's time after each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step(self, step: int, loss: float) -> None:  # noqa: ARG002 - the trainer's way of calling
        """One more step is done."""
        self.times.append(time.process_time())

    @property
    def median(self) -> float:
        """Milliseconds of a step."""
        return 1e3 * statistics.median(b - a for a, b in zip(self.times, self.times[1:], strict=False))


def main() -> None:
    """Time every loss, one after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"), help="where clean tables are kept")
    chosen = parser.parse_args()
    base = blind(RunConfig.load(chosen.run))
    data = recipe.ingest(base, chosen.artefacts)
    bench = Workbench.prepare(base, data.dataset, data.split.train)
    table = Table("loss", "ms of a step", title=base.name)
    for name, keys in ROWS.items():
        run = changed(base, {"model.label_smoothing": 0.0, **keys})
        clock = Clock()
        bench.fit(run.model, steps=chosen.steps, callbacks=(clock,))
        table.add_row(name, f"{clock.median:.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
