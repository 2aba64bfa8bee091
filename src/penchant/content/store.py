# SPDX-License-Identifier: Apache-2.0
"""What one encoder made of each piece of content, by the content's SHA-256: nothing is encoded twice.

::

    artefacts/content/<its fingerprint>/vectors-<number>.safetensors   keys [n, 32] uint8, values [n, ...]

A file is written beside its place, synced and renamed, and never changed after: whatever is there is whole, and
a run that was cut off goes on with what it had. The folder belongs to no data set, so a catalogue that has grown
finds its old items in it. Only what was usable is kept: a broken picture is looked at again, as it may be mended.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from penchant.artefact import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ROWS = 4096
_SECONDS = 15.0
"""A file is written when so many rows have come, or so much time has passed: a crash costs no more."""


class VectorStore:
    """The tensors of one encoder.

    Args:
        folder: where they are kept; None for this process only.
        shape: of one value.
    """

    def __init__(self, folder: Path | None, shape: tuple[int, ...]) -> None:
        self._folder = folder
        self._shape = shape
        self._rows: dict[bytes, int] = {}
        self._blocks: list[Tensor] = []
        self._unsaved: list[tuple[list[bytes], Tensor]] = []
        self._since = time.monotonic()
        self._files = 0
        for path in sorted(folder.glob("vectors-*.safetensors")) if folder else []:
            self._files = max(self._files, _number(path) + 1)
            self._open(path)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, keys: Sequence[bytes], values: Tensor) -> None:
        """Keep the values [n, ...] of distinct keys, none of which is held yet."""
        if not len(keys):
            return
        self._take(keys, values)
        if self._folder:
            self._unsaved.append((list(keys), values))
            if sum(len(some) for some, _ in self._unsaved) >= _ROWS or time.monotonic() - self._since > _SECONDS:
                self.flush()

    def take(self, keys: Sequence[bytes]) -> Tensor:
        """[n, ...] the values of keys, all of which are held."""
        if len(self._blocks) > 1:
            self._blocks = [torch.cat(self._blocks)]
        rows = torch.tensor([self._rows[key] for key in keys], dtype=torch.int64)
        return self._blocks[0][rows] if self._blocks else torch.zeros(0, *self._shape)

    def flush(self) -> None:
        """Write what has come since the last time.

        Raises:
            OSError: the disk is full, or the like.
        """
        self._since = time.monotonic()
        if self._folder is None or not self._unsaved:
            return
        keys = [key for some, _ in self._unsaved for key in some]
        table = {
            "keys": torch.frombuffer(bytearray(b"".join(keys)), dtype=torch.uint8).view(len(keys), 32),
            "values": torch.cat([values for _, values in self._unsaved]).contiguous(),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{os.getpid()}.new"
        with writing(self._folder):
            save_file(table, draft)
            draft.chmod(0o644)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            # Another run may be filling the same folder: a number that is taken is passed over.
            while True:
                try:
                    os.link(draft, self._folder / f"vectors-{self._files:06d}.safetensors")
                    break
                except FileExistsError:
                    self._files += 1
            draft.unlink()
        self._files += 1
        self._unsaved = []

    def _open(self, path: Path) -> None:
        try:
            table = load_file(path)
            keys, values = table["keys"], table["values"]
        except (OSError, KeyError, SafetensorError):  # foreign or damaged: what it held is encoded anew
            return
        if keys.dtype != torch.uint8 or keys.shape != (len(values), 32) or values.shape[1:] != self._shape:
            return
        raw = keys.numpy().tobytes()
        self._take([raw[at : at + 32] for at in range(0, len(raw), 32)], values)

    def _take(self, keys: Sequence[bytes], values: Tensor) -> None:
        start = sum(len(block) for block in self._blocks)
        self._rows.update(zip(keys, range(start, start + len(keys)), strict=True))
        self._blocks.append(values)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
