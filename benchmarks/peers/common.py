# SPDX-License-Identifier: Apache-2.0
"""What the runners of the speed benchmarks share. Nothing is imported that any of their environments lacks."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

EMBEDDING = 64
BLOCKS = 2
HEADS = 2
LENGTH = 100
"""Events of a user that are looked at."""
BATCH = 128
"""Users of a batch."""
DROPOUT = 0.2
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""What is passed, or what this process was busy for, all threads together: of use where others want the cores."""
WARM_UP = 1
"""Epochs before the clock starts."""


def arguments() -> argparse.Namespace:
    """The options of a runner. Sets torch's threads and seed; the driver also sets OMP_NUM_THREADS beforehand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="a folder with interactions.csv")
    parser.add_argument("--epochs", type=int, required=True, help="timed epochs, after a warm-up")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--variant", default="", help="for a runner that knows more than one")
    found = parser.parse_args()
    torch.set_num_threads(found.threads)
    torch.manual_seed(0)
    Clock.now = staticmethod(CLOCKS[found.clock])
    return found


class Clock:
    """Seconds of each epoch; the names are those of Lightning's hooks."""

    now = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._start = 0.0

    def on_train_epoch_start(self, *_: object) -> None:
        self._start = self.now()

    def on_train_epoch_end(self, *_: object) -> None:
        self.seconds.append(self.now() - self._start)


def report(seconds: Sequence[float], *, users: int, items: int, events: int) -> None:
    """Tell the driver, and what was trained on, so that it can see that the work was the same."""
    json.dump(
        {"epoch_seconds": list(seconds[WARM_UP:]), "users": users, "items": items, "events": events}, sys.stdout
    )
