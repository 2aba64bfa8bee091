# SPDX-License-Identifier: Apache-2.0
"""A typed client of the service, for programs that wait and for those that do not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

from penchant.client import calls
from penchant.client.calls import Call, ServiceError
from penchant.client.sending import Patience
from penchant.errors import MissingExtraError

try:
    import httpx
except ModuleNotFoundError:
    raise MissingExtraError("The client", "client") from None

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from penchant.serve import wire
    from penchant.serve.wire import Id

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
    """Asks a running service. Safe to use from many threads; use in a `with`, or `close` it.

    Args:
        url: where the service is.
        key: of the API, if it asks for one.
        timeout: seconds that one attempt may take.
        retries: how often a call is sent again that got no answer, or one that will pass. No call does anything
            twice.
        transport: an httpx transport in place of the network, for tests.

    Every method raises `ServiceError` where the service refuses, naming the field, or cannot be reached.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        timeout: float = 5.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._patience = Patience(retries)
        self._http = httpx.Client(base_url=url, headers=_headers(key), timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def recommend(
        self,
        user_id: Id | None = None,
        *,
        history: Iterable[wire.HistoryEvent | Id] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        **wishes: Any,
    ) -> wire.Recommendations:
        """The best `k` items for a user, or for whoever did `history`.

        Args:
            user_id: somebody of the data, or a stranger.
            history: in place of a user: events, or ids of items, oldest first.
            k: how many.
            exclude_seen: leave out what they already did.
            **wishes: what else is wished of the list: `where`, `allow`, `block`, `boosts`, `fresh`, `pins`,
                `caps`, `diversity`; see `penchant.recommend.wishes`.
        """
        return self._send(calls.recommend(user_id, history, k, exclude_seen, wishes))

    def similar(self, item_id: Id, k: int = 10) -> wire.SimilarItems:
        """The `k` items most like one."""
        return self._send(calls.similar(item_id, k))

    def item(self, item_id: Id) -> wire.ItemCard:
        """What is known of an item."""
        return self._send(calls.item(item_id))

    def user(self, user_id: Id) -> wire.UserCard:
        """What is known of a user."""
        return self._send(calls.user(user_id))

    def ready(self) -> wire.Readiness:
        """What answers."""
        return self._send(calls.ready())

    def record(self, events: Iterable[wire.NewEvent]) -> wire.Receipt:
        """Say what people did, however many events; when this returns they are on the service's disk.

        Where it raises, the parts before the one that failed are kept; sent again, nothing is there twice if the
        events have ids of their own.
        """
        return calls.together([self._send(call) for call in calls.record(events)])

    def put_item(
        self, item_id: Id, features: Mapping[str, calls.Feature], available: bool | None = None
    ) -> wire.ItemReceipt:
        """Say all that is known of an item, new or not: it can be recommended when this returns."""
        return self._send(calls.change_item("PUT", item_id, features, available))

    def patch_item(
        self, item_id: Id, features: Mapping[str, calls.Feature] | None = None, available: bool | None = None
    ) -> wire.ItemReceipt:
        """Say some of what is known of an item; the rest stays."""
        return self._send(calls.change_item("PATCH", item_id, features or {}, available))

    def withdraw_item(self, item_id: Id) -> wire.ItemReceipt:
        """An item is not on offer any more."""
        return self._send(calls.withdraw_item(item_id))

    def add_items(self, items: Iterable[wire.NewItem]) -> wire.ItemReceipt:
        """Say some of what is known of many items, new or not, however many."""
        return calls.items_together([self._send(call) for call in calls.add_items(items)])

    def put_user(self, user_id: Id, features: Mapping[str, wire.FeatureValue]) -> wire.UserReceipt:
        """Say who a user is, known or not: their next answer knows it."""
        return self._send(calls.change_user("PUT", user_id, features))

    def patch_user(self, user_id: Id, features: Mapping[str, wire.FeatureValue]) -> wire.UserReceipt:
        """Say some of who a user is; the rest stays."""
        return self._send(calls.change_user("PATCH", user_id, features))

    def forget_user(self, user_id: Id) -> wire.UserReceipt:
        """Who a user is is not known any more; what they did is."""
        return self._send(calls.forget_user(user_id))

    def add_users(self, users: Iterable[wire.NewUser]) -> wire.UserReceipt:
        """Say some of who many users are, known or not, however many."""
        return calls.users_together([self._send(call) for call in calls.add_users(users)])

    def _send(self, call: Call[T]) -> T:
        attempt = 0
        while True:
            try:
                answer = self._http.request(call.method, call.path, content=call.body)
            except httpx.TransportError as error:
                wait = self._patience.wait(attempt)
                if wait is None:
                    raise _unreachable(self._http.base_url, error) from error
            else:
                wait = self._patience.wait(attempt, answer.status_code, answer.headers)
                if wait is None:
                    return call.read(answer.status_code, answer.content)
            time.sleep(wait)
            attempt += 1


class AsyncClient:
    """The same for programs that do not wait: each method is awaited. Use in an `async with`, or `close` it.

    Arguments as of `Client`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        timeout: float = 5.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience = Patience(retries)
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(key), timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def recommend(
        self,
        user_id: Id | None = None,
        *,
        history: Iterable[wire.HistoryEvent | Id] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        **wishes: Any,
    ) -> wire.Recommendations:
        """As `Client.recommend`."""
        return await self._send(calls.recommend(user_id, history, k, exclude_seen, wishes))

    async def similar(self, item_id: Id, k: int = 10) -> wire.SimilarItems:
        """As `Client.similar`."""
        return await self._send(calls.similar(item_id, k))

    async def item(self, item_id: Id) -> wire.ItemCard:
        """As `Client.item`."""
        return await self._send(calls.item(item_id))

    async def user(self, user_id: Id) -> wire.UserCard:
        """As `Client.user`."""
        return await self._send(calls.user(user_id))

    async def ready(self) -> wire.Readiness:
        """As `Client.ready`."""
        return await self._send(calls.ready())

    async def record(self, events: Iterable[wire.NewEvent]) -> wire.Receipt:
        """As `Client.record`."""
        return calls.together([await self._send(call) for call in calls.record(events)])

    async def put_item(
        self, item_id: Id, features: Mapping[str, calls.Feature], available: bool | None = None
    ) -> wire.ItemReceipt:
        """As `Client.put_item`."""
        return await self._send(calls.change_item("PUT", item_id, features, available))

    async def patch_item(
        self, item_id: Id, features: Mapping[str, calls.Feature] | None = None, available: bool | None = None
    ) -> wire.ItemReceipt:
        """As `Client.patch_item`."""
        return await self._send(calls.change_item("PATCH", item_id, features or {}, available))

    async def withdraw_item(self, item_id: Id) -> wire.ItemReceipt:
        """As `Client.withdraw_item`."""
        return await self._send(calls.withdraw_item(item_id))

    async def add_items(self, items: Iterable[wire.NewItem]) -> wire.ItemReceipt:
        """As `Client.add_items`."""
        return calls.items_together([await self._send(call) for call in calls.add_items(items)])

    async def put_user(self, user_id: Id, features: Mapping[str, wire.FeatureValue]) -> wire.UserReceipt:
        """As `Client.put_user`."""
        return await self._send(calls.change_user("PUT", user_id, features))

    async def patch_user(self, user_id: Id, features: Mapping[str, wire.FeatureValue]) -> wire.UserReceipt:
        """As `Client.patch_user`."""
        return await self._send(calls.change_user("PATCH", user_id, features))

    async def forget_user(self, user_id: Id) -> wire.UserReceipt:
        """As `Client.forget_user`."""
        return await self._send(calls.forget_user(user_id))

    async def add_users(self, users: Iterable[wire.NewUser]) -> wire.UserReceipt:
        """As `Client.add_users`."""
        return calls.users_together([await self._send(call) for call in calls.add_users(users)])

    async def _send(self, call: Call[T]) -> T:
        attempt = 0
        while True:
            try:
                answer = await self._http.request(call.method, call.path, content=call.body)
            except httpx.TransportError as error:
                wait = self._patience.wait(attempt)
                if wait is None:
                    raise _unreachable(self._http.base_url, error) from error
            else:
                wait = self._patience.wait(attempt, answer.status_code, answer.headers)
                if wait is None:
                    return call.read(answer.status_code, answer.content)
            await asyncio.sleep(wait)
            attempt += 1


def _headers(key: str | None) -> dict[str, str]:
    return {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})


def _unreachable(url: httpx.URL, error: Exception) -> ServiceError:
    return ServiceError(f"The service at {url} cannot be reached: {error or type(error).__name__}")
