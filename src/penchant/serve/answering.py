# SPDX-License-Identifier: Apache-2.0
"""Answers as people and programs get them, out of what is running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from penchant.recommend.explore import explore
from penchant.serve.checks import UnknownItemError, check_id
from penchant.serve.wire import Recommendation, Recommendations, Similar, SimilarItems

if TYPE_CHECKING:
    from penchant.batch import Users
    from penchant.recommend.explore import ExploreConfig
    from penchant.recommend.wishes import Wishes
    from penchant.serve.running import Running
    from penchant.serve.stock import View
    from penchant.serve.wire import Id


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for.

    Attributes:
        k: how many items.
        exclude_seen: whether what the user did is left out.
        wishes: what else is wished of the list.
        explore: how places of the list explore; None if none does.
        request_id: the same one explores in the same way.
    """

    k: int
    exclude_seen: bool = True
    wishes: Wishes | None = None
    explore: ExploreConfig | None = None
    request_id: str = ""


def recommend(
    running: Running, users: Users, now: int, asked: Asked, *, known: bool = False
) -> tuple[Recommendations, list[float] | None]:
    """The best items for one user, each with its reason.

    Args:
        running: who answers.
        users: who asks (B = 1), as its sessions know them.
        now: microseconds since 1970.
        asked: for what.
        known: whether anything is known of them.

    Returns:
        the list, and the probability of each item at its place; None where nothing was left to chance.

    Raises:
        FieldError, WishError: name the wish that cannot be.
    """
    # After the users: a view knows every item of histories that were read before it.
    view = running.stock.view
    pipeline, shelf = view.pipeline, view.shelf
    ready = view.wishes.ready(asked.wishes, now) if asked.wishes else None
    # A list that is put together as a whole has no places of which each could be another item's.
    apart = ready is None or not (ready.caps or ready.diversity or ready.pins)
    chance = asked.explore if apart else None
    most = asked.k + (chance.pool if chance else 0)
    ranked = pipeline.recommend(users, most, exclude_seen=asked.exclude_seen, wishes=ready)
    rows, scores = ranked.listed()
    propensities = None
    if chance:
        by_row = dict(zip(rows, scores, strict=True))
        rows, propensities = explore(rows, asked.k, chance, asked.request_id)
        scores = [by_row[row] for row in rows]
    causes = pipeline.reasons(users.history.rows, torch.tensor(rows, dtype=torch.int64)).tolist()
    reasons = shelf.reasons(causes)
    columns = zip(shelf.ids(rows), shelf.titles(rows), rows, scores, reasons, strict=True)
    items = [
        Recommendation(
            item_id=item,
            rank=rank,
            score=score,
            title=title,
            has_image=shelf.has_image(row),
            reason=reason,
        )
        for rank, (item, title, row, score, reason) in enumerate(columns, 1)
    ]
    bundle = running.bundle.manifest.id
    answer = Recommendations(items=items, known=known, bundle=bundle, request_id=asked.request_id)
    return answer, propensities


def similar(view: View, row: int, k: int) -> SimilarItems:
    """The `k` items that having done the one in a catalogue row leads to most."""
    shelf = view.shelf
    rows, scores = view.pipeline.similar(row, k).listed()
    columns = zip(shelf.ids(rows), shelf.titles(rows), rows, scores, strict=True)
    items = [
        Similar(item_id=found, rank=rank, score=score, title=title, has_image=shelf.has_image(place))
        for rank, (found, title, place, score) in enumerate(columns, 1)
    ]
    return SimilarItems(item_id=shelf.ids([row])[0], items=items)


def row_of(view: View, item_id: Id) -> int:
    """The catalogue row of an item.

    Raises:
        UnknownItemError: there is no such item.
    """
    item = check_id(item_id, view.pipeline.space.schema.item_id, "item_id")
    row = view.pipeline.catalogue.row(item)
    if row is None:
        raise UnknownItemError(item)
    return row
