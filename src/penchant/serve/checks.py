# SPDX-License-Identifier: Apache-2.0
"""What the service takes and what it refuses; each refusal names the field and says what would do."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penchant.errors import RequestError, nearest
from penchant.schema import AMOUNT, DWELL, MICROSECONDS, QUANTITY, IdType, Kind
from penchant.serve.wire import NewEvent, NewEvents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penchant.schema import Column
    from penchant.serve.wire import HistoryEvent, Id

LARGEST_K = 1000
LARGEST_BATCH = 10_000
LARGEST_ID = 512
"""Bytes of an id in UTF-8."""

_INT64 = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400 * MICROSECONDS

T = TypeVar("T")


class FieldError(RequestError):
    """A field of a request does not hold what it should."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class NotJSONError(RequestError):
    """A body that is not JSON at all."""


class UnknownItemError(RequestError):
    """The running bundle does not hold this item."""

    def __init__(self, item_id: Id) -> None:
        super().__init__(f"There is no item {_shown(item_id)}")
        self.field = "item_id"


class UnavailableError(RequestError):
    """This service does not do that; how it was started says why."""


class UnknownUserError(RequestError):
    """Nothing is known of this user."""

    def __init__(self, user_id: Id) -> None:
        super().__init__(f"Nothing is known of user {_shown(user_id)}")
        self.field = "user_id"


def check_k(k: int, field: str = "k") -> int:
    """`k` if that many items can be asked for."""
    if not 1 <= k <= LARGEST_K:
        raise FieldError(field, f"must be from 1 to {LARGEST_K}, is {_shown(k)}")
    return k


def check_id(value: Id, kind: IdType, field: str) -> Id:
    """The id as the catalogue would write it.

    An address can carry only text, so `"7"` is taken for 7 where ids are numbers, and 7 for `"7"` where they
    are text; never in a way that makes one id out of two. Text that is no number stays text: such an id is
    unknown to a catalogue of numbers, which is no error.

    Raises:
        FieldError: it is empty, too long, or outside 64 bits.
    """
    if isinstance(value, str):
        check_text(value, field)
        # int() also reads " 7", "+7", "0_7", "007" and other scripts' digits: those are other ids.
        if kind is IdType.STRING or len(value) > 20 or not re.fullmatch(r"0|-?[1-9][0-9]*", value):
            return value
        number = int(value)
        return number if -_INT64 <= number < _INT64 else value
    if not -_INT64 <= value < _INT64:
        raise FieldError(field, f"is outside the range of 64 bits: {_shown(value)}")
    return str(value) if kind is IdType.STRING else value


def check_type(value: str | None, default: str, field: str) -> str:
    """The event's type, or the data set's first one."""
    if value is None:
        return default
    check_text(value, field)
    return value


def check_name(value: str | None, field: str) -> str | None:
    """An event's own id, if it has one."""
    if value is not None:
        check_text(value, field)
    return value


def check_value(value: float | None, field: str) -> float | None:
    """The event's value, if it is a number that 32 bits can hold."""
    if value is not None and not (math.isfinite(value) and abs(value) < 3e38):
        raise FieldError(field, f"must be a finite number, is {value}")
    return value


def check_time(value: str | float | None, now: int, field: str) -> int:
    """Microseconds since 1970 UTC, out of what a request may write.

    Args:
        value: ISO-8601 text, seconds since 1970, or None for `now`.
        now: microseconds since 1970.
        field: where it stands in the request.
    """
    if value is None:
        return now
    if isinstance(value, str):
        time = _iso(value, field)
    elif abs(value) < 1e13:
        time = value * MICROSECONDS if isinstance(value, int) else round(value * MICROSECONDS)
    else:
        raise FieldError(field, f"must be seconds since 1970, is {_shown(value)}: is that milli- or microseconds?")
    if time < 0:
        raise FieldError(field, f"lies before 1970: {_shown(value)}")
    if time > now + _DAY:
        raise FieldError(field, f"lies in the future: {_shown(value)} (numbers are seconds since 1970)")
    return time


def check_more(event: HistoryEvent, context: Mapping[str, Column], now: int, field: str) -> dict[str, Any] | None:
    """What an event says beyond the five canonical columns, as an events table would hold it; None for nothing.

    Args:
        event: as it came.
        context: the data's columns of events.
        now: microseconds since 1970.
        field: where the event stands in the request.
    """
    numbers = {name: check_value(getattr(event, name), f"{field}.{name}") for name in (DWELL, AMOUNT, QUANTITY)}
    more: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
    for name, value in (event.context or {}).items():
        place = f"{field}.context.{name}"
        if name not in context:
            raise FieldError(place, f"these data have no such context{nearest(name, context)}")
        kind = context[name].kind
        if value is None:
            continue
        if kind is Kind.TIME:
            more[name] = check_time(value, now, place)
        elif isinstance(value, str) == (kind is Kind.NUMBER):
            raise FieldError(place, f"must be {'a number' if kind is Kind.NUMBER else 'text'}, is {_shown(value)}")
        elif isinstance(value, str):
            check_text(value, place)
            more[name] = value
        else:
            more[name] = check_value(value, place)
    return more or None


def check_batch(events: Sequence[HistoryEvent], field: str) -> None:
    """Refuse more events than one request may carry."""
    if len(events) > LARGEST_BATCH:
        raise FieldError(field, f"at most {LARGEST_BATCH:,} at once, these are {len(events):,}")


def decode(body: bytes, shape: type[T]) -> T:
    """A JSON body as a `shape`.

    Raises:
        NotJSONError: it is not JSON; says at which byte.
        FieldError: it is JSON of another shape; names the field.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise FieldError(path.strip("`.") or "body", reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJSONError(f"The body is not JSON: {_place(error, body)}") from None


def decode_events(body: bytes) -> list[NewEvent]:
    """The events of a body that is one event, a list of events, or `{"events": [...]}`."""
    if body.lstrip()[:1] == b"[":
        return decode(body, list[NewEvent])
    if "events" in decode(body, dict[str, msgspec.Raw]):
        return decode(body, NewEvents).events
    return [decode(body, NewEvent)]


def _place(error: Exception, body: bytes) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        body.decode()
    except UnicodeDecodeError as found:
        return f"it is not UTF-8 (byte {found.start})"
    text = str(error)
    return text if "(byte" in text else f"{text} (byte {len(body)})"


def _iso(value: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise FieldError(
            field, f"must be ISO-8601, for example 2026-11-25T12:00:00Z, is {_shown(value)}"
        ) from None


def check_text(value: str, field: str) -> None:
    """Refuse text that is empty, too long for a word or an id, or not text at all."""
    if not value:
        raise FieldError(field, "must not be empty")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise FieldError(field, "is not valid Unicode") from None
    if size > LARGEST_ID:
        raise FieldError(field, f"must be at most {LARGEST_ID} bytes long, has {size:,}")
    if "\0" in value:
        raise FieldError(field, "must not hold the character NUL")


def _shown(value: object) -> str:
    """A value for a message: quoted, and cut where somebody sent a book."""
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number with more than 30 digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
