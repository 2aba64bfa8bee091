# SPDX-License-Identifier: Apache-2.0
"""Trials, and the folder that remembers them.

::

    artefacts/tune/<id>/  study.json    what is tuned, by what it is judged, and of which run file
                          trials.jsonl  a line for each trial that came to an end, in order
                          running.json  only while a trial runs: which, and how often it was begun
                          tune.html     the page

This log is the whole memory of a study. The search is a function of it and of the seed, so a study that was
interrupted goes on as if it had not been. (Optuna's own storages keep a trial that was cut off as running for
ever, under a number that no other gets.)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from penchant.artefact import new_folder, write_bytes, write_json
from penchant.errors import DataError
from penchant.train.callbacks import Callback
from penchant.tune.space import Key, Value  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

State = Literal["done", "pruned", "stopped", "failed"]
"""Learned to its end; given up as hopeless; cut off when time was over; diverged, out of memory or the like."""

TRIES = 2
"""How often a trial may be begun that takes the whole process with it."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `trials.jsonl`."""

    number: int
    """From 0, which are the run file's own settings."""
    state: State
    values: dict[str, Value]
    """What was tried."""
    score: float | None = None
    """The best metric on the validation part that it reached; None if it never came to be measured."""
    curve: dict[int, float] = {}
    """The metric by epoch, for a model that learns by steps."""
    steps: int | None = None
    """Of the best epoch, as far as is known."""
    seconds: float
    reason: str = ""
    """Why it failed."""


class StudyState(msgspec.Struct, frozen=True, kw_only=True):
    """The file `study.json`."""

    id: str
    source: str
    """The run file."""
    kind: str
    """The model that is tuned."""
    metric: str
    seed: int
    prune: bool
    dataset: str
    """The data set's folder, relative to the artefacts."""
    fingerprint: str
    """Of all that makes trials comparable: the run file without its budget, the keys, the metric."""
    created: str
    """UTC, ISO 8601."""
    keys: list[Key]


class TuneCallback(Callback):
    """Override what you want to hear of; also told of the training of each trial."""

    def on_trial(self, number: int, trials: int, values: dict[str, Value], best: Trial | None) -> None:
        """A trial begins, of at most so many; `best` is the best one so far."""

    def on_result(self, trial: Trial, best: Trial | None) -> None:
        """A trial came to an end; `best` is the best one so far, and may be it."""


@dataclass(frozen=True)
class StudyFolder:
    """One study on disk."""

    path: Path

    @classmethod
    def create(cls, artefacts: Path, state: StudyState) -> StudyFolder:
        """A folder for a new study."""
        folder = artefacts / "tune" / state.id
        with new_folder(folder) as draft:
            write_json(draft / "study.json", state)
            write_bytes(draft / "trials.jsonl", b"")
        return cls(folder)

    @property
    def state(self) -> StudyState:
        """What is tuned.

        Raises:
            DataError: the folder is not a study's.
        """
        try:
            return msgspec.json.decode((self.path / "study.json").read_bytes(), type=StudyState)
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(f"{self.path} is not the folder of a study: {error}") from error

    def trials(self) -> list[Trial]:
        """Those that came to an end; a last line that was cut off in writing is dropped.

        Raises:
            DataError: the log is damaged.
        """
        path = self.path / "trials.jsonl"
        whole, _, torn = path.read_bytes().rpartition(b"\n")
        if torn:
            write_bytes(path, whole + b"\n" if whole else b"")
        try:
            found = [msgspec.json.decode(line, type=Trial) for line in whole.splitlines()]
        except msgspec.DecodeError as error:
            raise DataError(f"{path} is damaged: {error}. Start a new study without --resume") from error
        if [trial.number for trial in found] != list(range(len(found))):
            raise DataError(f"{path} is damaged: trials are missing. Start a new study without --resume")
        return found

    def begin(self, number: int) -> int:
        """Note that a trial begins; how often it was begun before and took the process with it."""
        marker = self.path / "running.json"
        before = msgspec.json.decode(marker.read_bytes(), type=dict[str, int]) if marker.exists() else {}
        times = before.get("times", 0) if before.get("number") == number else 0
        write_json(marker, {"number": number, "times": times + 1})
        return times

    def leave(self) -> None:
        """Note that no trial runs: it ended, or was stopped by hand."""
        (self.path / "running.json").unlink(missing_ok=True)

    def add(self, trial: Trial) -> None:
        """Put a trial into the log; it is on disk when this returns."""
        with (self.path / "trials.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(trial) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.leave()


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The highest score; among equals the first."""
    return max((one for one in trials if one.score is not None), key=lambda one: one.score or 0.0, default=None)


def all_studies(artefacts: Path) -> list[StudyFolder]:
    """Every study, the newest last."""
    return [StudyFolder(path.parent) for path in sorted((artefacts / "tune").glob("[!.]*/study.json"))]
