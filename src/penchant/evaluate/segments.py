# SPDX-License-Identifier: Apache-2.0
"""Parts of a question that are looked at apart: by what is known of users, by popularity, by time.

Every part is a set of things to find. A metric of a part asks the same lists for those things only, over the
users who have any of them. Parts of one aspect never overlap, and together they are the whole question.

Shape legend: B users who are asked, R things to find of all of them together, N rows of the catalogue.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from penchant.evaluate import metrics
from penchant.evaluate.metrics import Relevant

if TYPE_CHECKING:
    from penchant.evaluate.metrics import Bools, Floats, Ints
    from penchant.evaluate.protocol import Evaluation, Question

LENGTHS = ((0, 0), (1, 5), (6, 20), (21, 100), (101, None))
"""Bounds, both included, of the parts by known events of the user."""
SHARES = (("head", 0.5), ("middle", 0.8), ("tail", 1.0))
"""Parts by popularity: items that together have this share of the events that may be learned from, most popular
first; an item that nobody had is new."""
QUARTERS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Part(NamedTuple):
    """Some of the things to find.

    Attributes:
        by: the aspect: "history", "popularity" or "time".
        name: in words.
        targets: [R] bool, which things.
    """

    by: str
    name: str
    targets: Bools


class Slice(NamedTuple):
    """One part of an evaluation: [B'] users who have something to find in it, and their metrics.

    Attributes:
        part: which.
        members: [B] bool, who they are.
        per_user: {"ndcg@10": [B'] float64, ...}.
    """

    part: Part
    members: Bools
    per_user: dict[str, Floats]


def parts(question: Question) -> list[Part]:
    """Every part that has anything in it, the aspects one after the other; an aspect of one part is left out."""
    lengths = question.users.history.lengths.numpy()
    aspects = [
        by_history(lengths[question.relevant.owners]),
        by_popularity(question.relevant.rows, question.popularity),
    ]
    aspects.append(by_time(question.times, dated=question.dated))
    return [part for aspect in aspects if len(aspect) > 1 for part in aspect]


def by_history(lengths: Ints) -> list[Part]:
    """By how many events are known of the user whose each thing [R] is."""
    found = []
    for low, high in LENGTHS:
        name = "none" if high == 0 else f"{low} to {high}" if high else f"over {low - 1}"
        found.append(Part("history", name, (lengths >= low) & (lengths <= (high if high is not None else np.inf))))
    return _filled(found)


def by_popularity(rows: Ints, popularity: Ints) -> list[Part]:
    """By how popular each thing [R] is; `popularity` is [N], and a row beyond it is of an item that nobody had."""
    order = np.argsort(-popularity, kind="stable")
    before = popularity[order].cumsum() - popularity[order]
    share = np.empty(len(popularity))
    share[order] = before / max(int(popularity.sum()), 1)
    known = np.append(popularity > 0, False)
    place = np.append(share, 1.0)
    at = np.minimum(rows, len(popularity))
    found, low = [], 0.0
    for name, high in SHARES:
        found.append(Part("popularity", name, known[at] & (place[at] >= low) & (place[at] < high)))
        low = high
    return _filled([*found, Part("popularity", "new", ~known[at])])


def by_time(times: Ints, *, dated: bool) -> list[Part]:
    """By when each thing [R] was taken up: four parts of about equal size, whose bounds lie between two moments.

    Args:
        times: [R] microseconds since 1970, or places in an order.
        dated: whether they are times; then the parts are named by the day on which they begin.
    """
    quarter = np.searchsorted(np.sort(times), times) * QUARTERS // len(times)
    found = []
    for number in np.unique(quarter).tolist():
        members = quarter == number
        name = _day(int(times[members].min())) if dated else f"quarter {number + 1}"
        found.append(Part("time", name, members))
    names = [part.name for part in found]
    if len(set(names)) < len(names):
        found = [part._replace(name=f"quarter {n + 1}") for n, part in enumerate(found)]
    return found


def slices(evaluation: Evaluation) -> list[Slice]:
    """Every part of an evaluation, with the accuracy of the lists for it."""
    question = evaluation.question
    found = []
    for part in parts(question):
        members, relevant = only(question.relevant, part.targets)
        hit = metrics.hits(evaluation.ranked[members], relevant)
        found.append(Slice(part, members, metrics.per_user(hit, relevant.counts, question.ks)))
    return found


def only(relevant: Relevant, targets: Bools) -> tuple[Bools, Relevant]:
    """(who [B] has any of `targets` [R] to find, what they have to find of them)."""
    counts = np.bincount(relevant.owners[targets], minlength=len(relevant.offsets) - 1)
    members = counts > 0
    offsets = np.concatenate([[0], counts[members].cumsum()]).astype(np.int64)
    return members, Relevant(offsets, relevant.rows[targets])


def _filled(found: list[Part]) -> list[Part]:
    return [part for part in found if part.targets.any()]


def _day(microseconds: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%d}"
