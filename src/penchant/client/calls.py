# SPDX-License-Identifier: Apache-2.0
"""What a client asks, apart from how it is sent: each function makes a call, and knows how to read its answer.

Every call may be sent again when its answer was lost: to ask changes nothing, an item said twice is the same item,
and events carry ids of their own.
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import structs

from penchant.errors import PenchantError
from penchant.recommend.wishes import Wishes
from penchant.serve import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penchant.serve.wire import Id

T = TypeVar("T")

Feature = wire.FeatureValue | bytes

EVENTS_AT_ONCE = 1000
ITEMS_AT_ONCE = 200
USERS_AT_ONCE = 1000
"""Of one call; a longer list is sent in several."""

_ENCODE = msgspec.json.Encoder().encode


class ServiceError(PenchantError):
    """The service refused a request, or could not be reached.

    Attributes:
        status: of the HTTP answer; 0 where there was none.
        code: what it is, for programs.
        field: in which field it lies, if in one.
    """

    def __init__(self, message: str, status: int = 0, code: str = "unreachable", field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request: `method` and `path`, its JSON, and the struct that its answer is."""

    method: str
    path: str
    shape: type[T]
    body: bytes | None = None

    def read(self, status: int, body: bytes) -> T:
        """The answer.

        Raises:
            ServiceError: it is a refusal, or none that this client knows.
        """
        try:
            if status < 400:
                return msgspec.json.decode(body, type=self.shape)
            problem = msgspec.json.decode(body, type=wire.ErrorAnswer).error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            text = f"{self.method} {self.path} was answered with {status} and what no Penchant service says"
            raise ServiceError(text, status, "foreign") from None
        raise ServiceError(problem.message, status, problem.code, problem.field)


def recommend(
    user_id: Id | None, history: Iterable[wire.HistoryEvent | Id] | None, k: int, exclude_seen: bool, wishes: Any
) -> Call[wire.Recommendations]:
    """A list for a user, or for whoever did `history`, of events or of ids alone."""
    past = None
    if history is not None:
        past = [one if isinstance(one, wire.HistoryEvent) else wire.HistoryEvent(item_id=one) for one in history]
    said = _wishes(wishes)
    asked = wire.ListRequest(user_id=user_id, history=past, k=k, exclude_seen=exclude_seen, **structs.asdict(said))
    return Call("POST", "/v1/recommendations", wire.Recommendations, _ENCODE(asked))


def similar(item_id: Id, k: int) -> Call[wire.SimilarItems]:
    """Items like one."""
    return Call("GET", f"/v1/items/{_part(item_id)}/similar?k={k}", wire.SimilarItems)


def item(item_id: Id) -> Call[wire.ItemCard]:
    """What is known of an item."""
    return Call("GET", f"/v1/items/{_part(item_id)}", wire.ItemCard)


def user(user_id: Id) -> Call[wire.UserCard]:
    """What is known of a user."""
    return Call("GET", f"/v1/users/{_part(user_id)}", wire.UserCard)


def ready() -> Call[wire.Readiness]:
    """What answers."""
    return Call("GET", "/readyz", wire.Readiness)


def record(events: Iterable[wire.NewEvent]) -> Iterator[Call[wire.Receipt]]:
    """Say what people did, in parts; an event without an id of its own is given one."""
    named = [one if one.event_id else structs.replace(one, event_id=uuid.uuid4().hex) for one in events]
    for start in range(0, len(named), EVENTS_AT_ONCE):
        yield Call("POST", "/v1/events", wire.Receipt, _ENCODE(named[start : start + EVENTS_AT_ONCE]))


def change_item(
    method: str, item_id: Id, features: Mapping[str, Feature], available: bool | None
) -> Call[wire.ItemReceipt]:
    """Say all (PUT) or some (PATCH) of what is known of an item; pictures and sounds may be bytes."""
    said = {name: b64encode(one).decode() if isinstance(one, bytes) else one for name, one in features.items()}
    body = wire.ItemBody(features=said, available=available)
    return Call(method, f"/v1/items/{_part(item_id)}", wire.ItemReceipt, _ENCODE(body))


def withdraw_item(item_id: Id) -> Call[wire.ItemReceipt]:
    """An item is not on offer any more."""
    return Call("DELETE", f"/v1/items/{_part(item_id)}", wire.ItemReceipt)


def add_items(items: Iterable[wire.NewItem]) -> Iterator[Call[wire.ItemReceipt]]:
    """Say some of what is known of many items, in parts."""
    many = list(items)
    for start in range(0, len(many), ITEMS_AT_ONCE):
        yield Call(
            "POST",
            "/v1/items",
            wire.ItemReceipt,
            _ENCODE(wire.NewItems(items=many[start : start + ITEMS_AT_ONCE])),
        )


def change_user(method: str, user_id: Id, features: Mapping[str, wire.FeatureValue]) -> Call[wire.UserReceipt]:
    """Say all (PUT) or some (PATCH) of who a user is."""
    body = wire.UserBody(features=dict(features))
    return Call(method, f"/v1/users/{_part(user_id)}", wire.UserReceipt, _ENCODE(body))


def forget_user(user_id: Id) -> Call[wire.UserReceipt]:
    """Who a user is is not known any more."""
    return Call("DELETE", f"/v1/users/{_part(user_id)}", wire.UserReceipt)


def add_users(users: Iterable[wire.NewUser]) -> Iterator[Call[wire.UserReceipt]]:
    """Say some of who many users are, in parts."""
    many = list(users)
    for start in range(0, len(many), USERS_AT_ONCE):
        body = _ENCODE(wire.NewUsers(users=many[start : start + USERS_AT_ONCE]))
        yield Call("POST", "/v1/users", wire.UserReceipt, body)


def users_together(receipts: Iterable[wire.UserReceipt]) -> wire.UserReceipt:
    """One receipt for all parts."""
    all_of_them = list(receipts)
    return wire.UserReceipt(
        accepted=sum(one.accepted for one in all_of_them), new=sum(one.new for one in all_of_them)
    )


def together(receipts: Iterable[wire.Receipt]) -> wire.Receipt:
    """One receipt for all parts."""
    total = wire.Receipt(accepted=0, unknown_items=0, last_sequence=None)
    for one in receipts:
        total = wire.Receipt(
            accepted=total.accepted + one.accepted,
            unknown_items=total.unknown_items + one.unknown_items,
            last_sequence=max(total.last_sequence or 0, one.last_sequence or 0) or None,
            repeated=total.repeated + one.repeated,
        )
    return total


def items_together(receipts: Iterable[wire.ItemReceipt]) -> wire.ItemReceipt:
    """One receipt for all parts."""
    total = wire.ItemReceipt(accepted=0, new=0, recommendable=0)
    for one in receipts:
        total = wire.ItemReceipt(
            accepted=total.accepted + one.accepted,
            new=total.new + one.new,
            recommendable=total.recommendable + one.recommendable,
        )
    return total


def _part(raw: Id) -> str:
    return quote(str(raw), safe="")


def _wishes(said: Mapping[str, Any]) -> Wishes:
    """Wishes as plain Python writes them.

    Raises:
        ServiceError: names the field, as the service would.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(said), Wishes)
    except msgspec.ValidationError as error:
        raise ServiceError(f"The wishes cannot be sent: {error}", code="invalid_field") from None
