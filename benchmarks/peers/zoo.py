# SPDX-License-Identifier: Apache-2.0
"""What the runners of `zoo.py` share: a job in, lists and costs out. Only numpy, as every environment has it.

A job is a file: the events that are known, who is asked, and settings to try in turn until the time is over. For
each, a runner fits, lists the best items of those who are asked, and reports processor seconds and peak memory.
What is hidden comes with a job only while settings are chosen, for early stopping; never with the final one.
How a model that learns by epochs is stopped is in `learning.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Recommend = Callable[[np.ndarray], np.ndarray]
"""[A] users -> [A, K] items, best first, -1 where a list is shorter."""

BATCH = 512
MEMORY = 6 << 30
"""Bytes that a runner may hold: an allocation beyond is refused, and the trial has failed."""


class LateError(Exception):
    """The processor seconds of a job are over."""


class Fitted(NamedTuple):
    """A model that has learned.

    Attributes:
        recommend: asks it.
        length: of the training of the weights that answer, in whatever a final fit is told it by; None: no epochs.
        passes: over the events.
        lists: [A, K] of all who are asked, where they are there already.
        curve: (processor seconds of training, NDCG@10) of each validation.
    """

    recommend: Recommend
    length: int | None = None
    passes: float = 1.0
    lists: np.ndarray | None = None
    curve: tuple[tuple[float, float], ...] = ()


class Job:
    """One process's work.

    Attributes:
        users, items, times: [E] the known events, in order.
        asked: [A] users, ascending.
        tags: (items, words), [M] each: what is known of items, for the few models that look at that.
        k: length of the lists.
        threads: how many may be used.
        final: whether settings are fixed, and with them how long to learn.
        deadline: processor seconds of this process after which nothing new begins.
    """

    def __init__(self, path: Path) -> None:
        self.wanted: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        with np.load(self.wanted["data"]) as data:
            self.users, self.items, self.times = data["users"], data["items"], data["times"]
            self.asked = data["asked"]
            self.tags = (data["tagged"], data["tags"]) if "tags" in data else None
            hidden = (data["hidden_users"], data["hidden_items"]) if "hidden_users" in data else None
        self.shape = (int(self.wanted["users"]), int(self.wanted["items"]))
        self.dated = bool(self.wanted["dated"])
        self.k, self.threads = int(self.wanted["k"]), int(self.wanted["threads"])
        self.final = hidden is None
        self.deadline = math.inf
        self._hidden = hidden

    def late(self) -> bool:
        """Whether time is over."""
        return time.process_time() >= self.deadline

    def lists(self, recommend: Recommend) -> np.ndarray:
        """[A, K] of all who are asked, some at a time."""
        starts = range(BATCH, len(self.asked), BATCH)
        return np.concatenate([recommend(some) for some in np.split(self.asked, list(starts))]).astype(np.int64)

    def score(self, lists: np.ndarray) -> float:
        """NDCG@10 of lists [A, K], for early stopping; the driver judges by code of its own."""
        if self._hidden is None:
            raise RuntimeError("nothing is hidden in the final job")
        users, items = self._hidden
        width = self.shape[1] + 1
        wanted = np.unique(users.astype(np.int64) * width + items)
        ranked = lists[:, :10]
        hit = np.isin(self.asked[:, None] * width + ranked, wanted) & (ranked >= 0)
        gains = 1 / np.log2(np.arange(10) + 2)
        ideal = np.concatenate([[0.0], gains.cumsum()])
        counts = np.bincount(np.searchsorted(self.asked, wanted // width), minlength=len(self.asked))
        return float(((hit * gains).sum(1) / ideal[np.minimum(counts, 10)]).mean())


def work(fit: Callable[[Job, dict[str, Any]], Fitted]) -> None:
    """Do the job that the command line names; one line of JSON for each of its settings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    job = Job(parser.parse_args().job)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    out = Path(job.wanted["out"])
    began = time.process_time()
    job.deadline = began + float(job.wanted["seconds"] or math.inf)
    for number, settings in enumerate(job.wanted["trials"]):
        if number and job.late():
            break
        clock, cpu = time.perf_counter(), time.process_time()
        line: dict[str, Any] = {"trial": number, "settings": settings}
        try:
            fitted = fit(job, dict(settings))
            line |= {"wall": time.perf_counter() - clock, "cpu": time.process_time() - cpu}
            line |= {"length": fitted.length, "passes": fitted.passes, "curve": fitted.curve}
            cpu = time.process_time()
            lists = job.lists(fitted.recommend) if fitted.lists is None else fitted.lists
            np.save(out / f"{number}.npy", lists)
            line["ask"] = time.process_time() - cpu
        except LateError:
            line["late"] = True
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is what came of these settings
            line["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
        line["peak"] = peak()
        print(json.dumps(line), flush=True)


def peak() -> float:
    """MiB that this process held at most. (What `getrusage` tells begins with what its parent held.)"""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def best(scores: np.ndarray, seen: tuple[np.ndarray, np.ndarray], k: int) -> np.ndarray:
    """[A, K] the best items of dense scores [A, N], those at (row, item) of `seen` left out."""
    scores[seen] = -np.inf
    top = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, 1)
    return np.where(np.isfinite(np.take_along_axis(scores, top, 1)), top, -1)
