# SPDX-License-Identifier: Apache-2.0
"""Experiments: which bundle answers whom, by a hash of the user, and where that is written down.

`experiments.json` lies in the folder of bundles, as `CURRENT` does, and every service of that folder follows it.
At most one experiment runs at a time: of two, neither would know which of them made the difference.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from penchant.artefact import write_json
from penchant.errors import ConfigError, nearest
from penchant.schema import MICROSECONDS

if TYPE_CHECKING:
    from pathlib import Path

FILE = "experiments.json"
_CELLS = 2**32

Metric = Literal["conversion", "count"]
"""Of each user: 1 if they did anything of what counts, else 0; or how often they did."""


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of answering."""

    name: str
    bundle: str
    """The id of a bundle in the same folder."""
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    """Of the users."""


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several bundles, each asked for a share of the users.

    Attributes:
        name: also seeds the hash: another experiment divides users otherwise.
        variants: the first one is what the others are compared with.
        started: microseconds since 1970.
        ended: the same; None while it runs.
        types: of events that count; empty for all.
        hours: so long after a user's first list what they do counts; users are compared when it is over.
        metric: what is compared.
        alpha: how likely a difference may be found where there is none, however often it is looked for.
    """

    name: str
    variants: Annotated[tuple[Variant, ...], msgspec.Meta(min_length=2, max_length=10)]
    started: int
    ended: int | None = None
    types: tuple[str, ...] = ()
    hours: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 24.0
    metric: Metric = "conversion"
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05

    @property
    def window(self) -> int:
        """`hours` in microseconds."""
        return int(self.hours * 3600 * MICROSECONDS)

    def variant(self, unit: int | str) -> Variant:
        """Who answers a unit: the same variant, always and everywhere.

        Args:
            unit: a user; or a request, of somebody of whom only a history is known.
        """
        # The type stands in it: 7 and "7" are two users.
        text = msgspec.json.encode([self.name, unit])
        cell = int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "little") / _CELLS
        for one in self.variants:
            cell -= one.share
            if cell < 0:
                return one
        return self.variants[-1]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    experiments: list[Experiment] = []


def read(bundles: Path) -> list[Experiment]:
    """All experiments of a folder of bundles, oldest first.

    Raises:
        ConfigError: the file is damaged.
    """
    path = bundles / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).experiments
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: this is no file of experiments: {error}") from None


def running(experiments: list[Experiment]) -> Experiment | None:
    """The one that runs, if one does."""
    return next((one for one in experiments if one.ended is None), None)


def start(bundles: Path, experiment: Experiment) -> None:
    """Let an experiment begin.

    Raises:
        ConfigError: one runs already, its name is taken, a bundle is not there, or shares do not add up to 1.
    """
    known = read(bundles)
    if now := running(known):
        raise ConfigError(f"The experiment {now.name!r} runs: end it first (penchant experiment stop {now.name})")
    if any(one.name == experiment.name for one in known):
        raise ConfigError(f"There was an experiment {experiment.name!r}: choose another name")
    names = [one.name for one in experiment.variants]
    if len(set(names)) < len(names):
        raise ConfigError(f"Two variants have one name: {', '.join(names)}")
    if abs(sum(one.share for one in experiment.variants) - 1) > 1e-6:
        raise ConfigError("The shares of the variants must add up to 1")
    for one in experiment.variants:
        if not (bundles / one.bundle / "manifest.json").is_file():
            there = [path.parent.name for path in bundles.glob("*/manifest.json")]
            raise ConfigError(
                f"Variant {one.name!r}: there is no bundle {one.bundle!r}{nearest(one.bundle, there)}"
            )
    write_json(bundles / FILE, _File([*known, experiment]))


def stop(bundles: Path, name: str, now: int) -> Experiment:
    """Let an experiment end; from now on the current bundle answers everybody.

    Args:
        bundles: the folder.
        name: which.
        now: microseconds since 1970.

    Raises:
        ConfigError: there is no such experiment that runs.
    """
    known = read(bundles)
    one = find(known, name)
    if one.ended is not None:
        raise ConfigError(f"The experiment {name!r} has ended already")
    ended = msgspec.structs.replace(one, ended=now)
    write_json(bundles / FILE, _File([ended if each.name == name else each for each in known]))
    return ended


def find(experiments: list[Experiment], name: str) -> Experiment:
    """The experiment of a name.

    Raises:
        ConfigError: there is none.
    """
    for one in experiments:
        if one.name == name:
            return one
    raise ConfigError(f"There is no experiment {name!r}{nearest(name, [one.name for one in experiments])}")
