# SPDX-License-Identifier: Apache-2.0
"""Exploration: now and then a place of a list holds another item, with a probability that is known exactly.

The items that come next after the list are dealt out to its places, like cards: so each place has candidates of
its own, places are independent of each other, and no item stands twice. A place explores with probability epsilon;
it then draws evenly among the item that it would hold anyway and its own candidates, n of them. The probability of
what it shows is therefore 1 - epsilon + epsilon / (n + 1) for the former and epsilon / (n + 1) for each of the
latter: what inverse propensity scoring (Horvitz and Thompson 1952) needs, without an approximation.

Thompson sampling is left out on purpose: the probability with which it shows an item has no closed form, and a log
with estimated propensities would be worth less than one of a plainer policy.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
import numpy as np


class ExploreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[serve.explore]` table."""

    epsilon: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """Probability that a place explores."""
    pool: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    """How many items after the list may stand in for those of the list, all places together."""
    first: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """The first place that explores."""
    last: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000
    """The last place that explores."""


def explore(rows: list[int], k: int, config: ExploreConfig, seed: str) -> tuple[list[int], list[float]]:
    """Which of `rows` are shown at the k places of a list, and with which probability each of them.

    Args:
        rows: positions in a longer list, best first: the k that would be shown, then those that come next.
        k: places.
        config: how much is explored, and where.
        seed: the same one explores in the same way.

    Returns:
        (what is shown, best place first; the probability of each at its place).
    """
    shown, tail = rows[:k], rows[k:]
    propensities = [1.0] * len(shown)
    places = range(config.first - 1, min(config.last, len(shown)))
    if not tail or not places:
        return shown, propensities
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    random = np.random.default_rng(int.from_bytes(digest, "little"))
    draws = random.random((len(places), 2)).tolist()
    for number, (place, (whether, which)) in enumerate(zip(places, draws, strict=True)):
        own = [shown[place], *tail[number :: len(places)]]
        each = config.epsilon / len(own)
        chosen = int(which * len(own)) if whether < config.epsilon else 0
        shown[place] = own[chosen]
        propensities[place] = each + (1 - config.epsilon) * (chosen == 0)
    return shown, propensities
