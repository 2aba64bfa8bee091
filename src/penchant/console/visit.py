# SPDX-License-Identifier: Apache-2.0
"""One visitor of the page: who they are, what they did, and how the list moved. Draws nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penchant.serve.wire import HistoryEvent, NewEvent

if TYPE_CHECKING:
    from penchant.serve.service import Service
    from penchant.serve.wire import Id, ItemCard, Recommendation

NEW = "new"


@dataclass(frozen=True)
class Shown:
    """A recommended item, and where it came from since the last look.

    Attributes:
        item: the recommendation.
        card: what is known of the item.
        moved: places gained (negative: lost), or `NEW` if it was not in the list; 0 at the first look.
    """

    item: Recommendation
    card: ItemCard
    moved: int | str


@dataclass(frozen=True)
class View:
    """What there is to see now.

    Attributes:
        items: recommendations, best first.
        history: what the visitor did, newest first.
        milliseconds: how long the service took for the recommendations.
        known: whether they rest on anything that this visitor did.
    """

    items: list[Shown]
    history: list[ItemCard]
    milliseconds: float
    known: bool


class Visit:
    """A visitor. A stranger's history is kept here and nowhere else; a user's is in the service."""

    def __init__(self, service: Service, size: int = 24, remembered: int = 30) -> None:
        self._service = service
        self._size = size
        self._remembered = remembered
        self._past: list[Id] = []
        self._places: dict[Id, int] = {}
        self.user: Id | None = None

    def become(self, user: Id | None) -> None:
        """Be this user from now on, or a stranger who did nothing yet."""
        self.user = user
        self._past = []
        self._places = {}

    def did(self, item_id: Id) -> None:
        """The visitor chose an item; a user's event is durable when this returns.

        Raises:
            PenchantError: it could not be written down.
        """
        if self.user is None:
            self._past.append(item_id)
        else:
            self._service.record([NewEvent(user_id=self.user, item_id=item_id)])

    def undo(self, item_id: Id) -> None:
        """A stranger takes a choice back."""
        self._past = [past for past in self._past if past != item_id]

    def look(self) -> View:
        """Ask the service for the list as it is now."""
        service = self._service
        start = time.perf_counter()
        if self.user is None:
            answer = service.recommend_for([HistoryEvent(item_id=item) for item in self._past], self._size)
        else:
            answer = service.recommend(self.user, self._size)
        milliseconds = (time.perf_counter() - start) * 1000
        before, self._places = self._places, {item.item_id: item.rank for item in answer.items}
        items = [
            Shown(item, service.item(item.item_id), _moved(before, item.item_id, item.rank))
            for item in answer.items
        ]
        return View(items, self._history(), milliseconds, answer.known)

    def _history(self) -> list[ItemCard]:
        if self.user is None:
            return [self._service.item(item) for item in self._past[: -self._remembered - 1 : -1]]
        return self._service.history(self.user, self._remembered)


def _moved(before: dict[Id, int], item_id: Id, rank: int) -> int | str:
    if not before:
        return 0
    return before[item_id] - rank if item_id in before else NEW
