# SPDX-License-Identifier: Apache-2.0
"""Answers as people and programs get them, out of what is running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from penchant.serve.checks import UnknownItemError, check_id
from penchant.serve.wire import Recommendation, Recommendations, Similar, SimilarItems

if TYPE_CHECKING:
    from penchant.batch import Users
    from penchant.recommend.wishes import Wishes
    from penchant.serve.running import Running
    from penchant.serve.stock import View
    from penchant.serve.wire import Id


def recommend(
    running: Running,
    users: Users,
    now: int,
    *,
    known: bool,
    k: int,
    exclude_seen: bool,
    wishes: Wishes | None = None,
) -> Recommendations:
    """The best `k` items for one user, each with its reason.

    Args:
        running: who answers.
        users: who asks (B = 1), as its sessions know them.
        now: microseconds since 1970.
        known: whether anything is known of them.
        k: how many.
        exclude_seen: whether what they did is left out.
        wishes: what else is wished of the list.

    Raises:
        FieldError, WishError: name the wish that cannot be.
    """
    # After the users: a view knows every item of histories that were read before it.
    view = running.stock.view
    pipeline, shelf = view.pipeline, view.shelf
    ready = view.wishes.ready(wishes, now) if wishes else None
    rows, scores = pipeline.recommend(users, k, exclude_seen=exclude_seen, wishes=ready).listed()
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
    return Recommendations(items=items, known=known, bundle=running.bundle.manifest.id)


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
