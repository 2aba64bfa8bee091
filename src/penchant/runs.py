# SPDX-License-Identifier: Apache-2.0
"""Where the things that runs make lie, and what a run must remember to go on after an interruption.

::

    artefacts/datasets/<name>-<hash>/  the clean tables, quarantine.parquet and report.json; content.parquet, which
                                       says what text, pictures and sound could not be used
              content/<encoder>/       what encoders made of each piece of content, by its hash, for all data sets
              runs/<id>/               run.toml state.json metrics.jsonl report.json report.html
                                       answers.parquet  checkpoints/
                                       measured/<model>/  a bundle of each model as it was measured
              bundles/<id>/            what is served, and CURRENT, which names the one that is
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penchant.artefact import new_folder, write_json, write_text
from penchant.errors import ConfigError, DataError

if TYPE_CHECKING:
    from penchant.config import RunConfig


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """The file `state.json` of a run."""

    id: str
    source: str
    """The run file that it was started with; its text is kept as `run.toml`."""
    model: str | None = None
    """What took the place of the run file's model."""
    seed: int | None = None
    """What took the place of the run file's seed."""
    refit: bool = False
    serve_on: str = "all"
    dataset: str
    """The data set's folder, relative to the artefacts."""
    kinds: dict[str, str] = {}
    """The kind of each measured model, by name, the main one first."""
    bundle: str | None = None
    """The bundle that was made for serving."""
    finished: bool = False


@dataclass(frozen=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @classmethod
    def create(cls, artefacts: Path, run: RunConfig, state: RunState) -> RunFolder:
        """A folder for a new run."""
        folder = artefacts / "runs" / state.id
        with new_folder(folder) as draft:
            write_text(draft / "run.toml", run.text)
            write_json(draft / "state.json", state)
        return cls(folder)

    @property
    def state(self) -> RunState:
        """What is remembered.

        Raises:
            DataError: the folder is not a run's.
        """
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=RunState)
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(f"{self.path} is not the folder of a run: {error}") from error

    def update(self, **changes: object) -> RunState:
        """Remember something else."""
        state = msgspec.structs.replace(self.state, **changes)
        write_json(self.path / "state.json", state)
        return state

    @property
    def artefacts(self) -> Path:
        """The folder that all runs, data sets and bundles lie in."""
        return self.path.parent.parent

    def measured(self, model: str) -> Path:
        """The folder of the bundle with a model as it was measured."""
        return self.path / "measured" / model


def new_id(kind: str) -> str:
    """A name for a run that sorts by time, also among runs of one second, and that no other run has."""
    now = datetime.now(UTC)
    # Eight bytes: with two, fifty runs of one millisecond met once in fifty times.
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{kind}-{os.urandom(8).hex()}"


def all_runs(artefacts: Path) -> list[RunFolder]:
    """Every run, the newest last."""
    return [RunFolder(path.parent) for path in sorted((artefacts / "runs").glob("[!.]*/state.json"))]


def unfinished(artefacts: Path, run: RunConfig) -> RunFolder:
    """The newest run of this very run file that did not come to its end.

    Raises:
        ConfigError: there is none, or the file has been changed since.
    """
    source = str(run.path.resolve())
    found = [one for one in all_runs(artefacts) if one.state.source == source and not one.state.finished]
    if not found:
        raise ConfigError(
            f"There is no unfinished run of {run.path} in {artefacts / 'runs'}: start one without --resume"
        )
    if (found[-1].path / "run.toml").read_text(encoding="utf-8") != run.text:
        raise ConfigError(
            f"{run.path} is not what it was when {found[-1].path.name} was started, so that run cannot go on: "
            "start anew without --resume, or put the file back"
        )
    return found[-1]


def find_run(artefacts: Path, named: str | None) -> RunFolder:
    """A finished run: by its folder or id, the newest of a run file, or the newest of all.

    Raises:
        DataError: there is none.
    """
    done = [one for one in all_runs(artefacts) if one.state.finished]
    runs = artefacts / "runs"
    if named is None:
        if not done:
            raise DataError(f"There is no finished run in {runs}. Make one: penchant train run.toml")
        return done[-1]
    for place in (runs / named, runs.parent.parent / named, Path.cwd() / named):
        if (place / "state.json").is_file():
            return RunFolder(place)
    if named.endswith(".toml"):
        source = str((Path.cwd() / named).resolve())
        own = [one for one in done if one.state.source == source]
        if own:
            return own[-1]
        raise DataError(f"There is no finished run of {named} in {runs}. Make one: penchant train {named}")
    known = ", ".join(one.path.name for one in done[-5:]) or "none"
    raise DataError(f"There is no run {named!r} in {runs} (the newest finished ones: {known})")
