# SPDX-License-Identifier: Apache-2.0
"""How every model of `zoo.py` that learns by epochs is validated, stopped and cut off, whosever it is.

Asking must not eat the time to learn: whoever is asked is asked again only when three times what the last asking
took has been trained. The clock is the processor's, and it rings wherever training stands, within an epoch too;
then the best weights that were validated answer. Where there are none yet, the trial has come to nothing.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from zoo import Fitted, Job, LateError, Recommend

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import numpy as np

PATIENCE = 5
"""Validations without a better score after which a model is taken as done."""
MOST_EPOCHS = 200
SHARE = 3.0
"""Training between two validations, in times of what the last one took."""
AGAIN = 2.0
"""Seconds after which the clock rings again, should somebody have caught what it raised."""

Keep = Callable[[], Callable[[], object]]
"""Remembers the weights, and returns what brings them back."""


class Kept(NamedTuple):
    """The best weights so far.

    Attributes:
        score: NDCG@10 that they reached.
        epoch: after which they stood.
        lists: that they gave.
        back: brings them back.
    """

    score: float
    epoch: int
    lists: np.ndarray
    back: Callable[[], object]


class Learning:
    """The epochs of one trial, or of a final fit. Train within it (`with`), and tell it of each epoch.

    Args:
        job: whose time it is.
        recommend: answers with the weights as they stand.
        keep: remembers them.
        epochs: of a final fit; it ends earlier only when time is over.
    """

    def __init__(self, job: Job, recommend: Recommend, keep: Keep, epochs: int | None) -> None:
        self.job, self.recommend, self.keep, self.epochs = job, recommend, keep, epochs
        self.done = 0
        self.over = False
        self._kept: Kept | None = None
        self._bad = 0
        self._curve: list[tuple[float, float]] = []
        self._began = self._asked = time.process_time()
        self._asking = self._price = 0.0

    def __enter__(self) -> Self:
        if not self.job.final:
            signal.signal(signal.SIGPROF, _ring)
            left = max(self.job.deadline - time.process_time(), 1e-3)
            signal.setitimer(signal.ITIMER_PROF, min(left, 1e6), AGAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        signal.setitimer(signal.ITIMER_PROF, 0)
        return kind is LateError

    def epoch_done(self) -> bool:
        """Count an epoch, and ask if it is time to; whether that was the last one."""
        self.done += 1
        if self.job.final:
            self.over = self.done >= (self.epochs or 1) or self.job.late()
            return self.over
        start = time.process_time()
        last = self.done >= MOST_EPOCHS
        if last or start - self._asked >= SHARE * self._price:
            self._validate(start)
        self.over = last or self._bad >= PATIENCE or self.job.late()
        return self.over

    def _validate(self, start: float) -> None:
        lists = self.job.lists(self.recommend)
        score = self.job.score(lists)
        self._curve.append((start - self._began - self._asking, score))
        if self._kept is None or score > self._kept.score:
            self._bad = 0
            self._kept = Kept(score, self.done, lists, self.keep())
        else:
            self._bad += 1
        self._asked = time.process_time()
        self._price = self._asked - start
        self._asking += self._price

    def fitted(self) -> Fitted:
        """The model with its best weights.

        Raises:
            LateError: not one epoch and its validation came to an end.
        """
        if self.job.final:
            return Fitted(self.recommend, self.done, self.done)
        if self._kept is None:
            raise LateError
        self._kept.back()
        kept = self._kept
        return Fitted(self.recommend, kept.epoch, kept.epoch, kept.lists, tuple(self._curve))


def learn(job: Job, epoch: Callable[[], object], recommend: Recommend, keep: Keep, epochs: int | None) -> Fitted:
    """Epoch after epoch: as many as given, or until the score no longer rises or time is over."""
    learning = Learning(job, recommend, keep, epochs)
    with learning:
        epoch()
        while not learning.epoch_done():
            epoch()
    return learning.fitted()


def _ring(*_: object) -> None:
    raise LateError
