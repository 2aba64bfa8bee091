# SPDX-License-Identifier: Apache-2.0
"""Which bundle of a folder is served, and which one was before: one line in `CURRENT`, one in `PREVIOUS`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penchant.artefact import write_text
from penchant.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

CURRENT, PREVIOUS = "CURRENT", "PREVIOUS"

PLAIN = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
"""A folder's own name: no way up, no way out."""


def named(bundles: Path, pointer: str = CURRENT) -> str:
    """The id that a pointer names.

    Raises:
        BundleError: there is no such pointer, or it names no bundle.
    """
    path = bundles / pointer
    try:
        name = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        raise BundleError(f"{bundles} has no {pointer}") from None
    if not PLAIN.fullmatch(name) or not (bundles / name / "manifest.json").exists():
        raise BundleError(f"{path} names {name!r}, and there is no such bundle beside it")
    return name


def point(bundles: Path, name: str) -> None:
    """Let `CURRENT` name a bundle; what it named before is the previous one.

    Raises:
        BundleError: there is no such bundle.
    """
    if not PLAIN.fullmatch(name) or not (bundles / name / "manifest.json").exists():
        raise BundleError(f"{bundles} holds no bundle {name!r}")
    try:
        before = named(bundles)
    except BundleError:
        before = name
    if before != name:
        write_text(bundles / PREVIOUS, before + "\n")
    write_text(bundles / CURRENT, name + "\n")


def roll_back(bundles: Path) -> str:
    """Let the bundle answer again that was current before; done twice, all is as it was.

    Returns:
        its id.

    Raises:
        BundleError: there was none, or it is not there any more.
    """
    try:
        before = named(bundles, PREVIOUS)
    except BundleError as error:
        raise BundleError(f"There is nothing to roll back to: {error}") from None
    point(bundles, before)
    return before
