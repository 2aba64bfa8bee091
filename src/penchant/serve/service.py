# SPDX-License-Identifier: Apache-2.0
"""The service: what is asked of a bundle and of what happened since. It knows no HTTP."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING

from msgspec import structs

from penchant.serve import answering, arrivals, experiments
from penchant.serve.answering import row_of
from penchant.serve.checks import FieldError, UnavailableError, UnknownUserError, check_id, check_k
from penchant.serve.holding import Holding
from penchant.serve.results import results
from penchant.serve.wire import (
    ExperimentCards,
    ItemBody,
    ItemCard,
    NewItem,
    NewUser,
    Receipt,
    SeenReceipt,
    SimilarItems,
    UserCard,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penchant.recommend.wishes import Wishes
    from penchant.serve.eventlog import Written
    from penchant.serve.wire import (
        HistoryEvent,
        Id,
        ItemReceipt,
        ListRequest,
        NewEvent,
        Recommendations,
        SeenList,
        UserBody,
        UserReceipt,
    )

LOG = logging.getLogger(__name__)

_KEEP = 5_000_000
"""Microseconds for which the results of experiments are kept."""


class Service(Holding):
    """Answers from a bundle and from every event since. Safe to use from many threads; made as `Holding` is."""

    _counted: tuple[int, ExperimentCards | None] = (0, None)

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

    def recommend_as(self, asked: ListRequest, request_id: str = "") -> Recommendations:
        """What is asked for, by user or by history, as wished; `request_id` as of `recommend`.

        Raises:
            FieldError, WishError: name the field that cannot be taken.
        """
        if asked.user_id is None:
            return self.recommend_for(asked.history or [], asked.k, asked.exclude_seen, asked, request_id)
        if asked.history is not None:
            raise FieldError("history", "stands beside user_id: give one of them")
        return self.recommend(asked.user_id, asked.k, asked.exclude_seen, asked, request_id)

    def recommend(
        self,
        user_id: Id,
        k: int = 10,
        exclude_seen: bool = True,
        wishes: Wishes | None = None,
        request_id: str = "",
    ) -> Recommendations:
        """The best `k` items for a user now; whoever is unknown is a stranger.

        Args:
            user_id: who.
            k: how many.
            exclude_seen: whether what they did is left out.
            wishes: what else is wished.
            request_id: of the request that the list is shown to; empty for one that nobody is shown.

        Raises:
            FieldError: `user_id` cannot be an id, or `k` is out of bounds.
            WishError: a wish does not fit the items or the model.
        """
        check_k(k)
        user = check_id(user_id, self.schema.user_id, "user_id")
        place = self._place(user)
        sessions, now = place.running.sessions, self._now() // 1000
        known = sessions.knows(user)
        return self.offering.answer(
            place, sessions.user(user, now), now,
            user_id=user, known=known, k=k, exclude_seen=exclude_seen, wishes=wishes, request_id=request_id,
        )  # fmt: skip

    def recommend_for(
        self,
        history: Sequence[HistoryEvent],
        k: int = 10,
        exclude_seen: bool = True,
        wishes: Wishes | None = None,
        request_id: str = "",
    ) -> Recommendations:
        """The best `k` items for somebody with this history, given oldest first where times are equal.

        Arguments as of `recommend`.

        Raises:
            FieldError: names the index and the field that cannot be taken.
            WishError: a wish does not fit the items or the model.
        """
        check_k(k)
        place, now = self._place(None), self._now() // 1000
        done = arrivals.history_of(history, place.running.bundle.pipeline.space.schema, now)
        users = place.running.sessions.stranger(done, now)
        return self.offering.answer(
            place, users, now,
            user_id=None, known=len(users.history.rows) > 0,
            k=k, exclude_seen=exclude_seen, wishes=wishes, request_id=request_id,
        )  # fmt: skip

    def confirm(self, lists: Sequence[SeenList]) -> Future[SeenReceipt]:
        """Write down what came to somebody's eyes.

        Returns:
            Done when it is durable; fails with `ImpressionError`.

        Raises:
            FieldError: names the index and the field that cannot be taken.
            UnavailableError: no impressions are written here.
        """
        if self.offering.impressions is None:
            raise UnavailableError("No impressions are written here: serve with impressions = true")
        schema, now = self.schema, self._now() // 1000
        seen = arrivals.seen_of(lists, schema, now)
        receipt: Future[SeenReceipt] = Future()
        receipt.set_running_or_notify_cancel()

        def written(kept: Future[None]) -> None:
            if error := kept.exception():
                receipt.set_exception(error)
            else:
                receipt.set_result(SeenReceipt(accepted=len(seen)))

        self.offering.impressions.confirm(seen).add_done_callback(written)
        return receipt

    def experiments(self) -> ExperimentCards:
        """What each experiment of the bundles' folder has come to, newest first; counted anew every few seconds.

        Raises:
            ConfigError: the file of experiments is damaged.
            ImpressionError: the database cannot be read.
        """
        now = self._now() // 1000
        if self.bundles is None or self.offering.impressions is None:
            return ExperimentCards(experiments=[])
        counted, cards = self._counted
        if cards is None or not counted <= now < counted + _KEEP:
            known = reversed(experiments.read(self.bundles))
            cards = ExperimentCards(experiments=[results(self._log.engine, one, now) for one in known])
            self._counted = now, cards
        return cards

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
            self._others_follow()
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
            receipt = running.people.take(users, running.sessions, whole=whole, field=field)
            self._others_follow()
        return receipt

    # What people see

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


def _named(item_id: Id, body: ItemBody) -> NewItem:
    return NewItem(item_id=item_id, features=body.features, available=body.available)
