# SPDX-License-Identifier: Apache-2.0
"""The service: a bundle, and what happened since. It knows no HTTP.

Whatever it holds for the running bundle is in one `Running`, replaced in one step by `swap`: a request takes
the reference once and is answered by one bundle, whatever happens meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time as clock
from concurrent.futures import Future
from typing import TYPE_CHECKING

from msgspec import structs

from penchant.bundle.bundle import open_bundle
from penchant.serve import answering, arrivals
from penchant.serve.answering import row_of
from penchant.serve.checks import FieldError, UnknownUserError, check_id, check_k
from penchant.serve.itemstore import ItemStore
from penchant.serve.running import Running
from penchant.serve.userstore import UserStore
from penchant.serve.wire import ItemBody, ItemCard, NewItem, NewUser, Readiness, Receipt, SimilarItems, UserCard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from penchant.bundle.bundle import Bundle
    from penchant.recommend.wishes import Wishes
    from penchant.schema import Schema
    from penchant.serve.eventlog import EventLog, Written
    from penchant.serve.eventtable import Event
    from penchant.serve.wire import (
        HistoryEvent,
        Id,
        ItemReceipt,
        ListRequest,
        NewEvent,
        Recommendations,
        UserBody,
        UserReceipt,
    )

LOG = logging.getLogger(__name__)


class Service:
    """Answers from a bundle and from every event since. Safe to use from many threads.

    Args:
        bundle: what answers.
        log: where events are kept; the caller closes it.
        now: the clock, in nanoseconds since 1970.
    """

    def __init__(self, bundle: Bundle, log: EventLog, now: Callable[[], int] = clock.time_ns) -> None:
        self._log = log
        self._now = now
        self._items, self._users = ItemStore(log.engine), UserStore(log.engine)
        self._turn = threading.Lock()
        self._stocking = threading.Lock()
        self._taken = 0
        self._take_up(bundle)
        log.listen(self._took, after=self._taken)

    # Events

    def submit(self, events: Sequence[NewEvent]) -> Future[Receipt]:
        """Check `events` and hand them to the log.

        Returns:
            Done when they are durable and the next answer knows of them; fails with `EventLogError`.

        Raises:
            FieldError: names the index and the field of the first event that cannot be taken.
        """
        schema, now = self._running.bundle.pipeline.space.schema, self._now() // 1000
        checked = arrivals.events_of(events, schema, now)
        catalogue = self._running.stock.view.pipeline.catalogue
        unknown = sum(catalogue.row(event.item_id) is None for event in checked)
        receipt: Future[Receipt] = Future()
        receipt.set_running_or_notify_cancel()

        def written(kept: Future[Written]) -> None:
            error = kept.exception()
            if error:
                receipt.set_exception(error)
                return
            receipt.set_result(
                Receipt(
                    accepted=len(checked),
                    unknown_items=unknown,
                    last_sequence=max(kept.result().numbers, default=None),
                    repeated=kept.result().repeated,
                )
            )

        self._log.submit(checked).add_done_callback(written)
        return receipt

    def record(self, events: Sequence[NewEvent]) -> Receipt:
        """Like `submit`, and wait."""
        return self.submit(events).result()

    # Answers

    def recommend_as(self, asked: ListRequest) -> Recommendations:
        """What is asked for, by user or by history, as wished.

        Raises:
            FieldError, WishError: name the field that cannot be taken.
        """
        if asked.user_id is None:
            return self.recommend_for(asked.history or [], asked.k, asked.exclude_seen, asked)
        if asked.history is not None:
            raise FieldError("history", "stands beside user_id: give one of them")
        return self.recommend(asked.user_id, asked.k, asked.exclude_seen, asked)

    def recommend(
        self, user_id: Id, k: int = 10, exclude_seen: bool = True, wishes: Wishes | None = None
    ) -> Recommendations:
        """The best `k` items for a user now; whoever is unknown is a stranger.

        Raises:
            FieldError: `user_id` cannot be an id, or `k` is out of bounds.
            WishError: a wish does not fit the items or the model.
        """
        check_k(k)
        running = self._running
        user = check_id(user_id, running.bundle.pipeline.space.schema.user_id, "user_id")
        known = running.sessions.knows(user)
        users = running.sessions.user(user, self._now() // 1000)
        return answering.recommend(
            running, users, self._now() // 1000, known=known, k=k, exclude_seen=exclude_seen, wishes=wishes
        )

    def recommend_for(
        self, history: Sequence[HistoryEvent], k: int = 10, exclude_seen: bool = True, wishes: Wishes | None = None
    ) -> Recommendations:
        """The best `k` items for somebody with this history, given oldest first where times are equal.

        Raises:
            FieldError: names the index and the field that cannot be taken.
            WishError: a wish does not fit the items or the model.
        """
        check_k(k)
        running, now = self._running, self._now() // 1000
        done = arrivals.history_of(history, running.bundle.pipeline.space.schema, now)
        users = running.sessions.stranger(done, now)
        known = len(users.history.rows) > 0
        return answering.recommend(running, users, now, known=known, k=k, exclude_seen=exclude_seen, wishes=wishes)

    def similar(self, item_id: Id, k: int = 10) -> SimilarItems:
        """The `k` items that having done `item_id` leads to most.

        Raises:
            FieldError: `k` is out of bounds.
            UnknownItemError: the bundle does not hold the item.
        """
        check_k(k)
        view = self._running.stock.view
        return answering.similar(view, row_of(view, item_id), k)

    # Items

    def put_item(self, item_id: Id, body: ItemBody) -> ItemReceipt:
        """Say all that is known of an item; what is not said is not known any more.

        Raises:
            FieldError: names the field that cannot be taken.
            ItemStoreError: it could not be written, and nothing has changed.
        """
        return self._stock([_named(item_id, body)], whole=True)

    def patch_item(self, item_id: Id, body: ItemBody) -> ItemReceipt:
        """Say some of what is known of an item; the rest stays.

        Raises:
            UnknownItemError: there is no such item.
            FieldError, ItemStoreError: as `put_item`.
        """
        row_of(self._running.stock.view, item_id)
        return self._stock([_named(item_id, body)], whole=False)

    def withdraw_item(self, item_id: Id) -> ItemReceipt:
        """An item is not on offer any more; what people did with it stays known.

        Raises:
            UnknownItemError: there is no such item.
            ItemStoreError: as `put_item`.
        """
        return self.patch_item(item_id, ItemBody(available=False))

    def add_items(self, items: Sequence[NewItem]) -> ItemReceipt:
        """Say some of what is known of many items, new or not: all of them, or none where one cannot be taken.

        Raises:
            FieldError: names the index and the field.
            ItemStoreError: as `put_item`.
        """
        return self._stock(items, whole=False, field="items")

    def _stock(self, items: Sequence[NewItem], *, whole: bool, field: str = "") -> ItemReceipt:
        with self._stocking:
            running = self._running
            receipt = running.stock.take(items, whole=whole, field=field)
            # First what can be given, then what histories may hold: see `answering.recommend`.
            running.sessions.stock(running.stock.view.pipeline.catalogue)
        return receipt

    # Users

    def put_user(self, user_id: Id, body: UserBody) -> UserReceipt:
        """Say who a user is; what is not said is not known any more.

        Raises:
            FieldError: names the field that cannot be taken.
            UserStoreError: it could not be written, and nothing has changed.
        """
        return self._meet([NewUser(user_id=user_id, features=body.features)], whole=True)

    def patch_user(self, user_id: Id, body: UserBody) -> UserReceipt:
        """Say some of who a user is; the rest stays.

        Raises:
            UnknownUserError: nothing is known of them.
            FieldError, UserStoreError: as `put_user`.
        """
        self._must_know(user_id)
        return self._meet([NewUser(user_id=user_id, features=body.features)], whole=False)

    def forget_user(self, user_id: Id) -> UserReceipt:
        """Who a user is is not known any more; what they did stays known.

        Raises:
            UnknownUserError: nothing is known of them.
            UserStoreError: as `put_user`.
        """
        self._must_know(user_id)
        return self._meet([NewUser(user_id=user_id)], whole=True)

    def add_users(self, users: Sequence[NewUser]) -> UserReceipt:
        """Say some of who many users are, new or not: all of them, or none where one cannot be taken.

        Raises:
            FieldError: names the index and the field.
            UserStoreError: as `put_user`.
        """
        return self._meet(users, whole=False, field="users")

    def _must_know(self, user_id: Id) -> None:
        running = self._running
        user = check_id(user_id, running.bundle.pipeline.space.schema.user_id, "user_id")
        if not running.sessions.knows(user):
            raise UnknownUserError(user)

    def _meet(self, users: Sequence[NewUser], *, whole: bool, field: str = "") -> UserReceipt:
        with self._stocking:
            running = self._running
            return running.people.take(users, running.sessions, whole=whole, field=field)

    def follow(self) -> None:
        """Take up what other processes on the same database said of items and users.

        Raises:
            ItemStoreError, UserStoreError: the database is away.
        """
        with self._stocking:
            running = self._running
            running.people.follow(running.sessions)
            if running.stock.follow():
                running.sessions.stock(running.stock.view.pipeline.catalogue)

    # What people see

    @property
    def schema(self) -> Schema:
        """What the running bundle's tables hold."""
        return self._running.bundle.pipeline.space.schema

    def item(self, item_id: Id) -> ItemCard:
        """What is known of an item."""
        running, view = self._running, self._running.stock.view
        row = row_of(view, item_id)
        card, live = view.shelf.card(row), running.sessions.live
        return structs.replace(card, signals=live.of_item(row, self._now() // 1000)) if live else card

    def user(self, user_id: Id) -> UserCard:
        """What is known of a user; of a stranger, that it is nothing.

        Raises:
            FieldError: `user_id` cannot be an id.
        """
        running = self._running
        user = check_id(user_id, running.bundle.pipeline.space.schema.user_id, "user_id")
        live = running.sessions.live
        return UserCard(
            user_id=user,
            known=running.sessions.knows(user),
            events=running.sessions.count(user),
            features=running.sessions.profile(user),
            signals=live.of_user(user, self._now() // 1000) if live else {},
        )

    def picture(self, item_id: Id) -> Path | bytes | None:
        """The item's picture: what was sent since, or a file below the data set's root; None if there is none."""
        stock = self._running.stock
        view = stock.view
        row = row_of(view, item_id)
        return stock.picture(view.shelf.ids([row])[0]) or view.shelf.picture(row)

    def search(self, text: str, limit: int = 10) -> list[ItemCard]:
        """Items whose title holds `text`."""
        shelf = self._running.stock.view.shelf
        return [shelf.card(row) for row in shelf.search(text, limit)]

    def users(self) -> list[Id]:
        """Everybody of whom anything is known."""
        return self._running.sessions.ids()

    def history(self, user_id: Id, limit: int) -> list[ItemCard]:
        """What a user did last, newest first."""
        running = self._running
        user = check_id(user_id, running.bundle.pipeline.space.schema.user_id, "user_id")
        rows = running.sessions.past(user).rows
        shelf = running.stock.view.shelf
        return [shelf.card(row) for row in rows[-limit:].flip(0).tolist()]

    # Operation

    def ready(self) -> Readiness:
        """What answers now."""
        running = self._running
        return Readiness(
            ready=not self._log.closed and not self._log.away,
            bundle=running.bundle.manifest.id,
            model=running.bundle.manifest.kind,
            items=len(running.stock.view.pipeline.catalogue),
            users=len(running.sessions),
            events_logged=self._log.last,
        )

    def swap(self, folder: Path) -> None:
        """Answer from the bundle in `folder` from now on; requests under way end as they began.

        Raises:
            BundleError: it is damaged, foreign or too new; the running bundle stays.
        """
        before = self._running.bundle.manifest.id
        bundle = open_bundle(folder)
        with self._stocking:
            self._take_up(bundle)
        LOG.info("bundle %s gave way to %s", before, self._running.bundle.manifest.id)

    def _take_up(self, bundle: Bundle) -> None:
        """Encode what the bundle and the log hold, and then, while the writer waits, what came meanwhile."""
        running, last = Running.begin(bundle, self._log, self._items, self._users)
        nobody = running.sessions.stranger([])
        answering.recommend(running, nobody, 0, known=False, k=1, exclude_seen=True)  # warm every cache
        with self._turn:
            self._taken = running.catch_up(self._log, last)
            self._running = running

    def _took(self, events: Sequence[Event], first: int) -> None:
        """Called by the log's writer when `events` are durable, in their order; numbers start at `first`."""
        with self._turn:
            sessions = self._running.sessions
            fresh = events[max(self._taken - first + 1, 0) :]  # a swap may have read some of them already
            sessions.take([(e.user_id, e.item_id, e.time, e.type, e.value, e.more) for e in fresh])
            self._taken = max(self._taken, first + len(events) - 1)


def _named(item_id: Id, body: ItemBody) -> NewItem:
    return NewItem(item_id=item_id, features=body.features, available=body.available)
