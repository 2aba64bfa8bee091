# SPDX-License-Identifier: Apache-2.0
"""Whether a folder is a bundle, is whole, and answers as it did when it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from penchant.artefact import sha256
from penchant.bundle.manifest import FORMAT, MAGIC, Manifest
from penchant.errors import BundleError
from penchant.schema import USER

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.features.live import LiveSignals
    from penchant.recommend.pipeline import Pipeline

_USERS = 8
_K = 10
_TOLERANCE = 1e-3
"""Share of the score's range by which another machine's arithmetic may differ."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer; user None is a stranger without a history."""

    user: int | str | None
    items: list[int | str]
    scores: list[float]


def golden(
    pipeline: Pipeline, users: pl.DataFrame, events: pl.DataFrame, live: LiveSignals | None = None
) -> list[Golden]:
    """Answers for a few users, spread evenly over those with a history, and for a stranger.

    Args:
        pipeline: who answers.
        users: the profiles.
        events: what everyone did.
        live: the signals after `events`, if they are at hand.
    """
    everyone = events[USER].unique().sort()
    step = max(1, len(everyone) // _USERS)
    chosen = everyone.gather_every(step).head(_USERS)
    asked = pl.concat([chosen, pl.Series(USER, [None], dtype=everyone.dtype)])
    batch = pipeline.space.users(asked, events, pipeline.catalogue, users, live=live)
    ranked = pipeline.recommend(batch, _K)
    ids = pipeline.catalogue.ids
    answers = []
    for position, user in enumerate(asked.to_list()):
        rows = ranked.rows[position]
        kept = rows[rows >= 0]
        scores = ranked.scores[position][: len(kept)]
        answers.append(Golden(user=user, items=ids[kept.numpy()].to_list(), scores=scores.tolist()))
    return answers


def manifest(folder: Path) -> Manifest:
    """Read the manifest.

    Raises:
        BundleError: there is none, it is not a bundle's, or its format is newer than this program.
    """
    path = folder / "manifest.json"
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{folder} is not a bundle: {path.name} cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} is damaged: {error}") from error
    if not isinstance(raw, dict) or raw.get("magic") != MAGIC:
        raise BundleError(f"{folder} is not a Penchant bundle: {path.name} does not say {MAGIC!r}")
    if not isinstance(raw.get("format"), int) or raw["format"] > FORMAT:
        raise BundleError(
            f"{folder} has bundle format {raw.get('format')}, and this program reads up to {FORMAT}: "
            "update it (pip install -U penchant), or make the bundle anew"
        )
    try:
        return msgspec.convert(raw, Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(f"{path} is damaged: {error}") from error


def files(folder: Path, stated: Manifest) -> None:
    """Compare every file with its checksum.

    Raises:
        BundleError: names the file that is missing or damaged, or that the manifest should list.
    """
    for name, wanted in stated.files.items():
        path = folder / name
        if path.name != name or not path.is_file():
            raise BundleError(f"{folder}: {name} is missing. Copy the bundle again, or make it anew")
        if sha256(path) != wanted:
            raise BundleError(f"{path} is damaged: its checksum is not the manifest's. Copy the bundle again")
    needed = {"space.json", "space.safetensors", "model.safetensors", "golden.json"}
    needed |= {"items.parquet", "users.parquet", "events.parquet"}
    if missing := needed - stated.files.keys():
        raise BundleError(f"{folder}: the manifest does not list {', '.join(sorted(missing))}")


def answers(
    folder: Path,
    pipeline: Pipeline,
    users: pl.DataFrame,
    events: pl.DataFrame,
    expected: bytes,
    live: LiveSignals | None = None,
) -> None:
    """Ask the golden requests again; arguments as in `golden`.

    Raises:
        BundleError: an answer is another one now.
    """
    wanted, given = msgspec.json.decode(expected, type=list[Golden]), golden(pipeline, users, events, live)
    if len(wanted) != len(given):
        raise BundleError(f"{folder}: golden.json holds {len(wanted)} requests instead of {len(given)}")
    for before, now in zip(wanted, given, strict=True):
        if not _same(before, now):
            who = "a stranger" if before.user is None else f"user {before.user!r}"
            raise BundleError(
                f"{folder}: the golden request of {who} is answered with {now.items[:3]}..., and was with "
                f"{before.items[:3]}...: this bundle is not served. Make it anew on this machine"
            )


def _same(before: Golden, now: Golden) -> bool:
    """Equal up to rounding: scores agree by rank, and items change places only where their scores are near."""
    if before.user != now.user or len(before.items) != len(now.items):
        return False
    if not before.scores:
        return True
    slack = _TOLERANCE * max(*map(abs, before.scores), 1e-6)
    if any(abs(a - b) > slack for a, b in zip(before.scores, now.scores, strict=True)):
        return False
    was = dict(zip(before.items, before.scores, strict=True))
    # An item from beyond the end of the list had the score of the last one at most.
    end = before.scores[-1]
    return all(
        abs(was.get(b, end) - score) <= 2 * slack for b, score in zip(now.items, before.scores, strict=True)
    )
