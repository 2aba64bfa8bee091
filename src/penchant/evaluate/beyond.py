# SPDX-License-Identifier: Apache-2.0
"""What ranked lists are like, beyond whether they hold what was hidden: how new, diverse, unobvious, popular.

Shape legend: B users who are asked, K length of the longest ranked list, N rows of the catalogue, M items that
compete, E events of all histories. Pure functions over rows; `measure` calls all of them for one evaluation.
None of these has a best value by itself: read them beside accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from penchant.evaluate import likeness
from penchant.evaluate.metrics import ABSENT, Bools, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.evaluate.protocol import Evaluation

PER_USER = ("novelty", "diversity", "serendipity", "popularity_lift")
OVERALL = ("coverage", "gini")


def information(popularity: Ints) -> Floats:
    """Self-information of an event of each item, in bits: -log2 of its share of the known events.

    Args:
        popularity: [N] known events of each item; an item that nobody had counts as if it had one event.

    Returns:
        [N], 0 for the only item that anybody ever had.
    """
    counts = np.maximum(popularity, 1)
    found: Floats = np.log2(max(int(popularity.sum()), 1)) - np.log2(counts)
    return np.maximum(found, 0.0)


def novelty(ranked: Ints, bits: Floats, k: int) -> Floats:
    """Mean self-information of the first k (Zhou et al., PNAS 2010), 0 for an empty list: [B]."""
    return _mean_of(ranked[:, :k], bits)


def popularity_lift(ranked: Ints, popularity: Ints, usual: Floats, k: int) -> Floats:
    """How many times as popular as what they had is what they are shown: [B], 0 for an empty list.

    After Abdollahpouri et al., "The unfairness of popularity bias" (2019), as a ratio: 1 is neither more nor less.

    Args:
        ranked: [B, K].
        popularity: [N] known events of each item.
        usual: [B] mean popularity of what each user had, above 0 (see `usual_popularity`).
        k: length of list.
    """
    found: Floats = _mean_of(ranked[:, :k], popularity.astype(np.float64)) / usual
    return found


def usual_popularity(popularity: Ints, offsets: Ints, rows: Ints) -> Floats:
    """[B]: mean popularity of the events in each history; of all known events where that is 0 or there is none.

    Args:
        popularity: [N] known events of each item.
        offsets: [B + 1] user b had `rows[offsets[b] : offsets[b + 1]]`.
        rows: [E].
    """
    counts = popularity.astype(np.float64)
    so_far = np.concatenate([[0.0], counts[rows].cumsum()])
    lengths = np.diff(offsets)
    own = (so_far[offsets[1:]] - so_far[offsets[:-1]]) / np.maximum(lengths, 1)
    everyone = float((counts**2).sum()) / max(float(counts.sum()), 1.0)
    found: Floats = np.where(own > 0, own, everyone or 1.0)
    return found


def popular_place(ranked: Ints, popularity: Ints, candidates: Ints, seen: tuple[Ints, Ints] | None) -> Ints:
    """[B, K]: the place, from 0, of each shown row in the list of what is most popular and still new to the user.

    Args:
        ranked: [B, K], candidates only.
        popularity: [N] known events of each item; ties are broken by the lower row.
        candidates: [M] rows that compete, ascending.
        seen: (offsets [B + 1], rows [E]) of the histories; None where items may be shown again.
    """
    order = np.full(len(popularity), len(candidates), dtype=np.int64)
    order[candidates[np.argsort(-popularity[candidates], kind="stable")]] = np.arange(len(candidates))
    place: Ints = np.where(ranked == ABSENT, len(candidates), order[ranked])
    if seen is None:
        return place
    # Each own item that is more popular moves the shown one up by a place; keys sort by user, then by place.
    offsets, rows = seen
    span = len(candidates) + 1
    owners = np.repeat(np.arange(len(ranked)), np.diff(offsets))
    keys = np.unique(owners * span + order[rows])
    keys = keys[keys % span < len(candidates)]
    users = np.arange(len(ranked))[:, None] * span
    moved: Ints = place - (np.searchsorted(keys, users + place) - np.searchsorted(keys, users))
    return moved


def serendipity(hit: Bools, place: Ints, k: int) -> Floats:
    """Share of the first k places that are right and not obvious: [B].

    Obvious is what a list of the k most popular items, less what the user had, would have shown (Ge et al.,
    RecSys 2010, with popularity as the primitive recommender).

    Args:
        hit: [B, K] bool, which places hold what was hidden.
        place: [B, K] from `popular_place`.
        k: length of list.
    """
    found: Floats = (hit[:, :k] & (place[:, :k] >= k)).sum(axis=1) / k
    return found


def gini(ranked: Ints, k: int, candidates: Ints) -> float:
    """How unevenly the first k places are dealt out over the competing items: 0 evenly, near 1 all to one.

    Args:
        ranked: [B, K], candidates only.
        k: length of list.
        candidates: [M] rows that compete, ascending.
    """
    shown = ranked[:, :k]
    places = np.searchsorted(candidates, shown[shown != ABSENT])
    shares = np.sort(np.bincount(places, minlength=len(candidates))).astype(np.float64)
    total, m = float(shares.sum()), len(candidates)
    if not total:
        return 0.0
    return float((2 * np.arange(1, m + 1) - m - 1) @ shares / (m * total))


def measure(evaluation: Evaluation) -> Evaluation:
    """The same evaluation with every metric of this file at every k, beside those that it has.

    Diversity is there only if the catalogue has categories, tags or content to tell items apart by.
    """
    question, ranked = evaluation.question, evaluation.ranked
    popularity = question.popularity
    past = question.users.history
    offsets, rows = past.offsets.numpy(), past.rows.numpy()
    bits, usual = information(popularity), usual_popularity(popularity, offsets, rows)
    seen = None if question.config.repeats else (offsets, rows)
    place = popular_place(ranked, popularity, question.candidates, seen)
    alike = likeness.likeness(question.catalogue.items)
    found: dict[str, Floats] = {}
    for k in question.ks:
        found[f"novelty@{k}"] = novelty(ranked, bits, k)
        found[f"serendipity@{k}"] = serendipity(evaluation.hit, place, k)
        found[f"popularity_lift@{k}"] = popularity_lift(ranked, popularity, usual, k)
        if alike is not None:
            found[f"diversity@{k}"] = likeness.diversity(ranked, alike, k)
    even = {f"gini@{k}": gini(ranked, k, question.candidates) for k in question.ks}
    return replace(
        evaluation,
        per_user=evaluation.per_user | _in_order(found, PER_USER, question.ks),
        overall=evaluation.overall | even,
    )


def _in_order(found: dict[str, Floats], names: Sequence[str], ks: Sequence[int]) -> dict[str, Floats]:
    keys = [f"{name}@{k}" for name in names for k in ks]
    return {key: found[key] for key in keys if key in found}


def _mean_of(top: Ints, values: Floats) -> Floats:
    """[B]: the mean of `values` [N] over the rows of each list, 0 where it is empty."""
    there = top != ABSENT
    found: Floats = np.where(there, values[top], 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return found
