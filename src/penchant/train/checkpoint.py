# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a training run: safetensors and JSON, whole or not there, the newest two kept."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from penchant.artefact import new_folder, write_json
from penchant.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from penchant.models.recommender import Learned
    from penchant.train.average import WeightAverage
    from penchant.train.callbacks import EpochReport

_KEPT = 2


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come."""

    epoch: int = 0
    step: int = 0
    bad: int = 0
    """Validations since the best one."""
    best: dict[str, float] = {}
    best_step: int = 0
    seconds: float = 0.0


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: the run's folder; checkpoints go to `folder/checkpoints/<step>`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "checkpoints"
        self._lines = folder / "metrics.jsonl"

    def _all(self) -> list[Path]:
        found = [path for path in self._folder.glob("*") if path.name.isdigit()]
        return sorted(found, key=lambda path: int(path.name))

    def newest(self) -> Path | None:
        """The newest whole checkpoint, if there is one."""
        found = self._all()
        return found[-1] if found else None

    def clear(self) -> None:
        """Forget what an earlier run left here: its later steps would outlive the new run's."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lines.unlink(missing_ok=True)

    def note(self, report: EpochReport) -> None:
        """Add a line to `metrics.jsonl`."""
        self._lines.parent.mkdir(parents=True, exist_ok=True)
        with self._lines.open("ab") as file:
            file.write(msgspec.json.encode(report) + b"\n")

    def save(
        self,
        progress: Progress,
        model: Learned,
        optimiser: torch.optim.Optimizer,
        average: WeightAverage,
        best: Mapping[str, Tensor],
    ) -> None:
        """Keep everything that a run needs to go on."""
        with new_folder(self._folder / str(progress.step), replace=True) as draft:
            parts = {"model": model.state(), "average": average.state(), "best": best}
            for name, tensors in parts.items():
                save_file({key: t.contiguous() for key, t in tensors.items()}, draft / f"{name}.safetensors")
            moments = {
                f"{index}/{key}": value
                for index, state in optimiser.state_dict()["state"].items()
                for key, value in state.items()
            }
            save_file(moments, draft / "optimiser.safetensors")
            write_json(draft / "state.json", progress)
        for old in self._all()[:-_KEPT]:
            shutil.rmtree(old)

    def load(
        self, path: Path, model: Learned, optimiser: torch.optim.Optimizer, average: WeightAverage
    ) -> tuple[Progress, dict[str, Tensor]]:
        """Take up a checkpoint; lines of `metrics.jsonl` that came after it are dropped.

        Returns:
            how far the run had come, and its best weights (empty before the first validation).

        Raises:
            DataError: the checkpoint is damaged or belongs to another model.
        """
        try:
            progress = msgspec.json.decode((path / "state.json").read_bytes(), type=Progress)
            parts = {n: load_file(path / f"{n}.safetensors") for n in ("model", "average", "best", "optimiser")}
            model.load_state(parts["model"])
            average.load(parts["average"])
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in parts["optimiser"].items():
                index, key = name.split("/")
                state.setdefault(int(index), {})[key] = tensor
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        except (OSError, SafetensorError, msgspec.DecodeError, RuntimeError, KeyError, ValueError) as error:
            message = f"{path}: this checkpoint cannot be taken up: {error}. Delete it, or start without --resume."
            raise DataError(message) from error
        if self._lines.exists():
            rows = self._lines.read_bytes().splitlines(keepends=True)
            self._lines.write_bytes(b"".join(rows[: progress.epoch]))
        return progress, parts["best"]
