# SPDX-License-Identifier: Apache-2.0
"""Metrics as pure functions over ranked catalogue rows.

Shape legend: B users who are asked, K length of the longest ranked list, R relevant rows of all users
together, N items in the catalogue.

A metric takes what was hit ([B, K] bool), how many rows were relevant ([B] int64) and a cut-off k, and
gives one float64 per user. To add one, write the function and give it a row in `METRICS`; the protocol, the
intervals and the report take it from there. Definitions agree with ranx (https://github.com/AmenRa/ranx).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Metric = Callable[[Bools, Ints, int], Floats]

ABSENT = -1
"""Stands in a ranked list where there is no further row."""


class Relevant(NamedTuple):
    """The rows to find: user b owns `rows[offsets[b] : offsets[b + 1]]`, at least one, none twice.

    Attributes:
        offsets: [B + 1] int64, from 0 to R.
        rows: [R] int64, row in the catalogue.
    """

    offsets: Ints
    rows: Ints

    @property
    def counts(self) -> Ints:
        """[B] int64: how many rows are relevant for each user."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Ints:
        """[R] int64: whom each row belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts)


def hits(ranked: Ints, relevant: Relevant) -> Bools:
    """Which places of the ranked lists hold a relevant row: [B, K] bool.

    Args:
        ranked: [B, K] catalogue rows, best first, `ABSENT` where a list is shorter.
        relevant: the rows to find, for the same B users.

    Raises:
        ValueError: the two are not about the same users, a user has no relevant row, or a row stands twice
            in a user's list or among a user's relevant rows. All would make every metric wrong.
    """
    users = len(ranked)
    if len(relevant.offsets) != users + 1 or int(relevant.offsets[-1]) != len(relevant.rows):
        raise ValueError(f"{users} ranked lists do not match {len(relevant.offsets) - 1} users with relevant rows")
    if users and int(relevant.counts.min()) < 1:
        raise ValueError(f"user {int(relevant.counts.argmin())} has no relevant row and cannot be judged")
    if not ranked.size:
        return np.zeros(ranked.shape, dtype=np.bool_)
    ordered = np.sort(ranked, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != ABSENT)).any():
        raise ValueError("a row stands twice in one ranked list")
    span = max(int(ranked.max()), int(relevant.rows.max())) + 1
    keys = np.sort(relevant.owners * span + relevant.rows)
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("a row stands twice among one user's relevant rows")
    wanted = np.arange(users)[:, None] * span + ranked
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    found: Bools = (keys[place] == wanted) & (ranked != ABSENT)
    return found


def recall(hit: Bools, counts: Ints, k: int) -> Floats:
    """Share of the relevant rows that are among the first k; below 1 at best where counts > k."""
    found: Floats = hit[:, :k].sum(axis=1) / counts
    return found


def precision(hit: Bools, counts: Ints, k: int) -> Floats:  # noqa: ARG001 - metrics share one form
    """Share of the first k places that hold a relevant row; an empty place is a miss."""
    found: Floats = hit[:, :k].sum(axis=1) / k
    return found


def hit_rate(hit: Bools, counts: Ints, k: int) -> Floats:  # noqa: ARG001
    """1 where any relevant row is among the first k, else 0."""
    found: Floats = np.where(hit[:, :k].any(axis=1), 1.0, 0.0)
    return found


def mrr(hit: Bools, counts: Ints, k: int) -> Floats:  # noqa: ARG001
    """1 / place of the first relevant row among the first k, 0 where there is none."""
    top = hit[:, :k]
    if not top.shape[1]:
        return np.zeros(len(top))
    found: Floats = np.where(top.any(axis=1), 1.0 / (top.argmax(axis=1) + 1), 0.0)
    return found


def average_precision(hit: Bools, counts: Ints, k: int) -> Floats:
    """Precision at the place of each hit among the first k, summed, over the number of relevant rows."""
    top = hit[:, :k]
    places = np.arange(1, top.shape[1] + 1)
    so_far: Floats = top.cumsum(axis=1) / places
    found: Floats = np.where(top, so_far, 0.0).sum(axis=1) / counts
    return found


def ndcg(hit: Bools, counts: Ints, k: int) -> Floats:
    """Binary NDCG: gain 1 / log2(place + 1), over the gain of min(k, counts) hits at the top."""
    top = hit[:, :k]
    # No longer than needed, so that an absurd k costs nothing.
    most = max(top.shape[1], min(k, int(counts.max(initial=1))))
    gain = 1.0 / np.log2(np.arange(2, most + 2))
    ideal = gain.cumsum()
    found: Floats = top @ gain[: top.shape[1]] / ideal[np.minimum(counts, k) - 1]
    return found


METRICS: dict[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": mrr,
    "map": average_precision,
    "hit_rate": hit_rate,
    "precision": precision,
}


def per_user(hit: Bools, counts: Ints, ks: Sequence[int]) -> dict[str, Floats]:
    """Every metric of `METRICS` at every k: {"ndcg@10": [B] float64, ...}.

    Raises:
        ValueError: a k is below 1.
    """
    if min(ks) < 1:
        raise ValueError(f"k must be at least 1, not {min(ks)}")
    return {f"{name}@{k}": metric(hit, counts, k) for name, metric in METRICS.items() for k in ks}


def coverage(ranked: Ints, k: int, n_items: int) -> float:
    """Share of the catalogue (N = `n_items`) that stands in anyone's first k."""
    top = ranked[:, :k]
    return len(np.unique(top[top != ABSENT])) / n_items


def headline(ks: Sequence[int]) -> int:
    """The k to show where only one can be shown: 10 if it was measured, else the smallest."""
    return 10 if 10 in ks else min(ks)
